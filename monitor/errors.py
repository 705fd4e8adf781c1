"""Everything driftd raises on purpose."""

from __future__ import annotations


class DriftdError(Exception):
    """The root: its text names the thing, its value and the way out, and is all the user needs to see."""


class ConfigError(DriftdError):
    """The configuration cannot be used as it is."""


class DataError(DriftdError):
    """A file or reference handed to a command cannot be used as it is."""


class Recoverable(DriftdError):  # noqa: N818  # says what the caller may do
    """Something outside is away or slow: the same call may succeed later."""


class SourceError(Recoverable):
    """The broker did not answer, or answered that it cannot now."""


class StoreError(Recoverable):
    """The database did not answer, or answered that it cannot now."""


class RegistryError(Recoverable):
    """The schema registry did not answer, or not as one."""


class BridgeError(Recoverable):
    """A tool around the model, from which something is read or to which results go, did not do its part."""


class JoinError(Recoverable):
    """The table on disk in which predictions wait for their labels cannot be used now."""


class SchemaError(DriftdError):
    """The database's schema is not the one this version needs."""


class Fenced(DriftdError):  # noqa: N818  # the term of the trade is an adjective
    """Another process moved the cursor: this one no longer owns the partition and has written nothing."""


class TooManyRejects(DriftdError):  # noqa: N818  # says what was seen, like the config key
    """So many of the latest messages could not be used that going on would lose a stream."""
