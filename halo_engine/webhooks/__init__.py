"""How a webhook leaves this machine: one POST, guarded against being led back into the network that Halo stands in, and bounded in time."""
