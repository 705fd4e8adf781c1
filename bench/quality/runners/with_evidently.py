"""Evidently: a distance for each column, drift from 0.1 on; the data set has drifted if half of them have."""

from __future__ import annotations

from typing import Any

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.legacy.calculations.stattests import get_stattest
from evidently.legacy.core import ColumnType
from evidently.metrics import ValueDrift

from bench.quality.runners.reading import ALL, Answers, Stream, run

DISTANCE, SHARE = 0.1, 0.5  # its defaults for references of more than 1,000 rows


class Evidently:
    """Whole reports of `ValueDrift` where costs are measured.

    A report takes a second, so in longer streams only the first window has one, and the test that it chooses
    and calls for each column is called directly; both have to give the same. The data set's verdict counts
    columns as `DriftedColumnsCount` does.
    """

    def begin(self, stream: Stream) -> None:
        self._asked = list(stream.asked)
        self._kinds = {
            name: ColumnType.Categorical if name in stream.categorical else ColumnType.Numerical
            for name in self._asked
        }
        self._reference = stream.reference[self._asked]
        self._reported = self._dataset(self._reference)
        self._report = Report([ValueDrift(column=name) for name in self._asked])

    def judge(self, stream: Stream, answers: Answers) -> None:
        is_cost = stream.name.startswith("cost")
        for number, window in stream.windows(stream.before):
            scores = self._by_report(window) if is_cost else self._by_column(window)
            if number == stream.before and not is_cost and scores != self._by_report(window):
                raise ValueError(f"{stream.name}: a report gives other scores than its tests")
            for name, score in scores.items():
                answers.say(number, name, score >= DISTANCE, score)
            if len(scores) == len(stream.features):
                share = sum(score >= DISTANCE for score in scores.values()) / len(scores)
                answers.say(number, ALL, share >= SHARE, share)

    def _by_report(self, window: pd.DataFrame) -> dict[str, float]:
        done: Any = self._report.run(self._dataset(window[self._asked]), self._reported)
        scores = [float(each["value"]) for each in done.dict()["metrics"]]
        return dict(zip(self._asked, scores, strict=True))

    def _by_column(self, window: pd.DataFrame) -> dict[str, float]:
        scores = {}
        for name, kind in self._kinds.items():
            before, now = self._reference[name], window[name]
            test = get_stattest(before, now, kind, None)
            scores[name] = float(test(before, now, kind, None).drift_score)
        return scores

    def _dataset(self, table: pd.DataFrame) -> Any:
        definition = DataDefinition(
            numerical_columns=[name for name in self._asked if self._kinds[name] is ColumnType.Numerical],
            categorical_columns=[name for name in self._asked if self._kinds[name] is ColumnType.Categorical],
        )
        return Dataset.from_pandas(table, data_definition=definition)


if __name__ == "__main__":
    run(Evidently(), ["evidently"])
