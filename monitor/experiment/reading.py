"""What an experiment says now: its latest rows of history, and what may be concluded from them in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from alerts import words
from monitor.store.base import Store

KINDS = ("split", "input", "prediction", "performance", "metric")
Row = Mapping[str, Any]


def latest(store: Store, model: str, experiment: str | None = None) -> list[dict[str, Any]]:
    """Give the latest row of each comparison, of the experiment that was judged last if none is named."""
    where = {} if experiment is None else {"experiment": experiment}
    newest = store.view("experiment_history", model=model, where=where, limit=1)
    if not newest:
        return []
    mine = {"experiment": newest[0]["experiment"]}
    found: list[dict[str, Any]] = []
    for kind in KINDS:
        of_kind = mine | {"kind": kind}
        for last in store.view("experiment_history", model=model, where=of_kind, limit=1):
            at = of_kind | {"window_start": last["window_start"]}
            found += store.view("experiment_history", model=model, where=at)
    return [row for row in found if row["since"] == max(row["since"] for row in found)]


def conclusions(rows: Sequence[Row]) -> list[str]:
    """Say in sentences what may be concluded."""
    broken = [*_broken(rows)]
    if broken:
        return [
            f"Nothing may be concluded: {' and '.join(broken)}.",
            "Find out how rows come to the variants, mend it, and begin anew under another name.",
        ]
    compared = [row for row in rows if row["kind"] in ("performance", "metric")]
    said = [_sentence(row) for row in compared if row["conclusion"] in ("better", "worse")]
    still = [row["measure"] for row in compared if row["conclusion"] == "open"]
    if still:
        said.append(f"No difference is shown yet in {_listed(still)}.")
    lacking = [row["measure"] for row in compared if row["conclusion"] == "inconclusive"]
    if lacking:
        said.append(f"There is too little to compare {_listed(lacking)} by.")
    if not compared:
        said.append("There is neither a label nor a metric to compare the variants by so far.")
    return said


def _broken(rows: Iterable[Row]) -> Iterable[str]:
    if any(row["kind"] == "split" and row["conclusion"] == "fail" for row in rows):
        yield "rows are not dealt to the variants by the shares that were set"
    tell = sorted({row["measure"] for row in rows if row["kind"] == "input" and row["conclusion"] == "fail"})
    if tell:
        yield f"the variants get other rows, by {_listed(tell)}"


def _sentence(row: Row) -> str:
    better = row["conclusion"] == "better"
    text = f"{row['variant']} is {'better' if better else 'worse'} than {row['control']} in {row['measure']}"
    if row["lift_low"] is None:
        low, high = words.numbers(row["low"], row["high"])
        return f"{text}: by {low} to {high}, whenever one looks."
    return f"{text}: its lift is {lift(row)}, whenever one looks."


def lift(row: Row) -> str:
    """Give the lift's interval: +5.5 % to +36 %; empty where it is not known."""
    if row["lift_low"] is None:
        return ""
    return f"{signed_percent(row['lift_low'])} to {signed_percent(row['lift_high'])}"


def signed_percent(share: float) -> str:
    """Give a share of either sign in percent."""
    return f"{'-' if share < 0 else '+'}{words.percent(abs(share), 1)}"


def signed(value: float) -> str:
    """Give a number with its sign."""
    return f"{'-' if value < 0 else '+'}{words.number(abs(value))}"


def _listed(names: Sequence[str]) -> str:
    names = list(dict.fromkeys(names))
    shown = names if len(names) <= 4 else [*names[:3], f"{len(names) - 3} more"]  # noqa: PLR2004
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
