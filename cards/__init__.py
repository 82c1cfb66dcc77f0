"""Renderers of one value, the card. They import nothing but the model."""
