"""Detectors and ensembles beside stated figures: `make bench-detectors`. Exit code 1 if one is not met.

Elec2 is read from the file that $DRIFTD_ELEC2 names, or from where river's download has put it; without
it the exit code is 1.
"""

from __future__ import annotations

import sys

from bench import detector_table, elec2, sea


def main() -> int:
    """Print the detector table, then the learners on Elec2 and SEA, whatever the first says."""
    is_good = [detector_table.report(), elec2.report(), sea.report()]
    return 0 if all(is_good) else 1


if __name__ == "__main__":
    sys.exit(main())
