"""Every form in which a secret of the configuration could turn up in a log line or an error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus, unquote, unquote_plus, urlsplit

from monitor.config import Config, Secret
from monitor.config.secret import MASK


def secrets_in(config: Config, urls: Mapping[str, Secret]) -> tuple[str, ...]:
    """Give passwords of the database and of Kafka, the page's token, and the services' URLs.

    Each as written, decoded and encoded.
    """
    given = [url.reveal() for url in urls.values()]
    given += [config.page.token.reveal()] if config.page.token is not None else []
    return forms([*given, *database_passwords(config.database.url.reveal()), *kafka_secrets(config)])


def forms(secrets: Iterable[str]) -> tuple[str, ...]:
    """Give each secret as it is, percent-decoded and percent-encoded."""
    ways = (str, unquote, unquote_plus, quote_plus, lambda text: quote(text, safe=""))
    plain = [form for secret in secrets if secret for form in (secret, unquote(secret))]
    return tuple(dict.fromkeys(way(secret) for secret in plain for way in ways))


def database_passwords(url: str) -> tuple[str, ...]:
    """Give what is between the user and the host, and in the query, of a database's URL."""
    try:
        parts = urlsplit(url)
        given = [parts.password or "", *parts.query.split("&")]
    except ValueError:
        return ()
    return tuple(each.removeprefix("password=") for each in given if each and _is_secret(each, given[0]))


def _is_secret(text: str, password: str) -> bool:
    return text == password or text.startswith("password=")


def kafka_secrets(config: Config) -> tuple[str, ...]:
    """Give what must not be shown even if the client quotes it; names of files are no secrets."""
    masked = config.kafka.shown_options()
    return tuple(
        given
        for name, given in config.kafka.options.items()
        if masked[name] == MASK and isinstance(given, str) and given and not name.endswith("file")
    )
