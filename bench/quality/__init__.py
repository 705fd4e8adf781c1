"""How well drift is found: driftd and others on the same seeded windows (`make bench-quality`)."""
