from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from monitor.broker.codes import Code
from monitor.broker.groups import Group
from monitor.broker.members import Joined, State, Wish

T = TypeVar("T")


def run(test: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(test, 10))


def wish(
    member_id: str = "", *, instance_id: str | None = None, session_s: float = 10, **kinds: bytes
) -> Wish:
    return Wish(
        member_id=member_id,
        instance_id=instance_id,
        client_id="client",
        protocols=kinds or {"range": b"meta"},
        session_s=session_s,
        rebalance_s=5,
        knows_id_rule=False,
    )


async def joined(group: Group, *wishes: Wish) -> list[Joined]:
    """Let some join together and the leader hand out an assignment that names each member."""
    answers = await asyncio.gather(*(group.join(wish) for wish in wishes))
    leader = next(answer for answer in answers if answer.member_id == answer.leader)
    assignments = {member_id: member_id.encode() for member_id, _, _ in leader.members}
    synced = await asyncio.gather(
        *(
            group.sync(answer.member_id, None, answer.generation, assignments if answer is leader else {})
            for answer in answers
        )
    )
    assert [answer.assignment for answer in synced] == [answer.member_id.encode() for answer in answers]
    return list(answers)


def test_members_that_join_together_make_one_generation_with_one_leader() -> None:
    async def test() -> None:
        group = Group()
        answers = await joined(group, wish(), wish(), wish())
        assert {answer.generation for answer in answers} == {1}
        assert len({answer.leader for answer in answers}) == 1
        assert sorted(len(answer.members) for answer in answers) == [0, 0, 3]
        assert group.state == State.STABLE

    run(test())


def test_a_newcomer_makes_the_others_join_again() -> None:
    async def test() -> None:
        group = Group()
        (one,) = await joined(group, wish())
        newcomer = asyncio.create_task(group.join(wish()))
        await asyncio.sleep(0)
        assert group.heartbeat(one.member_id, None, 1) == Code.REBALANCE_IN_PROGRESS
        again = await group.join(wish(one.member_id))
        assert (again.generation, (await newcomer).generation, len(again.members)) == (2, 2, 2)

    run(test())


def test_a_follower_that_joins_again_unchanged_disturbs_nobody() -> None:
    async def test() -> None:
        group = Group()
        answers = await joined(group, wish(), wish())
        follower = next(answer for answer in answers if answer.member_id != answer.leader)
        again = await group.join(wish(follower.member_id))
        assert (again.generation, group.state) == (1, State.STABLE)

    run(test())


def test_a_member_that_falls_silent_is_removed_and_its_partitions_are_shared_anew() -> None:
    async def test() -> None:
        group = Group()
        silent, alive = await joined(group, wish(session_s=0.05), wish())
        await asyncio.sleep(0.1)
        group.expire()
        assert group.heartbeat(silent.member_id, None, 1) == Code.UNKNOWN_MEMBER_ID
        assert group.heartbeat(alive.member_id, None, 1) == Code.REBALANCE_IN_PROGRESS
        assert len((await group.join(wish(alive.member_id))).members) == 1

    run(test())


def test_the_last_member_to_leave_leaves_an_empty_group_that_keeps_its_offsets() -> None:
    async def test() -> None:
        group = Group()
        (one,) = await joined(group, wish())
        assert group.commit(one.member_id, None, 1, {("t", 0): (5, "")}) == Code.NONE
        assert group.leave(one.member_id, None) == Code.NONE
        assert group.leave(one.member_id, None) == Code.UNKNOWN_MEMBER_ID
        assert (group.state, group.offsets) == (State.EMPTY, {("t", 0): (5, "")})
        assert group.commit("", None, -1, {("t", 0): (6, "")}) == Code.NONE

    run(test())


def test_only_members_of_this_generation_may_commit_while_there_are_members() -> None:
    async def test() -> None:
        group = Group()
        (one,) = await joined(group, wish())
        assert group.commit(one.member_id, None, 0, {("t", 0): (5, "")}) == Code.ILLEGAL_GENERATION
        assert group.commit("other", None, 1, {("t", 0): (5, "")}) == Code.UNKNOWN_MEMBER_ID
        assert group.commit("", None, -1, {("t", 0): (5, "")}) == Code.UNKNOWN_MEMBER_ID
        assert group.offsets == {}

    run(test())


def test_a_static_member_comes_back_to_its_place_and_its_old_self_is_fenced() -> None:
    async def test() -> None:
        group = Group()
        (old,) = await joined(group, wish(instance_id="a"))
        new = await group.join(wish(instance_id="a"))
        assert (new.generation, new.leader) == (old.generation, new.member_id)
        assert group.heartbeat(old.member_id, "a", 1) == Code.FENCED_INSTANCE_ID
        assert group.heartbeat(new.member_id, "a", 1) == Code.NONE
        synced = await group.sync(new.member_id, "a", 1, {})
        assert synced.assignment == old.member_id.encode()
        assert (await group.join(wish(old.member_id, instance_id="a"))).code == Code.FENCED_INSTANCE_ID

    run(test())


def test_a_protocol_that_not_all_speak_is_not_chosen() -> None:
    async def test() -> None:
        group = Group()
        one = asyncio.create_task(group.join(wish(sticky=b"", range=b"")))
        two = asyncio.create_task(group.join(wish(roundrobin=b"", range=b"")))
        assert {(await one).protocol, (await two).protocol} == {"range"}
        assert (await group.join(wish(other=b""))).code == Code.INCONSISTENT_GROUP_PROTOCOL

    run(test())


def test_a_leader_that_dies_before_it_assigns_holds_nobody_up() -> None:
    async def test() -> None:
        group = Group()
        answers = await asyncio.gather(group.join(wish(session_s=0.05)), group.join(wish(session_s=0.05)))
        follower = next(answer for answer in answers if answer.member_id != answer.leader)
        waiting = asyncio.create_task(group.sync(follower.member_id, None, 1, {}))
        await asyncio.sleep(0.1)
        group.expire()
        assert (await waiting).code == Code.REBALANCE_IN_PROGRESS
        assert (await group.join(wish(follower.member_id))).leader == follower.member_id

    run(test())
