from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from monitor.errors import ConfigError
from monitor.source.kafka.client import ASSIGNORS, FORCED, consumer_settings
from monitor.source.kafka.options import OWNED


@pytest.mark.parametrize("name", sorted(OWNED))
def test_what_driftd_decides_itself_is_refused_with_the_reason(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"kafka\.options\.{name} cannot be set: .+; remove it"):
        consumer_settings(["localhost"], {name: "anything"})


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("fetch_min_byte", "fetch_min_bytes"),
        ("security.protocol", "security_protocol"),
        ("sasl-mechanism", "sasl_mechanism"),
        ("SSL_CAFILE", "ssl_cafile"),
    ],
)
def test_an_unknown_option_names_the_nearest_known_one(written: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=rf"{written} is not an option .*; did you mean '{meant}'\?"):
        consumer_settings(["localhost"], {written: 1})


def test_a_far_fetched_option_gets_no_suggestion() -> None:
    with pytest.raises(ConfigError, match=r"zzz is not an option of kafka-python's consumer$"):
        consumer_settings(["localhost"], {"zzz": 1})


def test_an_owned_option_is_never_suggested() -> None:
    with pytest.raises(ConfigError, match=r"consumer$"):
        consumer_settings(["localhost"], {"enable_auto_commits": True})


def test_security_and_other_options_pass_through(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.touch()
    options = {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "driftd",
        "sasl_plain_password": "secret",
        "ssl_cafile": str(authority),
        "group_instance_id": "one",
        "fetch_max_wait_ms": 50,
        "client_id": "mine",
    }
    settings = consumer_settings(["one:9092", "two:9092"], options)
    assert settings.items() >= options.items()
    assert settings.items() >= FORCED.items()
    assert settings["bootstrap_servers"] == ["one:9092", "two:9092"]


def test_a_missing_certificate_is_named_before_anything_connects() -> None:
    with pytest.raises(ConfigError, match=r"ssl_cafile: there is no file '/nowhere/ca\.pem'"):
        consumer_settings(["localhost"], {"ssl_cafile": "/nowhere/ca.pem"})


def test_an_option_that_takes_an_object_is_refused() -> None:
    with pytest.raises(ConfigError, match="ssl_context takes a Python object"):
        consumer_settings(["localhost"], {"ssl_context": "x"})


@pytest.mark.parametrize(
    ("name", "written", "wanted"),
    [
        ("api_version", [2, 6], (2, 6)),
        ("socket_options", [[6, 1, 1]], [(6, 1, 1)]),
        ("partition_assignment_strategy", "sticky", (ASSIGNORS["sticky"],)),
        (
            "partition_assignment_strategy",
            ["cooperative-sticky", "range"],
            (ASSIGNORS["cooperative-sticky"], ASSIGNORS["range"]),
        ),
    ],
)
def test_what_a_file_can_only_write_as_text_and_lists_is_shaped(
    name: str, written: Any, wanted: object
) -> None:
    assert consumer_settings(["localhost"], {name: written})[name] == wanted


def test_an_unknown_assignor_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="'lucky' is none of cooperative-sticky, range, roundrobin, sticky"):
        consumer_settings(["localhost"], {"partition_assignment_strategy": ["lucky"]})
