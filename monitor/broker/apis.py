"""Which calls this broker understands, in which versions, and who answers them."""

from __future__ import annotations

import io
import struct
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from kafka.protocol.admin import (
    CreatePartitionsRequest,
    CreateTopicsRequest,
    DeleteRecordsRequest,
    DeleteTopicsRequest,
)
from kafka.protocol.api_header import RequestHeader
from kafka.protocol.consumer import (
    FetchRequest,
    HeartbeatRequest,
    JoinGroupRequest,
    LeaveGroupRequest,
    ListOffsetsRequest,
    OffsetCommitRequest,
    OffsetFetchRequest,
    SyncGroupRequest,
)
from kafka.protocol.metadata import (
    ApiVersionsRequest,
    ApiVersionsResponse,
    FindCoordinatorRequest,
    MetadataRequest,
)
from kafka.protocol.producer import InitProducerIdRequest, ProduceRequest

from monitor.broker import answers_groups, answers_records, answers_topics
from monitor.broker.codes import Code
from monitor.broker.node import Caller, Node

Answerer = Callable[[Node, Any, Caller], Awaitable[Any]]
START = struct.Struct(">hhi")  # of every request: key, version, correlation id


class Call(NamedTuple):
    """A call with the versions of it that are answered."""

    request: Any
    first: int
    last: int
    answerer: Answerer


async def api_versions(_node: Node, _request: Any, _caller: Caller) -> Any:
    """Tell which calls are understood."""
    return _versions(Code.NONE)


# The last versions are those before topics got ids and offsets got fetched for many groups at once.
CALLS = {
    call.request.API_KEY: call
    for call in (
        Call(ProduceRequest, 3, 9, answers_records.produce),
        Call(FetchRequest, 4, 11, answers_records.fetch),
        Call(ListOffsetsRequest, 1, 6, answers_records.list_offsets),
        Call(MetadataRequest, 1, 9, answers_topics.metadata),
        Call(OffsetCommitRequest, 2, 8, answers_groups.offset_commit),
        Call(OffsetFetchRequest, 1, 7, answers_groups.offset_fetch),
        Call(FindCoordinatorRequest, 0, 3, answers_groups.find_coordinator),
        Call(JoinGroupRequest, 0, 7, answers_groups.join_group),
        Call(HeartbeatRequest, 0, 4, answers_groups.heartbeat),
        Call(LeaveGroupRequest, 0, 4, answers_groups.leave_group),
        Call(SyncGroupRequest, 0, 5, answers_groups.sync_group),
        Call(ApiVersionsRequest, 0, 3, api_versions),
        Call(CreateTopicsRequest, 2, 6, answers_topics.create_topics),
        Call(DeleteTopicsRequest, 1, 5, answers_topics.delete_topics),
        Call(DeleteRecordsRequest, 0, 2, answers_records.delete_records),
        Call(InitProducerIdRequest, 0, 4, answers_topics.init_producer_id),
        Call(CreatePartitionsRequest, 0, 3, answers_topics.create_partitions),
    )
}


class NotUnderstoodError(Exception):
    """A call or version that was not offered: the connection is of no use."""


async def answer(node: Node, frame: bytes) -> bytes:
    """Give the framed answer to one request, empty when it wants none."""
    key, version, correlation_id = START.unpack_from(frame)
    call = CALLS.get(key)
    if call is None or not call.first <= version <= call.last:
        if key != ApiVersionsRequest.API_KEY:
            raise NotUnderstoodError(f"api key {key}, version {version}")
        # a newer client asks in a version unknown here: the answer in version 0 tells it what is known
        return _framed(_versions(Code.UNSUPPORTED_VERSION), 0, correlation_id)
    stream = io.BytesIO(frame)
    header = RequestHeader.decode(stream, flexible=call.request.flexible_version_q(version))
    request = call.request.decode(frame[stream.tell() :], version=version)
    response = await call.answerer(node, request, Caller(version, header.client_id or ""))
    return b"" if response is None else _framed(response, version, correlation_id)


def _framed(response: Any, version: int, correlation_id: int) -> bytes:
    response.API_VERSION = version
    response.with_header(correlation_id=correlation_id)
    return bytes(response.encode(header=True, framed=True))


def _versions(code: Code) -> Any:
    kind = ApiVersionsResponse.ApiVersion
    known = [kind(api_key=key, min_version=call.first, max_version=call.last) for key, call in CALLS.items()]
    return ApiVersionsResponse(error_code=code, api_keys=known, throttle_time_ms=0)
