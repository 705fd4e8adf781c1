"""The whole configuration: every table, its keys and their defaults."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, field

from monitor.config.address import Address, parse_address
from monitor.config.alerting import Alerts
from monitor.config.durations import Age, Duration
from monitor.config.model import Model, Whole
from monitor.config.page import Page
from monitor.config.registry import SchemaRegistry
from monitor.config.secret import MASK, Secret
from monitor.config.section import Mistake, Section
from monitor.config.sharing import sharing_mistakes
from monitor.config.topics import topic_problem
from monitor.decode.layout import MAX_ROWS
from monitor.source.librdkafka.options import OWNED as OWNED_BY_LIBRDKAFKA
from monitor.source.librdkafka.options import dotted
from monitor.topics import Topics

_SECRET_OPTION = re.compile(r"password|secret|token|oauth|key", re.IGNORECASE)
_URL_KINDS = ("postgresql+psycopg", "postgresql", "postgres", "sqlite+pysqlite", "sqlite")
_SCHEMA_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}", re.ASCII)
OWNED_OPTIONS = {
    "auto_commit_interval_ms": "the results database owns the position",
    "auto_offset_reset": "set kafka.start; later starts go on where the results database says",
    "bootstrap_servers": "set kafka.bootstrap_servers",
    "consumer_timeout_ms": "driftd decides how long a poll waits",
    "default_offset_commit_callback": "driftd watches its own commits",
    "enable_auto_commit": "the results database owns the position",
    "group_id": "set kafka.group_id",
    "kafka_client": "driftd makes the client",
    "key_deserializer": "driftd decodes messages itself",
    "max_poll_records": "set kafka.max_poll_records",
    "value_deserializer": "driftd decodes messages itself",
}
"""Options of the Kafka client that are not the user's, and why."""


class Kafka(Section, frozen=True, kw_only=True):
    """[kafka]: how the messages are reached."""

    bootstrap_servers: tuple[str, ...]
    group_id: str = "driftd"
    start: Literal["earliest", "latest"] = "latest"
    client: Literal["kafka-python", "librdkafka"] = "kafka-python"
    max_poll_records: Whole = 10_000
    dead_letters: str | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.client == "librdkafka":
            msgspec.structs.force_setattr(self, "options", dotted(self.options))
        super().__post_init__()

    def __repr__(self) -> str:
        shown = msgspec.structs.asdict(self) | {"options": self.shown_options()}
        return f"Kafka({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def shown_options(self) -> dict[str, Any]:
        """Give the options with everything that may be secret masked."""
        return {name: MASK if _SECRET_OPTION.search(name) else given for name, given in self.options.items()}

    def dead_letter_topic(self, topic: str) -> str | None:
        """Give the topic that undecodable messages of ``topic`` are copied to; None when they are not."""
        return self.dead_letters.replace("{topic}", topic) if self.dead_letters else None

    def letters_of(self, topic: str) -> str:
        """Give the topic whose undecodable messages this one gets; empty when it is no dead-letter topic."""
        before, named, after = (self.dead_letters or "").partition("{topic}")
        origin = topic.removeprefix(before).removesuffix(after) if named else ""
        return origin if origin and self.dead_letter_topic(origin) == topic else ""

    def mistakes(self) -> Iterator[Mistake]:
        if not self.bootstrap_servers:
            yield Mistake(("bootstrap_servers",), 'is empty: name at least one broker, like "localhost:9092"')
        if not self.group_id:
            yield Mistake(
                ("group_id",), "is empty: driftd shares the partitions out through a consumer group"
            )
        if self.dead_letters and (problem := topic_problem(self.dead_letters.replace("{topic}", "topic"))):
            yield Mistake(("dead_letters",), f'{problem}; "{{topic}}" stands for the topic of the message')
        if self.dead_letters == "{topic}":
            yield Mistake(("dead_letters",), '"{topic}" alone is the topic itself: write "{topic}.dlq"')
        owned = OWNED_BY_LIBRDKAFKA if self.client == "librdkafka" else OWNED_OPTIONS
        for name in self.options:
            if name in owned:
                yield Mistake(("options", name), f"cannot be passed through: {owned[name]}")


class Retention(Section, frozen=True, kw_only=True):
    """[database.retention]: how long history is kept."""

    results: Age = Age.parse("3y")
    counts: Age = Age.parse("400d")
    daily_after: Age = Age.parse("forever")


class Database(Section, frozen=True, kw_only=True):
    """[database]: where the results go. After loading, ``url`` is filled in from ``url_file``."""

    url: Secret
    url_file: str | None = None
    schema: str = "driftd"
    migrate: Literal["check", "auto"] = "check"
    retention: Retention = field(default_factory=Retention)

    def mistakes(self) -> Iterator[Mistake]:
        kind, separator, _ = self.url.reveal().partition("://")
        if not separator or kind not in _URL_KINDS:
            started = f'begins with "{kind}://"' if separator and kind.isascii() else "is not a database URL"
            yield Mistake(("url",), f'{started}: write "postgresql://USER@HOST/NAME" or "sqlite:///FILE"')
        if not _SCHEMA_NAME.fullmatch(self.schema):
            yield Mistake(("schema",), f'"{self.schema[:80]}" is no plain lower-case SQL name')


class Service(Section, frozen=True, kw_only=True):
    """[service]: the process itself."""

    http: str = "127.0.0.1:9464"
    log_format: Literal["auto", "json", "console"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    commit_interval: Duration = Duration.parse("2s")
    stop_timeout: Duration = Duration.parse("10s")
    state_dir: str = "driftd-state"

    @property
    def address(self) -> Address | None:
        """Where the endpoints are served; None when they are off."""
        return parse_address(self.http) if self.http else None

    def mistakes(self) -> Iterator[Mistake]:
        try:
            _ = self.address
        except ValueError as error:
            yield Mistake(("http",), str(error))
        if not self.stop_timeout.ms:
            yield Mistake(("stop_timeout",), "is 0: nothing could be committed on the way out")
        if not self.state_dir.strip():
            text = 'is empty: name a folder for predictions that wait for labels, like "driftd-state"'
            yield Mistake(("state_dir",), text)


class Limits(Section, frozen=True, kw_only=True):
    """[limits]: what bounds memory, and what stops the service rather than lose a stream."""

    batch_rows: Whole = 40_000
    batch_bytes: Annotated[int, Meta(ge=1_048_576)] = 67_108_864
    batch_interval: Duration = Duration.parse("1s")
    max_rejected_share: Annotated[float, Meta(gt=0, le=1)] = 0.5
    rejected_window: Whole = 1_000
    window_bytes: Annotated[int, Meta(ge=16_777_216)] = 1_073_741_824
    max_message_bytes: Annotated[int, Meta(ge=1_024)] = 1_048_576
    max_rows_per_message: Annotated[int, Meta(ge=1, le=1_000_000)] = MAX_ROWS
    join_bytes: Annotated[int, Meta(ge=16_777_216)] = 4_294_967_296


class Config(Section, frozen=True, kw_only=True):
    """Everything that config.toml may say."""

    kafka: Kafka
    database: Database
    models: dict[str, Model] = field(default_factory=dict)
    alerts: Alerts = field(default_factory=Alerts)
    service: Service = field(default_factory=Service)
    page: Page = field(default_factory=Page)
    limits: Limits = field(default_factory=Limits)
    registry: SchemaRegistry = field(default_factory=SchemaRegistry)

    def reference_name(self, model: str) -> str:
        """Give the model whose reference this model is compared with; usually its own."""
        return self.models[model].reference or model

    def topics(self) -> Topics:
        """Every topic that is read."""
        models = self.models.values()
        entries = (entry for model in models for entry in (*model.topics, *model.labels_topics))
        return Topics(tuple(dict.fromkeys(entries)), self.kafka.dead_letters or "")

    def mistakes(self) -> Iterator[Mistake]:
        for name in self.models:
            if not name.strip() or not name.isprintable() or len(name) > 200:  # noqa: PLR2004  # fits every column
                yield Mistake(("models", name), "a model's name has 1 to 200 printable characters")
        if any(model.labels_topics for model in self.models.values()):
            for mistake in sharing_mistakes(self.kafka.options):
                yield Mistake(("kafka", *mistake.place), mistake.text)
        yield from self._circles()
        yield from self._registry_mistakes()

    def _registry_mistakes(self) -> Iterator[Mistake]:
        for name, model in self.models.items():
            for section, form in (
                ("fields", model.fields.format),
                ("labels_fields", model.labels_fields.format),
            ):
                if form in ("avro", "protobuf") and self.registry.url is None:
                    text = (
                        f'"{form}" needs the schemas: set registry.url to the address of the schema registry'
                    )
                    yield Mistake(("models", name, section, "format"), text)

    def _circles(self) -> Iterator[Mistake]:
        """Yield topics that are read by their names, and get the dead letters of one that is read, too."""
        topics = self.topics()
        for name in sorted(topics.names):
            read = Topics(topics.patterns, topics.dead_letters)
            if name in map(self.kafka.dead_letter_topic, topics.names) or self.kafka.letters_of(name) in read:
                yield Mistake(
                    ("kafka", "dead_letters"), f'"{name}" is read too: rejects would go round in circles'
                )
