"""The terminal face. `main.py` is the entry; `commands/` has one file a command."""

__version__ = "0.1.0"
