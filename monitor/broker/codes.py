"""The protocol's error codes that this broker answers with."""

from __future__ import annotations

from enum import IntEnum


class Code(IntEnum):
    """Names and numbers as in the protocol's own table."""

    NONE = 0
    OFFSET_OUT_OF_RANGE = 1
    CORRUPT_MESSAGE = 2
    UNKNOWN_TOPIC_OR_PARTITION = 3
    MESSAGE_TOO_LARGE = 10
    ILLEGAL_GENERATION = 22
    INCONSISTENT_GROUP_PROTOCOL = 23
    UNKNOWN_MEMBER_ID = 25
    REBALANCE_IN_PROGRESS = 27
    UNSUPPORTED_VERSION = 35
    TOPIC_ALREADY_EXISTS = 36
    INVALID_PARTITIONS = 37
    MEMBER_ID_REQUIRED = 79
    FENCED_INSTANCE_ID = 82
