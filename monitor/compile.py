"""From configuration and reference to the plan that the engine follows."""

from __future__ import annotations

from collections.abc import Iterable

from alerts.flush import Settings
from detectors.budget import parse_budget
from detectors.reference import Reference
from detectors.reference_wire import decode
from monitor.clock import SystemClock
from monitor.config import Alerts, Config, Model, digest
from monitor.config.section import nearest
from monitor.decode.decoder import Decoder
from monitor.decode.layout import MAX_ROWS, Layout
from monitor.errors import ConfigError
from monitor.experiment.laid_out import experimental
from monitor.join.joiner import Terms
from monitor.layouts import labels_layout_of, layout_of
from monitor.pairing import paired
from monitor.performance.signals import inputs, scores
from monitor.plan import LabelPlan, ModelPlan
from monitor.reconstructing import check_reconstruction
from monitor.registry.client import Registry
from monitor.registry.values import values_of
from monitor.seasons import seasoned
from monitor.segments import segmented
from monitor.store.base import Store


def model_plan(
    name: str,
    settings: Model,
    alerts: Alerts,
    reference: Reference,
    max_message_bytes: int,
    max_rows: int = MAX_ROWS,
    registry: Registry | None = None,
    config_hash: str = "",
) -> ModelPlan:
    """Compile one model; raises ConfigError when its paths and the reference do not fit together.

    ``config_hash`` names the configuration in results (see `monitor.config.digest`).
    """
    fields = settings.fields.resolved(name)
    check_reconstruction(name, settings, reference)
    reference = paired(name, settings, segmented(name, settings, seasoned(name, settings, reference)))
    reference = experimental(name, settings, reference)
    layout = layout_of(name, fields, reference.dictionary, settings.shared_topics)
    decoder = decoder_of(name, "fields", layout, settings, max_message_bytes, max_rows, registry)
    labels = _label_plan(name, settings, reference, max_message_bytes, max_rows, registry)
    _check_signals(name, settings, reference)
    return ModelPlan(
        name=name,
        settings=settings,
        reference=reference,
        decoder=decoder,
        shares_topics=fields.model is not None,
        window_ms=settings.window.ms,
        lateness_ms=settings.lateness.ms,
        idle_after=settings.idle_after.delta,
        budget=parse_budget(settings.false_alarms),
        multiples=settings.multiples,
        alerting=Settings(
            group_wait=alerts.group_wait.delta,
            group_interval=alerts.group_interval.delta,
            repeat_interval=alerts.repeat_interval.delta,
            send_resolved=alerts.send_resolved,
            for_windows=settings.for_windows,
            keep_windows=settings.keep_windows,
            expiring=alerts.expiring,
        ),
        labels=labels,
        config_hash=config_hash,
    )


def decoder_of(
    name: str,
    section: str,
    layout: Layout,
    settings: Model,
    max_message_bytes: int,
    max_rows: int,
    registry: Registry | None = None,
) -> Decoder:
    """Make the decoder of a layout; raises ConfigError when its paths contradict each other."""
    read = None if layout.shape is None else values_of(layout.shape.format, registry)
    try:
        return Decoder(layout, name, max_message_bytes, settings.max_future.ms, max_rows, read)
    except ValueError as error:
        raise ConfigError(f"models.{name}.{section}: {error}") from None


def _check_signals(name: str, settings: Model, reference: Reference) -> None:
    """Raise ConfigError when the detectors shall watch what the reference does not have."""
    wanted = settings.concept
    if "score" in wanted.signals and not scores(reference):
        raise ConfigError(
            f'models.{name}.concept.signals: "score" has nothing to watch: the reference has neither scores '
            "nor a numeric prediction; leave it out"
        )
    known = inputs(reference)
    for feature in wanted.nulls_of:
        if feature not in known:
            near = nearest(feature, known)
            raise ConfigError(
                f"models.{name}.concept.nulls_of: the reference has no feature {feature!r}{near}"
            )


def _label_plan(
    name: str,
    settings: Model,
    reference: Reference,
    max_message_bytes: int,
    max_rows: int,
    registry: Registry | None,
) -> LabelPlan | None:
    """Compile how labels are read and joined; None for a model without labels."""
    layout = labels_layout_of(name, settings, reference.dictionary)
    if layout is None:
        return None
    if reference.performance is None:
        raise ConfigError(
            f"models.{name}.labels_topics: the reference says nothing of the model's performance: build it "
            f"from rows with predictions and labels (driftd reference build {name} FILE), "
            "or leave labels_topics out"
        )
    outputs = reference.performance.outputs
    decoder = decoder_of(name, "labels_fields", layout, settings, max_message_bytes, max_rows, registry)
    meaning = (str(outputs.task), outputs.classes, outputs.prediction, outputs.scores, outputs.threshold)
    return LabelPlan(
        topics=settings.label_topics,
        decoder=decoder,
        outputs=outputs,
        terms=Terms(
            model=name,
            window_ms=settings.window.ms,
            horizon_ms=settings.labels_horizon.ms,
            n_scores=len(outputs.scores),
            signature=repr(meaning),
            variants=() if reference.experiment is None else reference.experiment.variants,
        ),
        share=settings.labels_share,
        wait_ms=settings.labels_wait.ms,
    )


def registry_of(config: Config) -> Registry | None:
    """Give the schema registry; None when none is set."""
    settings = config.registry
    if settings.url is None:
        return None
    return Registry(settings.url.reveal(), settings.timeout.seconds, SystemClock())


def plan_on(
    config: Config,
    name: str,
    reference: Reference,
    registry: Registry | None = None,
    config_hash: str = "",
) -> ModelPlan:
    """Compile one model of a configuration on a reference; raises as `model_plan` does."""
    limits = config.limits
    return model_plan(
        name,
        config.models[name],
        config.alerts,
        reference,
        limits.max_message_bytes,
        limits.max_rows_per_message,
        registry,
        config_hash,
    )


def plans_of(config: Config, store: Store, names: Iterable[str] | None = None) -> dict[str, ModelPlan]:
    """Compile every model with its active reference; raises ConfigError that lists the models without one."""
    found, missing = {}, []
    registry, config_hash = registry_of(config), digest(config)
    for name in config.models if names is None else names:
        row = store.active_reference(config.reference_name(name))
        if row is None:
            missing.append(
                f"models.{name}: has no reference; build it with: driftd reference build {name} FILE"
            )
            continue
        found[name] = plan_on(config, name, decode(row.payload), registry, config_hash)
    if missing:
        raise ConfigError("\n".join(missing))
    return found
