"""Fixtures of the contract suite."""

from __future__ import annotations

from tests.contract.worlds import house, vendors, world

__all__ = ["house", "vendors", "world"]
