"""The vendors' side of the world. It imports nothing of Halo but money and the clock."""
