"""Mutation testing of the code that decides about money, confirmations and the log: `just mutants` (docs/mutation.md)."""
