"""What is sent during a soak: rows at a steady rate, now and then poison, or one partition held up."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator

import msgspec
from kafka import KafkaProducer
from kafka.errors import KafkaError

from bench.messages import CATEGORICAL, COLOURS, NUMERIC, frame
from monitor.clock import SystemClock

TOPIC = "soak"
PARTITIONS = 4
RATE = 1_000
TICK_S = 0.1
CLOCK = SystemClock()


class Producing(threading.Thread):
    """Sends rows at a steady rate, their time is that of sending; partition 0 can be held up."""

    def __init__(self, bootstrap: str) -> None:
        super().__init__(daemon=True)
        self.stopping = threading.Event()
        self.slow = threading.Event()
        self.poison = threading.Event()
        self._producer = KafkaProducer(bootstrap_servers=bootstrap, linger_ms=50, delivery_timeout_ms=300_000)
        self._held: list[bytes] = []
        self._rows = _rows()

    def run(self) -> None:
        begun = CLOCK.monotonic()
        sent = 0
        while not self.stopping.wait(TICK_S):
            due = int((CLOCK.monotonic() - begun) * RATE)
            for number in range(sent, due):
                self._send(number)
            sent = due
        for value in self._held:
            self._put(value, 0)
        self._producer.flush(300)
        self._producer.close()

    def _send(self, number: int) -> None:
        value = b"{broken" if self.poison.is_set() and number % 5 == 0 else next(self._rows)
        if number % PARTITIONS == 0:
            self._held.append(value)
            if not self.slow.is_set():
                for held in self._held:
                    self._put(held, 0)
                self._held.clear()
            return
        self._put(value, number % PARTITIONS)

    def _put(self, value: bytes, partition: int) -> None:
        while True:
            try:
                self._producer.send(TOPIC, value, partition=partition)
            except KafkaError:
                self.stopping.wait(1.0)
            else:
                return


def _rows() -> Iterator[bytes]:
    encode = msgspec.json.Encoder().encode
    rows = frame(20_000, seed=3).to_dict("records")
    for number, row in enumerate(itertools.cycle(rows)):
        features = {name: row[name] for name in NUMERIC}
        features |= {name: COLOURS[hash((number, name)) % 5] for name in CATEGORICAL}
        message = {"id": f"r{number}", "timestamp": CLOCK.now().timestamp(), "features": features}
        yield encode(message | {"prediction": row["prediction"], "score": row["score"]})
