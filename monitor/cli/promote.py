"""`driftd dictionary promote`: this is the new normal."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from alerts.model import Alert
from detectors.checks import percent_of
from detectors.result import Verdict
from monitor.cli.compare import finding_row, size
from monitor.cli.context import ConfigOption, out, print_table, told_in_force
from monitor.cli.dictionary_commands import (
    InForce,
    ModelArgument,
    YesOption,
    agreed,
    print_changes,
)
from monitor.cli.findings import drift_words
from monitor.cli.reading import between, opened
from monitor.clock import SystemClock
from monitor.comparing import compare
from monitor.compile import plan_on
from monitor.dictionaries import differences, read_dictionary
from monitor.errors import DataError
from monitor.judge import Rules
from monitor.plan import ModelPlan
from monitor.promoting import (
    Acceptance,
    Promotion,
    accepted_by,
    blind_spots,
    data_version,
    end_alerts,
    promotion,
    standing,
)
from monitor.references import stored
from monitor.store.base import Store

_LEVEL = 0.01
_TOLD = 0.01  # shares of values that cannot be told apart, from which on it is worth a word
_KEPT = (
    "stays as it was: how well the model did, its calibration and estimates, the shares of its labels, how "
    "dependent absences are, and the spread of pairs (a new reference from rows: driftd reference build)"
)


def promote(
    model: ModelArgument,
    begin: Annotated[
        str, typer.Option("--from", help="Windows from then on: 2019-03-31, 2019-03-31T06:00, or ago: 7d.")
    ],
    end: Annotated[str | None, typer.Option("--to", help="Windows that began before then; now.")] = None,
    dictionary: Annotated[
        Path | None, typer.Option(help="A data dictionary to use instead of the proposed one.")
    ] = None,
    max_blind: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="Share of a feature's values that may lie between grid points."),
    ] = 0.1,
    by: Annotated[str | None, typer.Option(help="Who; $USER unless given.", show_default=False)] = None,
    comment: Annotated[str, typer.Option(help="Why, for whoever wonders.")] = "",
    yes: YesOption = False,
    config: ConfigOption = None,
) -> None:
    """Accept drift: make judged windows the reference and the dictionary's rules fit them.

    No raw rows are needed. Open alerts about what is accepted are resolved with that reason.
    """
    now = SystemClock().now()
    with opened(config) as (loaded, store):
        known = InForce.of(loaded, store, model)
        settings = loaded.config.models[model]
        given = None if dictionary is None else read_dictionary(dictionary)
        span = between("--from", begin, "--to", end, now)
        found = promotion(store, model, settings, known.reference, *span, now, given)
        _refuse_blind(found, max_blind)
        plans = {
            name: plan_on(loaded.config, name, found.new)
            for name in loaded.config.models
            if loaded.config.reference_name(name) == known.reference.model
        }
        _show(found, plans[model], store)
        if not agreed("Put it into force?", yes=yes):
            return
        author = by or os.environ.get("USER") or "unknown"
        store.add_reference(stored(found.new, active=True, data_version=data_version(found)))
        told_in_force(found.new.id, found.new.model)
        _end(store, found, plans.values(), Acceptance(found.new.id, author, comment, now))


def _refuse_blind(found: Promotion, most: float) -> None:
    wrong = {name: share for name, share in blind_spots(found.new).items() if share > most}
    if wrong:
        listed = ", ".join(f"{name} {percent_of(round(share, 2))}" for name, share in sorted(wrong.items()))
        raise DataError(
            f"too many values lie between two points of the grid or beyond its ends ({listed}; at most "
            f"{percent_of(most)} may): what moves among them would never be seen. Build the reference from "
            "rows (driftd reference build), or allow it with --max-blind"
        )


def _show(found: Promotion, plan: ModelPlan, store: Store) -> None:
    settings = plan.settings
    rules = Rules(_LEVEL, settings.min_effect, settings.min_rows, settings.detectors)
    compared = compare(plan.name, settings.version, found.old, found.stretch, None, rules)
    out().print(f"{plan.name}: {size(compared.current)}\nagainst reference {found.old.id}", markup=False)
    moved = [one for one in compared.findings if one.verdict in (Verdict.DRIFT, Verdict.WARN)]
    moved.sort(key=lambda one: -(one.result.effect or 0.0))
    rows = [finding_row(one) for one in moved]
    if rows:
        print_table(("moved", "what"), [(row["feature"], drift_words(row)) for row in rows])
    else:
        out().print("nothing moved")
    print_changes(differences(found.old.dictionary, found.new.dictionary))
    for line in _limits(found):
        out().print(line, markup=False)
    ending = [one for each in _open(store, plan) for one in standing((each,), accepted_by(found, plan))]
    out().print(f"open alerts that end: {len(ending)}")


def _limits(found: Promotion) -> Iterator[str]:
    """Say what cannot be accepted, or not be known from counts."""
    for name, rare in found.proposal.left_out.items():
        yield f"{name}: not taken as categories, too rare: {', '.join(rare)}"
    for name, share in blind_spots(found.new).items():
        if share >= _TOLD:
            told = percent_of(round(share, 2))
            yield f"{name}: {told} of the values cannot be told apart: what moves among them is not seen"
    if gone := found.old.segments.keys() - found.new.segments.keys():
        yield f"without segments, which not all windows were counted by: {', '.join(sorted(gone))}"
    yield _KEPT


def _open(store: Store, plan: ModelPlan) -> tuple[Alert, ...]:
    with store.lock(plan.name) as lock:
        return () if lock is None else lock.alerts()


def _end(store: Store, found: Promotion, plans: Iterable[ModelPlan], why: Acceptance) -> None:
    for plan in plans:
        with store.lock(plan.name) as lock:
            if lock is None:
                raise DataError(
                    f"alerts of {plan.name} stay open, another process judges just now: they end when "
                    "windows are clear"
                )
            ended = end_alerts(lock, plan, accepted_by(found, plan), why)
        for alert in ended:
            out().print(f"resolved: {alert.alert_id} {alert.label('feature')}", markup=False)
