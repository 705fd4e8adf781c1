from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, combinations

import pytest

from alerts.evidence_kinds import Kind, kind_of
from alerts.headline import HAPPENED
from alerts.model import Alert
from alerts.story import story
from tests.alerts.incidents import alert, change_alert, metric_alert, nulls, residual_alert, shares_alert

INPUTS = alert("age")
OUTPUTS = alert("score", shift="prior")
LABELS = shares_alert("labels", fraud=(0.02, 0.05, 0.04, 0.06))
GUESSED = shares_alert("bbse", fraud=(0.02, 0.05, 0.04, 0.06))
BROKEN = alert("age", shift="quality", check="completeness", annotations=nulls())
NULLS = change_alert("nulls of age", 0.0, 0.1, "other")
ACCURACY = metric_alert("accuracy", 0.94, 0.91, 0.9, 0.92)
F1 = metric_alert("f1", 0.9, 0.8, 0.7, 0.85)
LOG_LOSS = metric_alert("log_loss", 0.2, 0.3, 0.28, 0.32)
RECALL_UP = metric_alert("recall", 0.8, 0.9, 0.88, 0.92, direction="better")
BETTER = metric_alert("accuracy", 0.91, 0.94, 0.93, 0.95, direction="better")
MAE_DOWN = metric_alert("mae", 3.0, 2.0, 1.9, 2.1, direction="better")
FEARED = metric_alert("accuracy", 0.94, 0.91, 0.9, 0.92, labelled=0)
HOPED = metric_alert("accuracy", 0.91, 0.94, 0.93, 0.95, labelled=0, direction="better")
ROSE = change_alert("loss", 0.06, 0.11)
FELL = change_alert("loss", 0.11, 0.06, "better")
LEAN = change_alert("bias", 0.5, 0.53, "other")
SCORE = change_alert("mean of score", 0.3, 0.4, "other")
RESIDUAL = residual_alert()
SURPRISE = residual_alert("accuracy", 0.93, 0.85)


MORE = "more than the inputs explain"
UNKNOWN = "whether the model suffers is not known yet"


def told(*firing: Alert, holds: bool | None = None) -> str | None:
    found = story(firing, holds)
    return found.sentence if found else None


@pytest.mark.parametrize(
    ("firing", "expected"),
    [
        ((INPUTS,), "Inputs moved; whether the model suffers is not known yet (no labels)."),
        (
            (INPUTS, LABELS),
            f"Inputs and the labels' shares moved; {UNKNOWN} (too few labels).",
        ),
        (
            (INPUTS, OUTPUTS),
            "Inputs and outputs moved; whether the model suffers is not known yet (no labels).",
        ),
        ((SCORE,), "Outputs moved; whether the model suffers is not known yet (no labels)."),
        (
            (INPUTS, BROKEN),
            "Data broke and inputs moved; whether the model suffers is not known yet (no labels).",
        ),
        ((LABELS,), "The labels' shares moved."),
        ((GUESSED,), "The labels' shares moved, as estimated without labels."),
        ((INPUTS, ACCURACY), "Inputs moved and accuracy fell."),
        ((INPUTS, ACCURACY, F1), "Inputs moved; accuracy and F1 fell."),
        ((INPUTS, ACCURACY, LOG_LOSS), "Inputs moved; accuracy fell and log loss rose."),
        (
            (INPUTS, ACCURACY, F1, LOG_LOSS),
            "Inputs moved; accuracy fell and 2 other metrics got worse.",
        ),
        ((INPUTS, ACCURACY, RECALL_UP), "Inputs moved and accuracy fell while recall rose."),
        (
            (INPUTS, RESIDUAL, ACCURACY, RECALL_UP),
            f"Inputs moved, but accuracy fell while recall rose, {MORE}: the relation changed too.",
        ),
        ((INPUTS, ACCURACY, BETTER), "Inputs moved and accuracy fell."),
        ((INPUTS, ROSE), "Inputs moved and the error rose."),
        ((LABELS, ACCURACY), "The labels' shares moved and accuracy fell."),
        ((OUTPUTS, ACCURACY), "Outputs moved and accuracy fell."),
        ((BROKEN, ACCURACY), "Data broke and accuracy fell."),
        ((NULLS, ACCURACY), "Data broke and accuracy fell."),
        ((ROSE,), "Inputs did not move but the error rose: the relation changed."),
        ((ACCURACY, ROSE), "Inputs did not move but accuracy fell: the relation changed."),
        ((LEAN,), "Inputs did not move but the balance of the errors moved: the relation changed."),
        ((INPUTS, LEAN), "Inputs moved and the balance of the errors moved."),
        ((FEARED,), "Accuracy is estimated to be worse; no labels yet."),
        ((INPUTS, FEARED), "Inputs moved and accuracy is estimated to be worse."),
        ((INPUTS, FEARED, ACCURACY), "Inputs moved and accuracy fell."),
        ((FEARED, ROSE), "Inputs did not move but the error rose: the relation changed."),
        ((BETTER,), "The model became better."),
        ((MAE_DOWN,), "The model became better."),
        ((FELL,), "The model became better."),
        ((HOPED,), "The model is estimated to be better."),
        ((INPUTS, BETTER), "Inputs moved and the model became better."),
        ((RESIDUAL,), "The model does worse than the inputs explain: the relation changed."),
        ((SURPRISE,), "The model does better than the inputs explain: the relation changed."),
        ((RESIDUAL, ACCURACY), "Inputs did not move but accuracy fell: the relation changed."),
        (
            (INPUTS, RESIDUAL, ACCURACY),
            "Inputs moved, but accuracy fell more than the inputs explain: the relation changed too.",
        ),
        (
            (INPUTS, RESIDUAL),
            "Inputs moved, but the model does worse than the inputs explain: the relation changed too.",
        ),
        (
            (LABELS, RESIDUAL, ACCURACY),
            "The labels' shares moved and accuracy fell more than the inputs explain.",
        ),
        (
            (BROKEN, INPUTS, RESIDUAL, ACCURACY),
            "Data broke and inputs moved; accuracy fell more than the inputs explain.",
        ),
    ],
)
def test_what_fires_becomes_one_sentence(firing: tuple[Alert, ...], expected: str) -> None:
    assert told(*firing) == expected


def test_what_is_known_beside_the_alerts_is_said() -> None:
    assert told(INPUTS, holds=True) == "Inputs moved, the model's performance holds."
    assert told(INPUTS, holds=False) == "Inputs moved and the model got worse."
    assert told(LABELS, holds=True) == "The labels' shares moved, the model's performance holds."
    assert told(INPUTS, ACCURACY, holds=True) == "Inputs moved and accuracy fell."


@pytest.mark.parametrize("firing", [(), (BROKEN,), (BROKEN, NULLS), (alert("x", shift="new"),)])
def test_some_groups_have_no_story(firing: tuple[Alert, ...]) -> None:
    assert story(firing) is None


EVERY = (
    INPUTS,
    OUTPUTS,
    LABELS,
    BROKEN,
    ACCURACY,
    LOG_LOSS,
    FEARED,
    BETTER,
    HOPED,
    ROSE,
    FELL,
    LEAN,
    RESIDUAL,
)


def combined() -> Iterable[tuple[Alert, ...]]:
    return chain.from_iterable(combinations(EVERY, size) for size in (1, 2, 3, 4, len(EVERY)))


def test_every_combination_reads_as_one_sentence_that_does_not_contradict_itself() -> None:
    for firing in combined():
        found = story(firing)
        if found is None:
            assert firing == (BROKEN,)
            continue
        sentence = found.sentence
        assert sentence[0].isupper(), sentence
        assert sentence.count(".") == 1, sentence
        assert len(sentence) <= 160, sentence
        assert len(found.headline) <= 100, found.headline
        assert ("nputs did not move" in sentence) <= (INPUTS not in firing), sentence
        assert (": the relation changed" in sentence) <= (BROKEN not in firing), sentence
        assert ("not known yet" in sentence) <= (ACCURACY not in firing), sentence
        assert "became better" not in sentence or ACCURACY not in firing, sentence
        assert not any(ugly in sentence for ugly in ("  ", ",,", " ,", "and and", "; ;")), sentence


def test_the_order_of_the_alerts_does_not_matter() -> None:
    firing = (INPUTS, ACCURACY, F1, RESIDUAL, BROKEN, LABELS)
    assert story(firing) == story(firing[::-1])


def test_no_words_out_of_the_data_get_into_a_story() -> None:
    found = story((INPUTS, metric_alert("<!channel>", 0.9, 0.8, 0.7, 0.85)))
    assert found is not None
    assert found.sentence == "Inputs moved and the model got worse."


def test_every_kind_has_words() -> None:
    assert set(HAPPENED) == set(Kind)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (ACCURACY, Kind.WORSE),
        (FEARED, Kind.FEARED),
        (BETTER, Kind.BETTER),
        (HOPED, Kind.HOPED),
        (alert("accuracy", shift="performance", check="estimated"), Kind.FEARED),
        (ROSE, Kind.ERRORS_ROSE),
        (FELL, Kind.ERRORS_FELL),
        (LEAN, Kind.ERRORS_LEAN),
        (SCORE, Kind.OUTPUTS),
        (NULLS, Kind.BROKEN),
        (change_alert("new", 0.1, 0.2), Kind.OTHER),
        (RESIDUAL, Kind.RELATION),
        (LABELS, Kind.LABELS),
        (OUTPUTS, Kind.OUTPUTS),
        (INPUTS, Kind.INPUTS),
        (alert("x", shift="new"), Kind.OTHER),
    ],
)
def test_an_alert_is_of_one_kind(one: Alert, expected: Kind) -> None:
    assert kind_of(one) is expected
