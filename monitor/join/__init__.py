"""Where predictions wait for their labels."""
