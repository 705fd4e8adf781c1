"""The demo's config.toml: a normal one, with the addresses of this run."""

from __future__ import annotations

from pathlib import Path

from monitor.demo.car_loan import LABELS_TOPIC, MODEL, TOPIC

_TEXT = """\
[kafka]
bootstrap_servers = ["{kafka}"]
start = "earliest"

[database]
url = "{database}"

[models.{model}]
topics = ["{topic}"]
labels_topics = ["{labels}"]
labels_wait = "21d"     # results on a day's labels come then at the latest
window = "1d"
windows_up_to = "8d"    # of 165 loans a day a small change shows over a week
idle_after = "2s"       # judge the last day soon after the log has ended

[models.{model}.fields]
preset = "nested"       # id, timestamp at the top, features in an object
prediction = "y_pred"
score = "y_pred_proba"
label = "repaid"

[models.{model}.performance]
metrics = ["accuracy"]
tolerance = {{ accuracy = 0.02 }}

[alerts]
group_wait = "{wait}"       # ten months pass in seconds here
group_interval = "{interval}"
slack_root = "{slack}"

[alerts.services]       # the URLs are secrets, and kept in the environment
oncall = {{ env = "DRIFTD_SLACK_URL" }}
team = {{ env = "DRIFTD_MAIL_URL" }}

[service]
http = ""               # no /metrics and /healthz in the demo
log_format = "json"
"""


def secrets(mail_port: int) -> dict[str, str]:
    """Give the variables with the services' Apprise URLs."""
    return {
        "DRIFTD_SLACK_URL": "slack://AAAAAAAAA/BBBBBBBBB/demodemodemodemodemodemo",
        "DRIFTD_MAIL_URL": f"mailto://127.0.0.1:{mail_port}?from=driftd@demo.test&to=team@demo.test",
    }


def write_config(folder: Path, kafka: str, database: str, slack_root: str) -> Path:
    """Write config.toml into the folder and give its path."""
    path = folder / "config.toml"
    text = _TEXT.format(
        kafka=kafka,
        database=database,
        slack=slack_root,
        model=MODEL,
        topic=TOPIC,
        labels=LABELS_TOPIC,
        wait="3s",
        interval="5s",
    )
    path.write_text(text, encoding="utf-8")
    return path
