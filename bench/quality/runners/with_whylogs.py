"""Whylogs: sketches of both sides compared by Kolmogorov-Smirnov or chi-square, drift below p = 0.05."""

from __future__ import annotations

import whylogs as why
from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores

from bench.quality.runners.reading import Answers, Stream, run, surprise


class Whylogs:
    """A profile of the reference against one of each window."""

    def begin(self, stream: Stream) -> None:
        self._asked = list(stream.asked)
        self._reference = why.log(stream.reference[self._asked]).view()

    def judge(self, stream: Stream, answers: Answers) -> None:
        for number, window in stream.windows(stream.before):
            view = why.log(window[self._asked]).view()
            scores = calculate_drift_scores(
                target_view=view, reference_view=self._reference, with_thresholds=True
            )
            for name in self._asked:
                said = scores[name]
                p_value = said.get("pvalue", said.get("p_value"))
                answers.say(number, name, said["drift_category"] == "DRIFT", surprise(p_value))


if __name__ == "__main__":
    run(Whylogs(), ["whylogs"])
