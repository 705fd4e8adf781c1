"""CloudEvents over Kafka: the SDK binds each event, in binary and in structured mode by turns."""

from __future__ import annotations

from datetime import UTC, datetime

from cloudevents.core.bindings.kafka import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

from tests.formats.produce.writing import keep, message, rows


def main() -> None:
    lines = []
    for number, row in enumerate(rows()):
        attributes = {
            "id": row["id"],
            "source": "models/churn",
            "type": "org.example.prediction",
            "specversion": "1.0",
            "time": datetime.fromtimestamp(row["time_ms"] / 1000, UTC),
            "datacontenttype": "application/json",
            "partitionkey": row["id"],
        }
        features = {name: row[name] for name in ("age", "plan", "visits", "owner")}
        data = {"features": features, "prediction": row["prediction"], "score": row["score"]}
        bind = to_structured_event if number % 2 else to_binary_event
        made = bind(CloudEvent(attributes, data))
        lines.append(message(made.value, made.headers, made.key, row["time_ms"] + 5))
    keep("cloudevents", lines, "cloudevents")


if __name__ == "__main__":
    main()
