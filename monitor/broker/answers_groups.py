"""Answers to consumer groups: the wire's shapes on one side, `Group` on the other."""

from __future__ import annotations

from typing import Any

from kafka.protocol.consumer import (
    HeartbeatResponse,
    JoinGroupResponse,
    LeaveGroupResponse,
    OffsetCommitResponse,
    OffsetFetchResponse,
    SyncGroupResponse,
)
from kafka.protocol.metadata import FindCoordinatorResponse

from monitor.broker.codes import Code
from monitor.broker.members import Wish
from monitor.broker.node import NODE_ID, Caller, Node

PROTOCOL_TYPE = "consumer"
FIRST_JOIN_WITH_ID_RULE = 4  # from this version a member must come back with the id it is given
FIRST_LEAVE_OF_MANY = 3  # from this version a leave names several members


async def find_coordinator(node: Node, _request: Any, _caller: Caller) -> Any:
    """Name this node, whatever the group."""
    return FindCoordinatorResponse(
        throttle_time_ms=0,
        error_code=Code.NONE,
        error_message=None,
        node_id=NODE_ID,
        host=node.host,
        port=node.port,
    )


async def join_group(node: Node, request: Any, caller: Caller) -> Any:
    """Answer when the round is complete."""
    session_s = request.session_timeout_ms / 1000
    rebalance_s = request.rebalance_timeout_ms / 1000 if caller.version else session_s
    wish = Wish(
        member_id=request.member_id,
        instance_id=request.group_instance_id,
        client_id=caller.client_id,
        protocols={protocol.name: bytes(protocol.metadata) for protocol in request.protocols},
        session_s=session_s,
        rebalance_s=rebalance_s,
        knows_id_rule=caller.version >= FIRST_JOIN_WITH_ID_RULE,
    )
    joined = await node.groups[request.group_id].join(wish)
    kind = JoinGroupResponse.JoinGroupResponseMember
    return JoinGroupResponse(
        throttle_time_ms=0,
        error_code=joined.code,
        generation_id=joined.generation,
        protocol_type=PROTOCOL_TYPE,
        protocol_name=joined.protocol,
        leader=joined.leader,
        member_id=joined.member_id,
        members=[
            kind(member_id=member_id, group_instance_id=instance_id, metadata=metadata)
            for member_id, instance_id, metadata in joined.members
        ],
    )


async def sync_group(node: Node, request: Any, _caller: Caller) -> Any:
    """Answer when the leader's assignment is there."""
    assignments = {given.member_id: bytes(given.assignment) for given in request.assignments}
    synced = await node.groups[request.group_id].sync(
        request.member_id, request.group_instance_id, request.generation_id, assignments
    )
    return SyncGroupResponse(
        throttle_time_ms=0,
        error_code=synced.code,
        protocol_type=PROTOCOL_TYPE,
        protocol_name=None,
        assignment=synced.assignment,
    )


async def heartbeat(node: Node, request: Any, _caller: Caller) -> Any:
    """Note that a member lives, and tell it of a new round."""
    code = node.groups[request.group_id].heartbeat(
        request.member_id, request.group_instance_id, request.generation_id
    )
    return HeartbeatResponse(throttle_time_ms=0, error_code=code)


async def leave_group(node: Node, request: Any, caller: Caller) -> Any:
    """Remove members; the others begin a new round."""
    group = node.groups[request.group_id]
    if caller.version < FIRST_LEAVE_OF_MANY:
        return LeaveGroupResponse(throttle_time_ms=0, error_code=group.leave(request.member_id, None))
    kind = LeaveGroupResponse.MemberResponse
    answers = [
        kind(
            member_id=member.member_id,
            group_instance_id=member.group_instance_id,
            error_code=group.leave(member.member_id, member.group_instance_id),
        )
        for member in request.members
    ]
    return LeaveGroupResponse(throttle_time_ms=0, error_code=Code.NONE, members=answers)


async def offset_commit(node: Node, request: Any, _caller: Caller) -> Any:
    """Keep offsets for the group."""
    offsets = {
        (topic.name, asked.partition_index): (asked.committed_offset, asked.committed_metadata or "")
        for topic in request.topics
        for asked in topic.partitions
    }
    code = node.groups[request.group_id].commit(
        request.member_id, request.group_instance_id, request.generation_id_or_member_epoch, offsets
    )
    kind = OffsetCommitResponse.OffsetCommitResponseTopic
    answers = [
        kind(
            name=topic.name,
            partitions=[
                kind.OffsetCommitResponsePartition(partition_index=asked.partition_index, error_code=code)
                for asked in topic.partitions
            ],
        )
        for topic in request.topics
    ]
    return OffsetCommitResponse(throttle_time_ms=0, topics=answers)


async def offset_fetch(node: Node, request: Any, _caller: Caller) -> Any:
    """Give the committed offsets asked for, or all of the group's; -1 where there is none."""
    offsets = node.groups[request.group_id].offsets
    if request.topics is None:
        asked = list(offsets)
    else:
        asked = [(topic.name, index) for topic in request.topics for index in topic.partition_indexes]
    kind = OffsetFetchResponse.OffsetFetchResponseTopic
    topics: dict[str, list[Any]] = {}
    for topic, index in asked:
        offset, metadata = offsets.get((topic, index), (-1, ""))
        topics.setdefault(topic, []).append(
            kind.OffsetFetchResponsePartition(
                partition_index=index,
                committed_offset=offset,
                committed_leader_epoch=-1,
                metadata=metadata,
                error_code=Code.NONE,
            )
        )
    answers = [kind(name=name, partitions=partitions) for name, partitions in topics.items()]
    return OffsetFetchResponse(throttle_time_ms=0, error_code=Code.NONE, topics=answers)
