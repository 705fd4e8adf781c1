"""Every form of a secret is known to the log before anything can quote it."""

from __future__ import annotations

from monitor.config import Secret, effective, parse
from monitor.logfilters import Redact
from monitor.secrets import secrets_in

CONFIG = """
[kafka]
bootstrap_servers = ["127.0.0.1:1"]
[kafka.options]
sasl_plain_password = "kafka/secret 1"
[database]
url = "postgresql://me:p%40ss%2Fw%20rd@h/x?sslmode=require"
"""


def test_no_form_of_a_password_passes_the_log() -> None:
    url = "slack://AAAAAAAAA/BBBBBBBBB/hookhook"
    redact = Redact(secrets_in(parse(CONFIG), {"oncall": Secret(url)}))
    for text in ("p@ss/w rd", "p%40ss%2Fw%20rd", "p%40ss%2Fw+rd", "kafka/secret 1", "kafka%2Fsecret+1", url):
        assert redact.text(f"before {text} after") == "before *** after"
    assert redact.text("sslmode=require at h") == "sslmode=require at h"


def test_a_configuration_is_kept_without_its_secrets() -> None:
    text = CONFIG + "[page]\ntoken = 'sixteen letters and more'\n[registry]\nurl = 'http://me:hidden@h'\n"
    text += "[alerts.services]\noncall = { url = 'slack://hookhook/A/B' }\n"
    kept = effective(parse(text)).decode()
    for secret in ("p%40ss", "p@ss", "kafka/secret", "sixteen letters", "hidden", "hookhook"):
        assert secret not in kept
    assert "127.0.0.1:1" in kept
