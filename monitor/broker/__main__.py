"""``python -m monitor.broker --port 9092``: the broker on its own, until interrupted."""

from __future__ import annotations

import argparse
import signal
import sys
import threading

from monitor.broker.embedded import EmbeddedBroker
from monitor.broker.topics import Limits


def main() -> int:
    """Serve until SIGINT or SIGTERM; prints the address first."""
    parser = argparse.ArgumentParser(prog="python -m monitor.broker", description=__doc__)
    parser.add_argument("--port", type=int, default=9092, help="0 takes a free one")
    parser.add_argument("--partitions", type=int, default=4, help="of a topic created by its first use")
    parser.add_argument("--partition-bytes", type=int, default=1 << 30, help="kept per partition")
    options = parser.parse_args()
    limits = Limits(partition_bytes=options.partition_bytes, default_partitions=options.partitions)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        with EmbeddedBroker(options.port, limits=limits) as broker:
            sys.stdout.write(f"{broker.bootstrap}\n")
            sys.stdout.flush()
            ended.wait()
    except OSError as error:
        sys.stderr.write(f"cannot listen on port {options.port}: {error}; choose another with --port\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
