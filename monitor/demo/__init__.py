"""`driftd demo`: the whole of driftd on one machine, on real parts, with a log whose drift is known."""
