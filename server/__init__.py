"""The HTTP face, over the same engine as the terminal."""
