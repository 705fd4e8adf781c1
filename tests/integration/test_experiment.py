"""Two versions on one stream, compared on a real Kafka and a real Postgres."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.integration.labelled import labelled_world, run_until_settled, two_topics
from tests.monitor.experiment.worlds import EXPERIMENT, latest, logged
from tests.monitor.labelled_worlds import rows_of_hours
from tests.services.postgres_fixtures import Databases

MODEL = '\nlateness = "5m"\nwindows_up_to = "2h"\nmin_rows = 20\nlabels_horizon = "2d"\nlabels_wait = "12h"\n'


@pytest.mark.integration
@pytest.mark.timeout(240)
def test_the_better_version_is_found_and_shown(
    kafka_bootstrap: str,
    postgres_databases: Databases,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    training = rows_of_hours(20, 200, 1, lambda _: 0.1).drop(columns="time_ms")
    training.to_parquet(tmp_path / "training.parquet")
    predictions, labels = logged(better=2.0)
    topics = two_topics(kafka_bootstrap, predictions, labels)
    at = labelled_world(
        tmp_path, kafka_bootstrap, postgres_databases.empty(), topics, tmp_path / "training.parquet",
        MODEL + EXPERIMENT,
    )  # fmt: skip
    run_until_settled(at, topics, len(predictions) + len(labels))
    variant_of = {row["id"]: row["variant"] for row in predictions}
    found = latest(at.store, "metric", "revenue")
    earned = [row["revenue"] for row in labels if variant_of[row["id"]] == "v2"]
    assert found["n_variant"] == len(earned)
    assert found["variant_value"] == pytest.approx(np.mean(earned))
    assert found["conclusion"] == "better"
    assert latest(at.store, "split", "rows")["conclusion"] == "ok"
    assert latest(at.store, "performance", "accuracy")["n_variant"] == len(earned)
    at.store.close_connections()
    assert "v2 is better than v1 in revenue: its lift is" in experiment_of(at.config, capsys)


def experiment_of(config: Path, capsys: pytest.CaptureFixture[str]) -> str:
    from monitor.cli import main  # noqa: PLC0415  # warnings of Kafka's client are not yet filtered above

    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["experiment", "loans", "--config", str(config)])
    assert ended.value.code in (None, 0)
    return capsys.readouterr().out
