"""Doors to the tools around a model: each reads or writes what another system keeps, in its own format."""
