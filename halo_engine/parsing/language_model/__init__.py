"""The parser that asks a language model, and the check that nothing it says goes beyond the person's own words."""
