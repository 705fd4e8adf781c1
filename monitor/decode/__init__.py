"""From messages to columns: nothing stops it, nothing is dropped without a count."""
