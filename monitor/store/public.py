"""The promise to users of SQL: these views, these columns, these words about them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Select,
    Table,
    and_,
    cast,
    literal,
    null,
    select,
    union_all,
)

from monitor.store.base import View
from monitor.store.result_tables import (
    alert,
    closed_window,
    drift_result,
    performance_result,
    quality_result,
)
from monitor.store.tables import gap, late_count, model, reference, reject
from monitor.store.types import Instant, Words
from monitor.store.views import PublicView

WINDOW = {
    "model": "name of the model, as in the configuration",
    "window_start": "event time of the window's beginning, included",
    "window_end": "event time of the window's end, not included",
}
VERSION = {"model_version": "version of the model whose reference was compared with"}
SEGMENT = {"segment": "part of the log this row is about; empty for all of it"}
REFERENCE = {"reference_id": "the reference compared with: refs.id"}
NOTE = {"note": "why nothing can be said, or what to know about the figures; may be empty"}
EVALUATED = {"evaluated_at": "wall time of the judgement"}
MULTIPLE = {
    "multiple": "length of the window in the model's base windows (1, 2, 4 ...); "
    "ask for multiple = 1 to see every row of the log once"
}
VERDICTS = "inconclusive (too little data) or error (the test crashed); the last two never mean ok"

DRIFT = {
    "model": WINDOW["model"], **VERSION, **SEGMENT,
    "window_start": WINDOW["window_start"], "window_end": WINDOW["window_end"],
    "shift": "what moved: covariate (features), prior (predictions or labels) or concept (their relation)",
    "detector": "the test or distance: ks, chi2, psi, js, tv, wasserstein ...",
    "feature": "the column tested; prediction and label are columns too",
    "statistic": "the detector's own figure: D of ks, the sum of chi2, a distance",
    "p_value": "probability of such a statistic without any drift, before correction; "
    "null for a distance or too little data",
    "adjusted_p": "p_value after Holm's correction over the window's features and tests",
    "effect": "least share of rows, 0 to 1, that must have moved: D for numeric features, "
    "total variation for categorical ones",
    "effect_low": "lower end of the effect's 95 percent confidence interval",
    "effect_high": "upper end of the effect's 95 percent confidence interval",
    "threshold": "what adjusted_p had to stay above (the alert budget spent on this window), "
    "or for a distance the threshold set by the user",
    "verdict": f"ok, warn, drift, {VERDICTS}",
    "n_reference": "values in the reference", "n_current": "values in the window",
    **REFERENCE, **NOTE, **EVALUATED, **MULTIPLE,
    "bound": "how far the statistic can be from its exact value because the grid was thinned; 0 when exact",
    "details": "the evidence in figures and words, as JSON (medians, categories)",
}  # fmt: skip

QUALITY = {
    **WINDOW,
    "feature": "the column checked; empty for checks of the whole log",
    "check_name": "the check: missing_column, data_type, completeness, range, row_count, freshness ...",
    "expected": "what the data dictionary or the reference asks for, in words",
    "observed": "what was found, in words",
    "failed_rows": "rows that break the rule", "total_rows": "rows looked at",
    "verdict": f"ok, warn, fail, {VERDICTS}",
    **SEGMENT, **VERSION,
    "dimension": "the dimension of data quality the check belongs to",
    "p_value": "of the checks that compare a share with the reference's; else null",
    **REFERENCE, **NOTE, **EVALUATED,
}  # fmt: skip

PERFORMANCE = {
    **WINDOW,
    "metric": "accuracy, roc_auc, mae ...",
    "value": "the metric in this window",
    "is_estimate": "true when estimated without labels",
    "low": "lower end of the value's 95 percent confidence interval",
    "high": "upper end of the value's 95 percent confidence interval",
    "reference_value": "the metric on the reference",
    "labelled_rows": "rows whose label has come",
    "verdict": f"ok, warn, fail, {VERDICTS}",
    **SEGMENT, **VERSION, **REFERENCE, **NOTE, **EVALUATED, **MULTIPLE,
}  # fmt: skip

ALERTS = {
    "alert_id": "names the incident, the same in every message about it",
    "model": WINDOW["model"],
    "shift": "covariate, prior, concept or quality",
    "feature": "the column; empty for the whole model",
    "severity": "info, warning or critical",
    "status": "pending (bad, but not for long enough), firing or resolved",
    "opened_at": "event time: start of the first bad window",
    "fired_at": "event time: end of the window that made it fire; null while pending",
    "resolved_at": "event time: end of the window that resolved it; null before",
    "summary": "the evidence in one line",
    "notified": "true when some service has got a message about it",
    "notified_at": "wall time of the first message that was sent about it",
    "last_bad_at": "event time: end of the latest bad window",
    "bad_windows": "bad windows so far", "check_name": "the check, of quality alerts", **SEGMENT,
    "annotations": "the latest evidence as JSON",
}  # fmt: skip

WINDOWS = {
    **WINDOW,
    "rows": "rows that were judged",
    "late": "rows that came after the window had been closed: counted, in no verdict",
    "rejected": "rows of the window that could not be used",
    "labelled": "rows whose label had come when the window was judged",
    "closed_at": "wall time of the judgement; null when the window was empty and only late rows came",
    **SEGMENT, **VERSION, **REFERENCE,
}  # fmt: skip

MODELS = {
    "model": WINDOW["model"],
    "registered_at": "wall time when driftd first met the model",
    "closed_until": "event time up to which its windows are judged",
    "reference_id": "its active reference: refs.id; null when there is none",
    "model_version": "version that the active reference was built for",
}
REFS = {
    "id": "names the reference in every result", "model": WINDOW["model"],
    "version": "version of the model it was built for",
    "rows": "rows it was built from", "source": "the file or query it was built from",
    "content_hash": "hash of what it holds: equal data give equal hashes",
    "built_at": "wall time of building", "active": "true for the one in use now",
}  # fmt: skip
REJECTS = {
    "topic": "Kafka topic, or the file's name", "partition": "partition of the topic",
    "message_offset": "the message's place in the partition",
    "model": "model whose row it was; empty when that cannot be known",
    "reason": "what was wrong, as a short name to group by", "detail": "what was wrong, in words",
    "sample": "the message's first 1024 bytes", "at": "wall time of the reading",
}  # fmt: skip
GAPS = {
    "topic": "Kafka topic", "partition": "partition of the topic",
    "first_lost": "first offset that was wanted and no longer held",
    "next_available": "offset where reading went on", "at": "wall time of the discovery",
}  # fmt: skip


def plain(table: Table, columns: dict[str, str], **named: Any) -> Select[Any]:
    """Select columns as they are, but for those given by name."""
    return select(*(named[name].label(name) if name in named else table.c[name] for name in columns))


def windows() -> Any:
    """Judged windows, and those that were passed over empty but got late rows afterwards."""
    nothing = cast(literal(0, literal_execute=True), BigInteger())
    unknown = cast(literal("", literal_execute=True), Words())
    only_late = plain(
        late_count, WINDOWS, late=late_count.c.rows, rows=nothing, rejected=nothing, labelled=nothing,
        closed_at=cast(null(), Instant()), model_version=unknown, reference_id=unknown,
    )  # fmt: skip
    passed_over = late_count.c.window_start < model.c.closed_until
    only_late = only_late.join_from(late_count, model, model.c.name == late_count.c.model).where(passed_over)
    return union_all(plain(closed_window, WINDOWS), only_late)


def models() -> Select[Any]:
    """Models, each with its active reference if any."""
    columns = {"model": model.c.name, "reference_id": reference.c.id, "model_version": reference.c.version}
    active = and_(reference.c.model == model.c.name, reference.c.active)
    return plain(model, MODELS, **columns).outerjoin_from(model, reference, active)


PUBLIC: dict[View, PublicView] = {
    view.name: view
    for view in (
        PublicView(
            "drift_history", "Every test of every feature in every window.", DRIFT,
            plain(drift_result, DRIFT), "window_start",
            ("model", "segment", "shift", "feature", "detector", "multiple"),
        ),
        PublicView(
            "quality_history", "Every check of the log against the data dictionary.", QUALITY,
            plain(quality_result, QUALITY), "window_start",
            ("model", "segment", "feature", "check_name"),
        ),
        PublicView(
            "performance_history", "How well the models did, on labels or estimated without.", PERFORMANCE,
            plain(performance_result, PERFORMANCE), "window_start",
            ("model", "segment", "metric", "is_estimate", "multiple"),
        ),
        PublicView(
            "alert_history", "Incidents: from the first bad window until enough windows were clear.", ALERTS,
            plain(alert, ALERTS, notified=alert.c.notified_at.is_not(None)), "opened_at", ("alert_id",),
        ),
        PublicView(
            "window_history", "Windows and their rows.", WINDOWS, windows(), "window_start",
            ("model", "segment"),
        ),
        PublicView(
            "models", "Models and the references they are compared with.", MODELS, models(),
            "registered_at", ("model",),
        ),
        PublicView("refs", "References.", REFS, plain(reference, REFS), "built_at", ("id",)),
        PublicView(
            "rejects", "Messages, or a model's rows in them, that could not be used.", REJECTS,
            plain(reject, REJECTS), "at", ("topic", "partition", "message_offset", "model"),
        ),
        PublicView(
            "gaps", "Messages that Kafka deleted before they were read.", GAPS, plain(gap, GAPS), "at",
            ("topic", "partition", "first_lost"),
        ),
    )
}  # fmt: skip
