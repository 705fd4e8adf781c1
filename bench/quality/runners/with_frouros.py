"""Frouros: a test for each feature; it gives p-values and leaves the level to the reader."""

from __future__ import annotations

from frouros.detectors.data_drift import ChiSquareTest, KSTest

from bench.quality.runners.reading import Answers, Stream, run, surprise

LEVEL = 0.05
"""Its own examples write 0.05, 0.01 and 0.001; there is no default."""


class Frouros:
    """`KSTest` and `ChiSquareTest`, by feature."""

    def begin(self, stream: Stream) -> None:
        reference = stream.reference
        self._tests = {}
        for name in stream.asked:
            test = ChiSquareTest() if name in stream.categorical else KSTest()
            test.fit(X=reference[name].to_numpy())
            self._tests[name] = test

    def judge(self, stream: Stream, answers: Answers) -> None:
        for number, window in stream.windows(stream.before):
            for name, test in self._tests.items():
                result, _ = test.compare(X=window[name].to_numpy())
                answers.say(number, name, result.p_value < LEVEL, surprise(result.p_value))


if __name__ == "__main__":
    run(Frouros(), ["frouros"])
