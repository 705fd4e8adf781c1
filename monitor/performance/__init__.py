"""How well models do: estimated when a window closes, known when its labels have come."""
