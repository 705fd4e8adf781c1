"""The configuration: one TOML file, typed, checked whole, with secrets that do not show."""

from __future__ import annotations

from monitor.config.address import Address
from monitor.config.alerting import Alerts, Links, Route, ServiceUrl
from monitor.config.concept import Challenger, Concept
from monitor.config.durations import Age, Duration
from monitor.config.experiment import Experiment
from monitor.config.fields import Fields, ResolvedFields
from monitor.config.labels import LabelsFields, ResolvedLabels
from monitor.config.lint import Hint, Level, lint
from monitor.config.load import Loaded, digest, effective, find, load, parse
from monitor.config.model import Detectors, Model, RowCount
from monitor.config.page import Page
from monitor.config.pair import Pair
from monitor.config.performance import Performance
from monitor.config.registry import SchemaRegistry
from monitor.config.schema import Config, Database, Kafka, Limits, Retention, Service
from monitor.config.secret import Secret

__all__ = [
    "Address",
    "Age",
    "Alerts",
    "Challenger",
    "Concept",
    "Config",
    "Database",
    "Detectors",
    "Duration",
    "Experiment",
    "Fields",
    "Hint",
    "Kafka",
    "LabelsFields",
    "Level",
    "Limits",
    "Links",
    "Loaded",
    "Model",
    "Page",
    "Pair",
    "Performance",
    "ResolvedFields",
    "ResolvedLabels",
    "Retention",
    "Route",
    "RowCount",
    "SchemaRegistry",
    "Secret",
    "Service",
    "ServiceUrl",
    "digest",
    "effective",
    "find",
    "lint",
    "load",
    "parse",
]
