"""Answers that carry records or speak of offsets in a log."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from kafka.protocol.admin import DeleteRecordsResponse
from kafka.protocol.consumer import FetchResponse, ListOffsetsResponse
from kafka.protocol.producer import ProduceResponse

from monitor.broker.codes import Code
from monitor.broker.log import Appended, PartitionLog, Read
from monitor.broker.node import Caller, Node

LATEST, EARLIEST = -1, -2  # what stands for a timestamp in ListOffsets


async def produce(node: Node, request: Any, _caller: Caller) -> Any:
    """Append what came; a producer that wants no acknowledgement gets no answer."""
    kind = ProduceResponse.TopicProduceResponse
    answers = []
    for topic in request.topic_data:
        partitions = [_append(node, topic.name, data) for data in topic.partition_data]
        answers.append(kind(name=topic.name, partition_responses=partitions))
    node.topics.announce()
    return ProduceResponse(responses=answers, throttle_time_ms=0) if request.acks else None


def _append(node: Node, topic: str, data: Any) -> Any:
    log = node.topics.log(topic, data.index)
    done = log.append(data.records) if log else Appended(Code.UNKNOWN_TOPIC_OR_PARTITION, -1)
    return ProduceResponse.TopicProduceResponse.PartitionProduceResponse(
        index=data.index,
        error_code=done.code,
        base_offset=done.base,
        log_append_time_ms=-1,
        log_start_offset=log.start if log else -1,
        record_errors=[],
        error_message=None,
    )


class _Fetched(NamedTuple):
    topics: list[Any]
    size_bytes: int
    has_error: bool


async def fetch(node: Node, request: Any, _caller: Caller) -> Any:
    """Answer as soon as there are ``min_bytes``, an error, or the time is up."""
    clock = asyncio.get_running_loop()
    end = clock.time() + request.max_wait_ms / 1000
    while True:
        found = _fetch(node, request)
        left_s = end - clock.time()
        if found.size_bytes >= max(request.min_bytes, 1) or found.has_error or left_s <= 0:
            return FetchResponse(throttle_time_ms=0, error_code=0, session_id=0, responses=found.topics)
        await node.topics.arrival(left_s)


def _fetch(node: Node, request: Any) -> _Fetched:
    kind = FetchResponse.FetchableTopicResponse
    topics = []
    size_bytes = 0
    has_error = False
    for topic in request.topics:
        partitions = []
        for asked in topic.partitions:
            log = node.topics.log(topic.topic, asked.partition)
            most = min(asked.partition_max_bytes, request.max_bytes - size_bytes)
            read = log.read(asked.fetch_offset, most) if log else Read(Code.UNKNOWN_TOPIC_OR_PARTITION)
            size_bytes += len(read.frames)
            has_error |= read.code != Code.NONE
            partitions.append(_fetched(asked.partition, log, read))
        topics.append(kind(topic=topic.topic, partitions=partitions))
    return _Fetched(topics, size_bytes, has_error)


def _fetched(index: int, log: PartitionLog | None, read: Read) -> Any:
    return FetchResponse.FetchableTopicResponse.PartitionData(
        partition_index=index,
        error_code=read.code,
        high_watermark=log.end if log else -1,
        last_stable_offset=log.end if log else -1,
        log_start_offset=log.start if log else -1,
        aborted_transactions=None,
        preferred_read_replica=-1,
        records=read.frames,
    )


async def list_offsets(node: Node, request: Any, _caller: Caller) -> Any:
    """Give the first or last offset, or that of a time."""
    kind = ListOffsetsResponse.ListOffsetsTopicResponse
    answers = []
    for topic in request.topics:
        partitions = []
        for asked in topic.partitions:
            log = node.topics.log(topic.name, asked.partition_index)
            offset, timestamp_ms = _offset(log, asked.timestamp) if log else (-1, -1)
            partitions.append(
                kind.ListOffsetsPartitionResponse(
                    partition_index=asked.partition_index,
                    error_code=Code.NONE if log else Code.UNKNOWN_TOPIC_OR_PARTITION,
                    timestamp=timestamp_ms,
                    offset=offset,
                    leader_epoch=0,
                )
            )
        answers.append(kind(name=topic.name, partitions=partitions))
    return ListOffsetsResponse(throttle_time_ms=0, topics=answers)


def _offset(log: PartitionLog, timestamp: int) -> tuple[int, int]:
    if timestamp == LATEST:
        return log.end, -1
    if timestamp == EARLIEST:
        return log.start, -1
    return log.offset_at(timestamp)


async def delete_records(node: Node, request: Any, _caller: Caller) -> Any:
    """Forget what lies below an offset."""
    kind = DeleteRecordsResponse.DeleteRecordsTopicResult
    answers = []
    for topic in request.topics:
        partitions = []
        for asked in topic.partitions:
            log = node.topics.log(topic.name, asked.partition_index)
            code = log.trim(asked.offset) if log else Code.UNKNOWN_TOPIC_OR_PARTITION
            partitions.append(
                kind.DeleteRecordsPartitionResult(
                    partition_index=asked.partition_index,
                    low_watermark=log.start if log else -1,
                    error_code=code,
                )
            )
        answers.append(kind(name=topic.name, partitions=partitions))
    return DeleteRecordsResponse(throttle_time_ms=0, topics=answers)
