"""alibi-detect: `TabularDrift`, whose p-values are corrected over the features (Bonferroni) by default."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from alibi_detect.cd import TabularDrift

from bench.quality.runners.reading import ALL, Answers, Stream, run, surprise

LEVEL = 0.05  # its default


class AlibiDetect:
    """All features at once: an alarm of one depends on how many there are."""

    def begin(self, stream: Stream) -> None:
        self._names = list(stream.features)
        self._codes = {name: {f"c{i}": i for i in range(100)} for name in stream.categorical}
        places = {self._names.index(name): None for name in stream.categorical}
        self._detector = TabularDrift(
            self._array(stream.reference), p_val=LEVEL, categories_per_feature=places
        )

    def judge(self, stream: Stream, answers: Answers) -> None:
        for number, window in stream.windows(stream.before):
            said = self._detector.predict(self._array(window))["data"]
            answers.say(number, ALL, bool(said["is_drift"]))
            for name, p_value in zip(self._names, said["p_val"], strict=True):
                answers.say(number, name, p_value < said["threshold"], surprise(float(p_value)))

    def _array(self, table: pd.DataFrame) -> Any:
        columns = [
            table[name].map(self._codes[name]) if name in self._codes else table[name] for name in table
        ]
        return np.column_stack([column.to_numpy(float) for column in columns])


if __name__ == "__main__":
    run(AlibiDetect(), ["alibi-detect"])
