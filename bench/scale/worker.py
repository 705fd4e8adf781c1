"""One of several `driftd run` on one topic, begun at the word "go". Prints one line of JSON."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from random import Random

from monitor.clock import SystemClock
from monitor.config import Loaded, load
from monitor.log import configure
from monitor.runtime import assemble
from monitor.source.base import TopicPartition

LIMIT_S = 300.0
ASK_EVERY_S = 0.2


def run(loaded: Loaded, rows: int, partitions: int) -> dict[str, float]:
    """Work until all together have committed every row; measured from the turn of this one's first row on."""
    clock = SystemClock()
    configure(clock, "json", "warning")
    stop = threading.Event()
    (topic,) = loaded.config.topics().names
    whole = [TopicPartition(topic, i) for i in range(partitions)]
    limit_s = asked_s = time.perf_counter()
    limit_s += LIMIT_S
    begun_s = cpu_s = 0.0
    with assemble(loaded, {}, clock, Random(1), stop) as running:
        while time.perf_counter() < limit_s:
            before_s, cpu_before_s = time.perf_counter(), time.process_time()
            running.loop.turn(stop)
            if not begun_s and running.engine.state.rows:
                begun_s, cpu_s = before_s, cpu_before_s
            if time.perf_counter() - asked_s < ASK_EVERY_S:
                continue
            asked_s = time.perf_counter()
            if sum(running.store.cursors(whole).values()) >= rows:
                spent_s = time.process_time() - cpu_s
                return {"begun_s": begun_s, "ended_s": asked_s, "cpu_s": spent_s}
    sys.exit(f"not all of {rows} rows were committed in {LIMIT_S} s")


def main() -> None:
    """Get ready, wait for a line on standard input, and run."""
    config, rows, partitions = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    loaded = load(config, os.environ)
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(run(loaded, rows, partitions)))


if __name__ == "__main__":
    main()
