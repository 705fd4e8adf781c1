"""Evidently: a distance for each column, drift from 0.1 on; the data set has drifted if half of them have."""

from __future__ import annotations

from typing import Any

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.metrics import ValueDrift

from bench.quality.runners.reading import ALL, Answers, Stream, run

DISTANCE, SHARE = 0.1, 0.5  # its defaults for references of more than 1,000 rows


class Evidently:
    """`ValueDrift` of every column; the count of columns is the one of `DriftedColumnsCount`."""

    def begin(self, stream: Stream) -> None:
        self._categorical = set(stream.categorical)
        self._asked = list(stream.asked)
        self._reference = self._dataset(stream.reference)
        self._report = Report([ValueDrift(column=name) for name in self._asked])

    def judge(self, stream: Stream, answers: Answers) -> None:
        is_whole = len(self._asked) == len(stream.features)
        for number, window in stream.windows(stream.before):
            done: Any = self._report.run(self._dataset(window), self._reference)
            scores = [float(each["value"]) for each in done.dict()["metrics"]]
            for name, score in zip(self._asked, scores, strict=True):
                answers.say(number, name, score >= DISTANCE, score)
            if is_whole:
                share = sum(score >= DISTANCE for score in scores) / len(scores)
                answers.say(number, ALL, share >= SHARE, share)

    def _dataset(self, table: pd.DataFrame) -> Any:
        definition = DataDefinition(
            numerical_columns=[name for name in self._asked if name not in self._categorical],
            categorical_columns=[name for name in self._asked if name in self._categorical],
        )
        return Dataset.from_pandas(table[self._asked], data_definition=definition)


if __name__ == "__main__":
    run(Evidently(), ["evidently"])
