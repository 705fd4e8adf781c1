"""NannyML: Jensen-Shannon distance of each column, and the reconstruction error of a PCA for all together."""

from __future__ import annotations

from typing import Any

import numpy as np
from nannyml import DataReconstructionDriftCalculator, UnivariateDriftCalculator

from bench.quality.runners.reading import ALL, Answers, Stream, run

METHOD = "jensen_shannon"  # its default for both kinds of columns
DEVIATIONS = 3.0  # its default: so many of the reference's chunks


class NannyML:
    """Chunks of the reference as long as a window say how much a value varies."""

    def begin(self, stream: Stream) -> None:
        reference = stream.reference
        self._asked = list(stream.asked)
        categorical = [name for name in self._asked if name in stream.categorical]
        self._columns = UnivariateDriftCalculator(
            column_names=self._asked, treat_as_categorical=categorical, chunk_size=stream.rows
        )
        self._columns.fit(reference[self._asked])
        self._all = DataReconstructionDriftCalculator(
            column_names=list(stream.features), chunk_size=stream.rows
        )
        self._all.fit(reference)
        self._usual = {
            name: self._values(self._columns.result, "reference", name) for name in self._asked
        } | {ALL: self._values(self._all.result, "reference", ALL)}

    def judge(self, stream: Stream, answers: Answers) -> None:
        for number, window in stream.windows(stream.before):
            columns = self._columns.calculate(window[self._asked])
            together = self._all.calculate(window)
            said = columns.filter(period="analysis").to_df()
            for name in self._asked:
                self._say(answers, number, name, said)
            self._say(answers, number, ALL, together.filter(period="analysis").to_df())

    def _say(self, answers: Answers, number: int, name: str, table: Any) -> None:
        """Say nothing where the reference is a single chunk: that has no deviation."""
        said = table[self._key(name)].iloc[0]
        usual = self._usual[name]
        if len(usual) > 1:
            score = (said["value"] - usual.mean()) / usual.std()
            answers.say(number, name, bool(said["alert"]), abs(score) if name == ALL else score)

    def _values(self, result: Any, period: str, name: str) -> Any:
        return np.asarray(result.filter(period=period).to_df()[(*self._key(name), "value")], float)

    def _key(self, name: str) -> tuple[str, ...]:
        return ("reconstruction_error",) if name == ALL else (name, METHOD)


if __name__ == "__main__":
    run(NannyML(), ["nannyml"])
