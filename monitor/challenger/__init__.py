"""A model that learns beside the one in production, in a process of its own that nothing waits for."""
