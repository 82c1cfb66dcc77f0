"""Moved to `halo_engine.model.strict_json`."""

from halo_engine.model.strict_json import Json, JsonError, dumps, loads

__all__ = ["Json", "JsonError", "dumps", "loads"]
