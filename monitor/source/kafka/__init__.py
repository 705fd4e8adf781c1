"""Kafka: messages from it, dead letters back to it. Nothing else in the service imports kafka-python."""

from __future__ import annotations

from monitor.source.kafka.client import topics
from monitor.source.kafka.deadletters import DeadLetters, error_headers
from monitor.source.kafka.source import KafkaSource

__all__ = ["DeadLetters", "KafkaSource", "error_headers", "topics"]
