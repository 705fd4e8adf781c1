"""`driftd compare`: two stretches of history side by side, from stored counts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from detectors.budget import MAX_ALPHA
from detectors.reference import Reference
from detectors.result import Verdict
from monitor.cli.context import ConfigOption, JsonOption, model_of, out, print_json, print_table
from monitor.cli.findings import drift_words
from monitor.cli.reading import between, for_machines, opened
from monitor.clock import SystemClock
from monitor.comparing import Comparison, Stretch, said, stretch
from monitor.comparing import compare as compared
from monitor.errors import ConfigError, DataError
from monitor.findings import Finding
from monitor.judge import Rules
from monitor.known import KnownReferences

REFERENCE = "reference"
_WORST_FIRST = (Verdict.ERROR, Verdict.DRIFT, Verdict.WARN, Verdict.OK, Verdict.INCONCLUSIVE)


def compare(
    model: Annotated[str, typer.Option("--model", "-m", help="The model, as in the configuration.")],
    begin: Annotated[
        str, typer.Option("--from", help="Windows from then on: 2019-03-31, 2019-03-31T06:00, or ago: 7d.")
    ],
    end: Annotated[str | None, typer.Option("--to", help="Windows that began before then; now.")] = None,
    against: Annotated[str, typer.Option(help="Another stretch, FROM..TO, or the reference.")] = REFERENCE,
    segment: Annotated[str, typer.Option(help="Only the rows of a segment, like country=DE.")] = "",
    level: Annotated[
        float,
        typer.Option(
            min=0.0, max=MAX_ALPHA, help="How likely a difference by chance may be, all features counted."
        ),
    ] = 0.01,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Compare a stretch of history with the reference or with another stretch, without the raw rows.

    Whole windows of the configured length are added up. Times are event time, UTC.
    """
    now = SystemClock().now()
    with opened(config) as (loaded, store):
        settings = model_of(loaded, model)
        find = KnownReferences(store).find
        current = stretch(store, model, *between("--from", begin, "--to", end, now), find)
        other = None if against == REFERENCE else stretch(store, model, *_apart(against, now), find)
        _refuse_overlap(current, other)
        reference = find(current.reference_id)
        if reference is None:
            raise DataError(f"reference {current.reference_id} is not in the database any more")
        rules = Rules(level, settings.min_effect, settings.min_rows, settings.detectors)
        found = compared(model, settings.version, reference, current, other, rules, segment)
    if json:
        print_json(_for_machines(model, reference, found) | {"segment": segment})
    else:
        part = reference.profile.segments[segment] if segment else reference
        _show(f"{model} in {segment}" if segment else model, reference.id, part.rows, found)


def _apart(text: str, now: datetime) -> tuple[int, int]:
    begin, dots, end = text.partition("..")
    if not dots:
        raise ConfigError(
            f'--against "{text[:40]}" is no stretch: write FROM..TO, like 2019-03-01..2019-03-08, '
            f"or {REFERENCE}"
        )
    return between("--against", begin, "the end", end or None, now)


def _refuse_overlap(current: Stretch, other: Stretch | None) -> None:
    if other is not None and current.start_ms < other.end_ms and other.start_ms < current.end_ms:
        raise ConfigError(
            f"the stretches share windows ({_span(current)} and {_span(other)}): the tests are for rows "
            "that are in one of them"
        )


def _span(one: Stretch) -> str:
    return f"{said(one.start_ms)} to {said(one.end_ms)}"


def _show(what: str, reference_id: str, rows_there: int, found: Comparison) -> None:
    base = f"reference {reference_id} ({rows_there:,} rows)" if found.against is None else size(found.against)
    out().print(f"{what}: {size(found.current)}\nagainst {base}", markup=False)
    tests = [finding for finding in found.findings if finding.result.effect is not None]
    left_out = [finding for finding in found.findings if finding.verdict is Verdict.ERROR]
    tests.sort(key=lambda each: (_WORST_FIRST.index(each.verdict), -(each.result.effect or 0.0)))
    rows = [finding_row(finding) for finding in (*left_out, *tests)]
    print_table(
        ("feature", "verdict", "what"), [(row["feature"], row["verdict"], drift_words(row)) for row in rows]
    )


def size(one: Stretch) -> str:
    """Say what a stretch is made of."""
    windows = "1 window" if one.windows == 1 else f"{one.windows:,} windows"
    return f"{_span(one)} ({windows}, {one.profile.rows:,} rows)"


def finding_row(finding: Finding) -> dict[str, Any]:
    """Give a finding as a row of ``drift_history``."""
    result = finding.result
    return {
        "feature": finding.feature,
        "shift": str(finding.shift),
        "detector": finding.detector,
        "statistic": result.statistic,
        "p_value": result.p_value,
        "adjusted_p": finding.adjusted_p,
        "effect": result.effect,
        "effect_low": result.effect_low,
        "effect_high": result.effect_high,
        "bound": result.bound,
        "threshold": finding.threshold,
        "verdict": str(finding.verdict),
        "n_reference": result.n_reference,
        "n_current": result.n_current,
        "note": result.note,
        "details": finding.details,
    }


def _for_machines(model: str, reference: Reference, found: Comparison) -> dict[str, Any]:
    return {
        "model": model,
        "reference_id": reference.id,
        "current": _stretch(found.current),
        "against": REFERENCE if found.against is None else _stretch(found.against),
        "results": [for_machines(finding_row(finding)) for finding in found.findings],
    }


def _stretch(one: Stretch) -> dict[str, Any]:
    return {
        "from": datetime.fromtimestamp(one.start_ms / 1000, UTC),
        "to": datetime.fromtimestamp(one.end_ms / 1000, UTC),
        "windows": one.windows,
        "rows": one.profile.rows,
    }
