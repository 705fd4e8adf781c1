"""What more of everything costs: `make bench-scale`."""
