"""A real Apache Kafka on this machine, for the tests that need one.

`KafkaServer` is one broker (KRaft, one node, loopback only) run from jars that
Maven brings into `.cache/kafka` once; `kafka_cluster` makes three of them one
cluster. From a shell, for a whole test run:

    export DRIFTD_TEST_KAFKA="$(python -m tests.services.kafka_server start)"
    python -m pytest
    python -m tests.services.kafka_server stop
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Self

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from tests.services.waiting import until

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache" / "kafka"
POM = HERE / "kafka" / "pom.xml"
STARTED = CACHE / "started.json"

START_LIMIT_S = 90.0
STOP_LIMIT_S = 20.0
GET_IT = "get it with: apt-get install openjdk-17-jre-headless maven"

# Quick to start and small: few threads, one partition for group offsets, no wait for more members.
SETTINGS = """\
process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={folder}/data
num.network.threads=1
num.io.threads=2
num.recovery.threads.per.data.dir=1
background.threads=1
log.cleaner.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor={replicas}
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=500
auto.create.topics.enable=false
broker.heartbeat.interval.ms=200
broker.session.timeout.ms=3000
controlled.shutdown.enable=false
"""


class KafkaUnavailableError(Exception):
    """Java, Maven or the jars are missing: the text says how to get them."""


class KafkaServer:
    """One broker on a free port, its data in a folder of its own until `close`.

    ``voters`` are the ports of the controllers of its cluster, by node; without them it is one of its own.
    """

    def __init__(self, node: int = 1, voters: Mapping[int, int] | None = None) -> None:
        self._jars = jars()
        self.folder = Path(tempfile.mkdtemp(prefix="driftd-kafka-"))
        port, controller = free_ports()
        self.node = node
        self.bootstrap = f"127.0.0.1:{port}"
        self._settings = self.folder / "server.properties"
        voters = voters or {node: controller}
        text = SETTINGS.format(
            node=node,
            voters=",".join(f"{each}@127.0.0.1:{its}" for each, its in voters.items()),
            replicas=len(voters),
            port=port,
            controller=voters[node],
            folder=self.folder,
        )
        self._settings.write_text(text, encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None
        self._format()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start, or start again with the data it had, and wait until it answers."""
        self.launch()
        self.wait_for_answers()

    def launch(self) -> None:
        """Start, and wait for nothing."""
        with self._log() as log:
            self._process = subprocess.Popen(
                [*self._java("-Xmx512M", "-Xms256M"), "kafka.Kafka", str(self._settings)],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,  # Ctrl-C ends the tests, whose clean-up then ends the broker
            )

    def wait_for_answers(self) -> None:
        """Wait until it answers; what does not is ended."""
        try:
            until(self._answers, "Kafka answers", START_LIMIT_S)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the process at once; what was acknowledged is on disk and there again after `start`."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_LIMIT_S)
            self._process = None

    def detach(self) -> int:
        """Let the process outlive this object; whoever knows its pid and folder ends it."""
        pid = self.pid
        if self._process is not None:
            self._process.returncode = 0  # no longer ours: no warning that it still runs
        self._process = None
        return pid

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _java(self, *options: str) -> list[str]:
        quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
        return ["java", *options, "-XX:+UseSerialGC", "-Xshare:auto", quiet, "-cp", f"{self._jars}/*"]

    def _log(self) -> IO[bytes]:
        return (self.folder / "kafka.log").open("ab")

    def _format(self) -> None:
        command = [*self._java("-XX:TieredStopAtLevel=1"), "kafka.tools.StorageTool", "format"]
        command += ["-t", "driftd-tests-cluster-id", "-c", str(self._settings)]
        with self._log() as log:
            done = subprocess.run(command, stdout=log, stderr=log, check=False, timeout=START_LIMIT_S)
        if done.returncode:
            raise KafkaUnavailableError(f"Kafka's storage was not formatted: {self._tail()}")

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"Kafka ended with {self._process.returncode}: {self._tail()}"
        return answers(self.bootstrap)

    def _tail(self) -> str:
        return (self.folder / "kafka.log").read_text(encoding="utf-8", errors="replace")[-2000:]


def answers(bootstrap: str) -> bool:
    """Whether a broker at this address tells its cluster's members."""
    host, port = bootstrap.split(":")
    try:
        socket.create_connection((host, int(port)), timeout=0.2).close()
        admin = KafkaAdminClient(bootstrap_servers=bootstrap, bootstrap_timeout_ms=2000)
    except (OSError, KafkaError):
        return False
    try:
        return bool(admin.list_topics() is not None)
    except KafkaError:
        return False
    finally:
        admin.close()


def free_ports() -> tuple[int, int]:
    """Give two loopback ports that nobody listens on."""
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def jars() -> Path:
    """Give the folder of Kafka's jars, brought by Maven when the pinned set is not there yet."""
    if shutil.which("java") is None:
        raise KafkaUnavailableError(f"no java on the path; {GET_IT}")
    pinned = hashlib.blake2b(POM.read_bytes(), digest_size=4).hexdigest()
    folder = CACHE / f"jars-{pinned}"
    with locked(CACHE / "lock"):
        if not folder.exists():
            download(folder)
    return folder


def download(folder: Path) -> None:
    """Let Maven copy the pinned jars; the folder appears only when all are there."""
    if shutil.which("mvn") is None:
        raise KafkaUnavailableError(f"no mvn on the path and no jars in {folder}; {GET_IT}")
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    copy = ["dependency:copy-dependencies", f"-DoutputDirectory={partial}", "-DincludeScope=runtime"]
    done = subprocess.run(
        ["mvn", "-q", "-B", "-f", str(POM), *copy], capture_output=True, text=True, check=False, timeout=600
    )
    if done.returncode:
        raise KafkaUnavailableError(f"Maven did not bring Kafka's jars: {done.stdout[-2000:]}")
    partial.rename(folder)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process in at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def acquire(state: Path) -> str:
    """Give the address of the broker that a state file names, starting one for its first user."""
    with locked(state.with_suffix(".lock")):
        users = json.loads(state.read_text(encoding="utf-8")) if state.exists() else {}
        if not users or users["folder"] not in command_of(users["pid"]):
            server = KafkaServer()
            server.start()
            users = {"pid": server.detach(), "folder": str(server.folder), "bootstrap": server.bootstrap}
        users["count"] = users.get("count", 0) + 1
        state.write_text(json.dumps(users), encoding="utf-8")
        return str(users["bootstrap"])


def release(state: Path, *, for_all: bool = False) -> None:
    """End that broker, and only that, when its last user is gone."""
    with locked(state.with_suffix(".lock")):
        if not state.exists():
            return
        users = json.loads(state.read_text(encoding="utf-8"))
        users["count"] -= 1
        if users["count"] > 0 and not for_all:
            state.write_text(json.dumps(users), encoding="utf-8")
            return
        if users["folder"] in command_of(users["pid"]):  # not a later process that got the same number
            os.kill(users["pid"], signal.SIGKILL)
            until(lambda: users["folder"] not in command_of(users["pid"]), "Kafka ended", STOP_LIMIT_S)
        shutil.rmtree(users["folder"], ignore_errors=True)
        state.unlink()


def command_of(pid: int) -> str:
    """Give a process's command line, empty when there is none."""
    shown = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, check=False)
    return shown.stdout.decode(errors="replace")


def main(arguments: list[str]) -> int:
    """Obey ``start`` (prints the address) or ``stop``."""
    if arguments == ["start"]:
        sys.stdout.write(acquire(STARTED) + os.linesep)
        return 0
    if arguments == ["stop"]:
        release(STARTED, for_all=True)
        return 0
    sys.stderr.write("usage: python -m tests.services.kafka_server start|stop\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
