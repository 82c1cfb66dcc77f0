"""The nouns: frozen values with no I/O, no clock and no settings. Everything above speaks in these."""
