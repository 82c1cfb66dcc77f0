"""How Halo is run elsewhere than in a terminal: in containers, on Google Cloud, and as if it were there on one machine. Nothing of it ships."""
