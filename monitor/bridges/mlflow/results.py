"""Results as metrics of a run of their own, one for each version of a model."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from mlflow import MlflowClient
from mlflow.entities import Metric, Run, RunTag

from monitor.bridges.mlflow.asking import asked, model_version
from monitor.bridges.points import PAGE, Window, labelled_windows, windows
from monitor.store.base import Store

MOST = 1000
"""Metrics in one request: MLflow takes no more."""
KEY, UNTIL, REALISED = "driftd.key", "driftd.exported_until", "driftd.realised_until"
_STRANGE = re.compile(r"[^\w\-. /]", re.ASCII)
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose results they are. ``registered`` is the address of the version at MLflow, if it has one."""

    model: str
    version: str
    registered: str | None
    labels_horizon: timedelta


@dataclass(frozen=True, slots=True)
class Logged:
    """What one round has written, and where."""

    run_id: str
    windows: int
    metrics: int
    is_all: bool


def log(
    client: MlflowClient, store: Store, subject: Subject, experiment: str, first: datetime, now: datetime
) -> Logged:
    """Log a bounded number of windows that were judged since the last round, beginning with ``first``.

    How far it has come is kept in the run, so that rounds go on after a restart, on any machine. A round that
    breaks off is repeated: the same metric of the same time is one for MLflow. Raises BridgeError.
    """
    with asked():
        run = _run(client, subject, experiment)
    judged = list(windows(store, subject.model, _from(run, UNTIL, first), now, PAGE))
    final_before = now - subject.labels_horizon
    since = _from(run, REALISED, first)
    labelled = list(labelled_windows(store, subject.model, since, final_before, PAGE))
    with asked():
        metrics = _write(client, run, UNTIL, judged) + _write(client, run, REALISED, labelled)
        if judged and subject.registered is not None:
            _tag_version(client, subject.registered, run, judged[-1])
    whole = max(len(judged), len(labelled)) < PAGE
    return Logged(run.info.run_id, len(judged), metrics, whole)


def _run(client: MlflowClient, subject: Subject, experiment: str) -> Run:
    """Find the run of this version, or begin it."""
    name = f"{subject.model}/{subject.version}" if subject.version else subject.model
    key = hashlib.blake2b(f"{subject.model}\0{subject.version}".encode(), digest_size=8).hexdigest()
    known = client.get_experiment_by_name(experiment)
    place = client.create_experiment(experiment) if known is None else known.experiment_id
    found = client.search_runs([place], filter_string=f"tags.`{KEY}` = '{key}'", max_results=1)
    if found:
        return found[0]
    tags = {KEY: key, "driftd.model": subject.model, "driftd.model_version": subject.version}
    if subject.registered is not None:
        version = model_version(client, subject.registered)
        tags |= {"driftd.registered_model": subject.registered, "driftd.model_run_id": version.run_id or ""}
    return client.create_run(place, run_name=f"driftd/{name}", tags=tags)


def _from(run: Run, tag: str, first: datetime) -> datetime:
    at = run.data.tags.get(tag)
    return first if at is None else datetime.fromisoformat(at)


def _write(client: MlflowClient, run: Run, cursor: str, found: Sequence[Window]) -> int:
    """Write metrics, then how far they go."""
    metrics = list(_metrics(found))
    for batch in _batches(metrics):
        client.log_batch(run.info.run_id, metrics=batch)
    if found:
        until = found[-1].start + timedelta(milliseconds=1)
        tags = [RunTag(cursor, until.isoformat()), RunTag("driftd.reference", found[-1].reference_id)]
        client.log_batch(run.info.run_id, tags=tags)
    return len(metrics)


def _metrics(found: Iterable[Window]) -> Iterator[Metric]:
    for window in found:
        at_ms = int(window.end.timestamp() * 1000)
        for point in window.points:
            yield Metric(metric_name(point.series), point.value, at_ms, window.step)


def _batches(metrics: Iterable[Metric]) -> Iterator[list[Metric]]:
    left = iter(metrics)
    while batch := list(islice(left, MOST)):
        yield batch


def metric_name(series: str) -> str:
    """Give the name under which MLflow takes a series; one that had to be changed ends in a hash."""
    plain = _STRANGE.sub("_", series)[:_LONGEST]
    parts = plain.split("/")
    if plain == series and all(part.strip() == part and part not in ("", ".", "..") for part in parts):
        return plain
    mark = hashlib.blake2b(series.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return "/".join(part.strip().strip(".") or "_" for part in parts) + f"_{mark}"


def _tag_version(client: MlflowClient, registered: str, run: Run, latest: Window) -> None:
    version = model_version(client, registered)
    tags = {
        "driftd.reference": latest.reference_id,
        "driftd.run": run.info.run_id,
        "driftd.verdict": str(latest.verdict),
        "driftd.window": latest.start.isoformat(),
    }
    for key, value in tags.items():
        client.set_model_version_tag(version.name, version.version, key, value)
