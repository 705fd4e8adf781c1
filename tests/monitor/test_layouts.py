"""What the decoders look for, from the configuration's paths and the data dictionary."""

from __future__ import annotations

import pytest

from detectors.dictionary import Dictionary, Feature, Kind, Role
from monitor.config import Fields, LabelsFields, Model
from monitor.decode.decoder import Decoder
from monitor.decode.layout import Cell, Leaf, Meta
from monitor.errors import ConfigError
from monitor.layouts import labels_layout_of, layout_of
from monitor.topics import NO_TOPICS, Topics

AGE = Feature("age", Kind.NUMERIC, "float")
PREDICTION = Feature("prediction", Kind.NUMERIC, "int", Role.PREDICTION)
LABEL = Feature("label", Kind.CATEGORICAL, "str", Role.LABEL, missing_values=("?",))


def dictionary(*features: Feature) -> Dictionary:
    return Dictionary({feature.name: feature for feature in features})


def score(name: str) -> Feature:
    return Feature(name, Kind.NUMERIC, "float", Role.SCORE)


def paths(found: tuple[Leaf, ...]) -> dict[str, tuple[str, ...]]:
    return {leaf.name: leaf.keys for leaf in found}


def test_labels_are_not_looked_for_in_messages_of_predictions_alone() -> None:
    made = layout_of("churn", Fields().resolved("churn"), dictionary(AGE, PREDICTION, LABEL))
    assert paths(made.leaves) == {"age": ("features", "age"), "prediction": ("prediction",)}
    assert (made.label, made.label_topics) == (None, NO_TOPICS)
    assert (made.id_required, made.timestamp_fallback, made.timestamp_optional) == (False, False, False)


def test_labels_are_looked_for_in_topics_that_are_for_both() -> None:
    fields = Fields(label="truth.paid").resolved("churn")
    made = layout_of("churn", fields, dictionary(AGE, PREDICTION, LABEL), Topics(("both",)))
    assert made.label == Leaf("label", ("truth", "paid"), Cell.TEXT, ("?",))
    assert made.label_topics == Topics(("both",))
    Decoder(made, "churn", 2_000, 0)


def test_every_score_is_looked_for_at_the_path_of_its_class() -> None:
    fields = Fields(scores={"a": "p.a", "b": "second"}).resolved("churn")
    made = layout_of("churn", fields, dictionary(AGE, score("second:b"), score("p.a")))
    assert paths(made.leaves)["p.a"] == ("p", "a")
    assert paths(made.leaves)["second:b"] == ("second",)


def test_scores_at_the_top_are_no_unknown_features() -> None:
    fields = Fields(preset="flat", scores={"a": "p.a", "b": "second"}).resolved("churn")
    assert {"p", "second"} <= layout_of("churn", fields, dictionary(AGE)).other_keys


@pytest.mark.parametrize(
    ("fields", "scores", "told"),
    [
        (Fields(), ("a", "b"), r'fields.scores: the reference has the scores "a", "b": give a path for each'),
        (Fields(scores={"a": "p.a", "b": "p.b"}), ("p.c",), r'say nothing of "p.c".*known here: p.a, p.b'),
        (Fields(score=""), ("score",), r'fields.score: is off, but the reference has the score "score"'),
        (Fields(score="$key"), ("score",), r'fields.score: "\$key" is not in the message'),
    ],
)
def test_scores_that_could_not_be_found_are_refused(
    fields: Fields, scores: tuple[str, ...], told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        layout_of("churn", fields.resolved("churn"), dictionary(AGE, *map(score, scores)))


def settings(**changes: object) -> Model:
    return Model(**({"topics": ("p",), "labels_topics": ("l",)} | changes))  # type: ignore[arg-type]


def test_a_model_without_topics_of_labels_has_no_layout_of_them() -> None:
    assert labels_layout_of("churn", settings(labels_topics=()), dictionary(AGE)) is None


def test_labels_have_a_layout_of_their_own() -> None:
    places = LabelsFields(id="prediction.id", label="truth", timestamp="", model="m", model_name="prod")
    made = labels_layout_of("churn", settings(labels_fields=places), dictionary(AGE, PREDICTION, LABEL))
    assert made is not None
    assert (made.leaves, made.container) == ((), None)
    assert made.label == Leaf("label", ("truth",), Cell.TEXT, ("?",))
    assert made.label_topics is None
    assert (made.id, made.timestamp, made.timestamp_unit) == (("prediction", "id"), Meta("timestamp"), "ms")
    assert (made.model, made.model_name) == (("m",), "prod")
    assert (made.id_required, made.timestamp_fallback, made.timestamp_optional) == (True, True, True)
    Decoder(made, "churn", 2_000, 0)


def test_a_reference_without_labels_names_the_way_out() -> None:
    told = (
        r"models.churn.labels_topics: the reference has no label column: .*driftd reference build churn FILE"
    )
    ignored = Feature("label", Kind.IGNORE, "str", Role.LABEL)
    for known in (dictionary(AGE, PREDICTION), dictionary(AGE, PREDICTION, ignored)):
        with pytest.raises(ConfigError, match=told):
            labels_layout_of("churn", settings(), known)
        with pytest.raises(ConfigError, match=told):
            layout_of("churn", Fields().resolved("churn"), known, Topics(("both",)))


def test_a_label_has_to_be_in_the_messages_value() -> None:
    with pytest.raises(ConfigError, match=r'models.churn.labels_fields.label: "\$key" is not in the message'):
        labels_layout_of("churn", settings(fields=Fields(label="$key")), dictionary(AGE, LABEL))
