"""What is allowed in a configuration but deserves a word: `driftd check` prints it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from alerts.routes import fits
from detectors.budget import MAX_ALPHA, alpha
from detectors.season import Hours
from monitor.config.alerting import Alerts, Route
from monitor.config.durations import Duration
from monitor.config.labels import LabelsFields
from monitor.config.model import EVIDENCE, Model
from monitor.config.schema import Config
from monitor.config.section import Place, nearest, shown
from monitor.config.sharing import session_ms
from monitor.topics import Topics

_MINUTE_MS = 60_000


class Level(StrEnum):
    """Whether something looks wrong, or only follows and is good to know."""

    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Hint:
    """One remark; ``path`` names the key as in ``models.churn.window``."""

    severity: Level
    path: str
    text: str


def lint(config: Config) -> tuple[Hint, ...]:
    """Give every remark, in the order of the file's sections."""
    return tuple(_all(config))


def _all(config: Config) -> Iterator[Hint]:
    if not config.models:
        yield _warning(("models",), "no model: nothing is watched; add a [models.NAME] table")
    for name, model in config.models.items():
        yield from _model(("models", name), model)
        yield from _idle(("models", name), model, session_ms(config.kafka.options))
        yield from _reference(name, config)
    yield from _shared_topics(config)
    yield from _alerts(config)
    yield from _retention(config)
    address = config.service.address
    if address is not None and not address.is_loopback:
        yield _info(
            ("service", "http"), f"{address} can be reached from other machines; there is no password"
        )


def _model(place: Place, model: Model) -> Iterator[Hint]:
    yield from _windows(place, model)
    yield from _levels(place, model)
    yield from _labels(place, model)
    if not model.fields.setting("id"):
        yield _info((*place, "fields", "id"), "is off: duplicates are not counted, labels cannot be joined")
    if not (model.detectors.numeric and model.detectors.categorical):
        yield _warning((*place, "detectors"), "a kind of feature has no test: its drift raises no alarm")


def _labels(place: Place, model: Model) -> Iterator[Hint]:
    if model.labels_topics:
        patterns = model.prediction_topics.patterns + model.label_topics.patterns
        each = ", each that a pattern matches," if patterns else ""
        text = (
            "when more than one process runs, predictions and labels need the same message key, "
            f"and their topics{each} the same number of partitions"
        )
        yield _info((*place, "labels_topics"), text)
        for name in model.shared_topics.names:
            if not (name in model.topics and name in model.labels_topics):
                text = f'a pattern matches "{name}" too: its messages are predictions, labels, or both'
                yield _warning((*place, "labels_topics"), text)
        if model.labels_horizon < model.window:
            text = f"is shorter than the window ({model.window}): labels may be too late before it has ended"
            yield _warning((*place, "labels_horizon"), text)
        return
    if model.challenger is not None:
        yield _warning((*place, "challenger"), "learns from labels, but there are no labels_topics")
    if model.labels_fields != LabelsFields():
        text = "are for driftd replay --labels only: there are no labels_topics"
        yield _info((*place, "labels_fields"), text)


def _windows(place: Place, model: Model) -> Iterator[Hint]:
    if model.window < model.lateness:
        text = f"the window ({model.window}) is shorter than lateness ({model.lateness}): results come late"
        yield _warning((*place, "window"), text)
    if model.window.ms < _MINUTE_MS:
        yield _warning((*place, "window"), f"{model.window} makes very many small windows")
    if model.windows_up_to < model.window:
        text = f"is shorter than the window ({model.window}): only single windows are tested"
        yield _info((*place, "windows_up_to"), text)
    if model.season is not None and model.window.ms % Hours(model.season).cycle_ms == 0:
        text = f"each {model.window} window has all hours: they matter only if their shares of rows change"
        yield _info((*place, "season"), text)
    if model.freshness is not None and model.freshness > model.window:
        yield _info((*place, "freshness"), f"silence is noticed after {model.freshness}, later than a window")


def _idle(place: Place, model: Model, standing_ms: int) -> Iterator[Hint]:
    if model.idle_after.ms <= standing_ms:
        text = (
            f"is not longer than a Kafka session ({Duration(standing_ms)}), for which the partitions of a "
            "process that has died stand still: windows may be judged without their rows"
        )
        yield _warning((*place, "idle_after"), text)


def _levels(place: Place, model: Model) -> Iterator[Hint]:
    lengths, parts = model.multiples, model.budget_parts(is_estimated=False)
    shares = model.budget_shares(is_estimated=False)
    judged = [alpha(model.budget, model.window.seconds, each, shares) for each in lengths]
    if judged[0] >= MAX_ALPHA:
        text = (
            f"{model.false_alarms} is so generous that windows are judged at {MAX_ALPHA:g}, the highest level"
        )
        yield _warning((*place, "false_alarms"), text)
        return
    text = f"each {model.window} window is judged at {judged[0]:.2g}"
    if len(lengths) > 1:
        longest = Duration(model.window.ms * lengths[-1])
        text += f", the longest ({longest}) at {judged[-1]:.2g}, all features and tests together"
    if model.segments:
        together = [
            alpha(model.budget, model.window.seconds, each, shares * len(lengths)) for each in lengths
        ]
        text += f"; segments, all together, at {together[0]:.2g}"
        text += f" to {together[-1]:.2g}" if len(lengths) > 1 else ""
    others = [f"{len(lengths)} lengths", *parts]
    if EVIDENCE in parts and len(lengths) > 1:
        others[others.index(EVIDENCE)] += f" ({len(lengths)})"
    text += f"; the budget has {shares} shares: {', '.join(others[:-1])} and {others[-1]}"
    if not model.labels_topics:
        text += ", and one more for estimated performance if the training rows have labels"
    yield _info((*place, "false_alarms"), text)


def _reference(name: str, config: Config) -> Iterator[Hint]:
    reference = config.reference_name(name)
    if reference != name and reference not in config.models:
        hint = nearest(reference, config.models)
        text = f'"{reference}" is no model here{hint}: build a reference by that name'
        yield _info(("models", name, "reference"), text)


def _shared_topics(config: Config) -> Iterator[Hint]:
    models = config.models
    for topic, names in _readers({name: model.prediction_topics for name, model in models.items()}):
        for name in names:
            if not models[name].fields.setting("model"):
                others = _others(name, names)
                text = f'topic "{topic}" is also read by {others}: every message counts for this model too'
                yield _warning(("models", name, "fields", "model"), text)
    for topic, names in _readers({name: model.label_topics for name, model in models.items()}):
        for name in names:
            if not models[name].labels_fields.setting("model", models[name].fields):
                others = _others(name, names)
                text = f'topic "{topic}" has labels of {others} too: every one is taken for this model\'s'
                yield _warning(("models", name, "labels_fields", "model"), text)


def _readers(topics: Mapping[str, Topics]) -> Iterator[tuple[str, list[str]]]:
    """Give the names and patterns of topics that several models read, and these models.

    Which topics two different patterns both match, only Kafka's list of topics tells.
    """
    entries = dict.fromkeys(entry for each in topics.values() for entry in each.entries)
    readers = ((entry, [name for name, each in topics.items() if entry in each]) for entry in entries)
    return ((entry, names) for entry, names in readers if len(names) > 1)


def _others(name: str, names: Iterable[str]) -> str:
    return ", ".join(other for other in names if other != name)


def _alerts(config: Config) -> Iterator[Hint]:
    alerts = config.alerts
    if not alerts.services:
        yield _warning(
            ("alerts", "services"), "no service: alerts reach the database and the log, nobody is told"
        )
    for position, route in enumerate(alerts.routes):
        yield from _route(("alerts", "routes", position), route, alerts.routes[:position], config)
    yield from _unheard(alerts)
    for name, service in alerts.services.items():
        if service.url is not None:
            text = 'the URL is in the file for all its readers to see: { env = "NAME" } keeps it out'
            yield _warning(("alerts", "services", name), text)


def _route(place: Place, route: Route, earlier: tuple[Route, ...], config: Config) -> Iterator[Hint]:
    if not route.to:
        yield _info((*place, "to"), "is empty: these alerts are told to nobody")
    for model in route.patterns.get("model", ()):
        if not any(fits(model, name) for name in config.models):
            text = (
                f'there is no model "{model}"{nearest(model, config.models)}: the route takes nothing of it'
            )
            yield _warning((*place, "match"), text)
    for position, before in enumerate(earlier):
        if not before.continue_ and before.routing().covers(route.routing()):
            yield _warning(
                place, f"is never reached: routes[{position}] takes all its alerts; order or continue"
            )
            return


def _unheard(alerts: Alerts) -> Iterator[Hint]:
    named = {name for route in alerts.routes for name in route.to}
    for name in alerts.services if alerts.routes else ():
        if name not in named:
            yield _warning(("alerts", "services", name), "no route leads to this service")
    if alerts.routes and all(route.match for route in alerts.routes):
        yield _info(
            ("alerts", "routes"),
            "alerts that no route takes are told to nobody; a last route without match takes the rest",
        )


def _retention(config: Config) -> Iterator[Hint]:
    kept = config.database.retention.counts.limit
    for name, model in config.models.items():
        if kept is not None and kept < model.windows_up_to:
            text = f"is shorter than windows_up_to of {name} ({model.windows_up_to}), which need them"
            yield _warning(("database", "retention", "counts"), text)
    daily = config.database.retention.daily_after.limit
    for name, model in config.models.items():
        if daily is not None and daily < model.windows_up_to:
            text = f"is shorter than windows_up_to of {name} ({model.windows_up_to}), which need each window"
            yield _warning(("database", "retention", "daily_after"), text)


def _warning(place: Place, text: str) -> Hint:
    return Hint(Level.WARNING, shown(place), text)


def _info(place: Place, text: str) -> Hint:
    return Hint(Level.INFO, shown(place), text)
