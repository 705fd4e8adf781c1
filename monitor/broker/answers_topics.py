"""Answers about the cluster and its topics."""

from __future__ import annotations

from typing import Any

from kafka.protocol.admin import CreatePartitionsResponse, CreateTopicsResponse, DeleteTopicsResponse
from kafka.protocol.metadata import MetadataResponse
from kafka.protocol.producer import InitProducerIdResponse

from monitor.broker.codes import Code
from monitor.broker.node import NODE_ID, Caller, Node

FIRST_VERSION_WITH_OPT_IN = 4  # of Metadata: before it, asking for a topic always creates it


async def metadata(node: Node, request: Any, caller: Caller) -> Any:
    """Name the node and the topics asked for; a missing one is created when both sides allow it."""
    may_create = caller.version < FIRST_VERSION_WITH_OPT_IN or request.allow_auto_topic_creation
    names = node.topics.names() if request.topics is None else [topic.name for topic in request.topics]
    if may_create and node.topics.limits.auto_create and request.topics is not None:
        for name in names:
            node.topics.create(name, -1)
    broker = MetadataResponse.MetadataResponseBroker(
        node_id=NODE_ID, host=node.host, port=node.port, rack=None
    )
    return MetadataResponse(
        throttle_time_ms=0,
        brokers=[broker],
        cluster_id="driftd-dev",
        controller_id=NODE_ID,
        topics=[_topic(node, name) for name in names],
        authorized_operations=set(),
    )


def _topic(node: Node, name: str) -> Any:
    kind = MetadataResponse.MetadataResponseTopic
    logs = node.topics.partitions(name)
    partitions = [
        kind.MetadataResponsePartition(
            error_code=Code.NONE,
            partition_index=index,
            leader_id=NODE_ID,
            leader_epoch=0,
            replica_nodes=[NODE_ID],
            isr_nodes=[NODE_ID],
            offline_replicas=[],
        )
        for index in range(len(logs))
    ]
    code = Code.NONE if logs else Code.UNKNOWN_TOPIC_OR_PARTITION
    return kind(
        error_code=code, name=name, is_internal=False, partitions=partitions, authorized_operations=set()
    )


async def create_topics(node: Node, request: Any, _caller: Caller) -> Any:
    """Make topics; their own configuration is accepted and ignored."""
    kind = CreateTopicsResponse.CreatableTopicResult
    answers = []
    for topic in request.topics:
        exists = bool(node.topics.partitions(topic.name))
        code = Code.TOPIC_ALREADY_EXISTS if exists else Code.NONE
        if not request.validate_only:
            code = node.topics.create(topic.name, topic.num_partitions)
        answers.append(
            kind(
                error_code=code,
                name=topic.name,
                error_message=None,
                num_partitions=len(node.topics.partitions(topic.name)),
                replication_factor=1,
                configs=[],
            )
        )
    return CreateTopicsResponse(throttle_time_ms=0, topics=answers)


async def delete_topics(node: Node, request: Any, _caller: Caller) -> Any:
    """Forget topics with all their records."""
    kind = DeleteTopicsResponse.DeletableTopicResult
    answers = [
        kind(name=name, error_code=node.topics.delete(name), error_message=None)
        for name in request.topic_names
    ]
    return DeleteTopicsResponse(throttle_time_ms=0, responses=answers)


async def create_partitions(node: Node, request: Any, _caller: Caller) -> Any:
    """Give topics more partitions."""
    kind = CreatePartitionsResponse.CreatePartitionsTopicResult
    answers = [
        kind(name=topic.name, error_code=node.topics.widen(topic.name, topic.count), error_message=None)
        for topic in request.topics
    ]
    return CreatePartitionsResponse(throttle_time_ms=0, results=answers)


async def init_producer_id(node: Node, request: Any, _caller: Caller) -> Any:
    """Number an idempotent producer; transactions are refused."""
    if request.transactional_id:
        return InitProducerIdResponse(
            throttle_time_ms=0, error_code=Code.UNSUPPORTED_VERSION, producer_id=-1, producer_epoch=-1
        )
    return InitProducerIdResponse(
        throttle_time_ms=0, error_code=Code.NONE, producer_id=next(node.producer_ids), producer_epoch=0
    )
