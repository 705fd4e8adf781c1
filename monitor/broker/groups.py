"""Consumer groups: who belongs, who leads, which generation, and the offsets committed.

The classic group protocol: members join, the broker waits until all known ones
have, names a leader, the leader's assignment is handed out by sync. All
methods run on the broker's event loop and never see the wire format.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping

from monitor.broker.codes import Code
from monitor.broker.members import Joined, Member, State, Synced, Wish, answer

SETTLE_S = 0.05  # an empty group waits this long for members that start together


class Group:
    """One group's round and its committed offsets."""

    def __init__(self) -> None:
        self.state = State.EMPTY
        self.generation = 0
        self.offsets: dict[tuple[str, int], tuple[int, str]] = {}
        self._members: dict[str, Member] = {}
        self._promised: dict[str, float] = {}  # ids given out, and until when they are good
        self._leader = ""
        self._protocol = ""
        self._is_settled = True
        self._deadline: asyncio.TimerHandle | None = None

    async def join(self, wish: Wish) -> Joined:
        """Wait until the round is complete; a member that changed nothing is told the present one at once."""
        if self._members and not self._common(wish.protocols):
            return Joined(Code.INCONSISTENT_GROUP_PROTOCOL, wish.member_id)
        is_back = wish.instance_id is not None and not wish.member_id and self._holder(wish) is not None
        member = self._admit(wish)
        if isinstance(member, Joined):
            return member
        is_unchanged = member.protocols == wish.protocols
        member.protocols = wish.protocols
        member.session_s, member.rebalance_s = wish.session_s, wish.rebalance_s
        member.heard_s = now_s()
        may_stay = self.state == State.COMPLETING or (
            self.state == State.STABLE and (is_back or member.id != self._leader)
        )
        if is_unchanged and may_stay:
            return self._told(member)
        return await self._wait_for_round(member)

    async def sync(
        self, member_id: str, instance_id: str | None, generation: int, assignments: Mapping[str, bytes]
    ) -> Synced:
        """Take the leader's assignment, or wait for it."""
        if code := self._refusal(member_id, instance_id, generation):
            return Synced(code)
        if self.state == State.PREPARING:
            return Synced(Code.REBALANCE_IN_PROGRESS)
        member = self._members[member_id]
        member.heard_s = now_s()
        if self.state == State.COMPLETING and member_id == self._leader:
            self._hand_out(assignments)
        if self.state == State.STABLE:
            return Synced(Code.NONE, member.assignment)
        member.syncing = asyncio.get_running_loop().create_future()
        return await member.syncing

    def heartbeat(self, member_id: str, instance_id: str | None, generation: int) -> Code:
        if code := self._refusal(member_id, instance_id, generation):
            return code
        self._members[member_id].heard_s = now_s()
        return Code.REBALANCE_IN_PROGRESS if self.state == State.PREPARING else Code.NONE

    def leave(self, member_id: str, instance_id: str | None) -> Code:
        """Remove a member by its id, or by its instance id alone."""
        if not member_id and instance_id:
            member_id = next((m.id for m in self._members.values() if m.instance_id == instance_id), "")
        if member_id not in self._members:
            return Code.UNKNOWN_MEMBER_ID
        self._remove(member_id)
        return Code.NONE

    def commit(
        self,
        member_id: str,
        instance_id: str | None,
        generation: int,
        offsets: Mapping[tuple[str, int], tuple[int, str]],
    ) -> Code:
        """Keep offsets from a member of this generation, or from anyone while the group is empty."""
        is_outsider = generation < 0 and not member_id and not self._members
        if not is_outsider and (code := self._refusal(member_id, instance_id, generation)):
            return code
        if self.state == State.COMPLETING:
            return Code.REBALANCE_IN_PROGRESS
        self.offsets.update(offsets)
        return Code.NONE

    def expire(self) -> None:
        """Remove members whose session has passed in silence."""
        now = now_s()
        self._promised = {member_id: until for member_id, until in self._promised.items() if until > now}
        silent = [
            member.id
            for member in self._members.values()
            if member.joining is None and member.syncing is None and now - member.heard_s > member.session_s
        ]
        for member_id in silent:
            self._remove(member_id)

    def forget_members(self) -> None:
        """Be empty; offsets and generation stay."""
        for member_id in list(self._members):
            self._remove(member_id)

    def _admit(self, wish: Wish) -> Member | Joined:
        """Find or make the member, or give the answer that sends it back."""
        holder = self._holder(wish)
        if holder is not None and wish.member_id not in {"", holder.id}:
            return Joined(Code.FENCED_INSTANCE_ID, wish.member_id)
        if wish.member_id in self._members:
            return self._members[wish.member_id]
        if wish.member_id and self._promised.pop(wish.member_id, None) is None:
            return Joined(Code.UNKNOWN_MEMBER_ID, wish.member_id)
        member_id = wish.member_id or f"{wish.instance_id or wish.client_id}-{uuid.uuid4()}"
        if holder is not None:
            return self._rename(holder, member_id)
        if not wish.member_id and wish.instance_id is None and wish.knows_id_rule:
            self._promised[member_id] = now_s() + wish.session_s
            return Joined(Code.MEMBER_ID_REQUIRED, member_id)
        self._members[member_id] = Member(member_id, wish.instance_id, wish.client_id, now_s())
        return self._members[member_id]

    def _holder(self, wish: Wish) -> Member | None:
        """The member that has the wish's instance id now."""
        if wish.instance_id is None:
            return None
        return next((m for m in self._members.values() if m.instance_id == wish.instance_id), None)

    def _rename(self, member: Member, member_id: str) -> Member:
        """Let a static member that came back go on in its own place; whoever uses the old id is fenced."""
        del self._members[member.id]
        answer(member.joining, Joined(Code.FENCED_INSTANCE_ID, member.id))
        answer(member.syncing, Synced(Code.FENCED_INSTANCE_ID))
        member.joining = member.syncing = None
        if self._leader == member.id:
            self._leader = member_id
        member.id = member_id
        self._members[member_id] = member
        return member

    def _common(self, protocols: Mapping[str, bytes]) -> set[str]:
        return set(protocols).intersection(*(member.protocols for member in self._members.values()))

    def _refusal(self, member_id: str, instance_id: str | None, generation: int) -> Code:
        """Say why a member may not speak; `Code.NONE` is false."""
        if instance_id is not None and any(
            member.instance_id == instance_id and member.id != member_id for member in self._members.values()
        ):
            return Code.FENCED_INSTANCE_ID
        if member_id not in self._members:
            return Code.UNKNOWN_MEMBER_ID
        return Code.NONE if generation == self.generation else Code.ILLEGAL_GENERATION

    async def _wait_for_round(self, member: Member) -> Joined:
        answer(member.joining, Joined(Code.REBALANCE_IN_PROGRESS, member.id))
        member.joining = asyncio.get_running_loop().create_future()
        waiting = member.joining
        self._prepare()
        self._complete_if_all_joined()
        return await waiting

    def _prepare(self) -> None:
        """Begin a round: whoever waits in a sync joins again, whoever does not join in time is dropped."""
        if self.state == State.PREPARING:
            return
        loop = asyncio.get_running_loop()
        if self.state == State.EMPTY:
            self._is_settled = False
            loop.call_later(SETTLE_S, self._settle)
        self.state = State.PREPARING
        for member in self._members.values():
            if member.syncing is not None:
                member.heard_s = now_s()
            answer(member.syncing, Synced(Code.REBALANCE_IN_PROGRESS))
            member.syncing = None
        longest_s = max(member.rebalance_s for member in self._members.values())
        self._deadline = loop.call_later(longest_s, self._complete)

    def _settle(self) -> None:
        self._is_settled = True
        self._complete_if_all_joined()

    def _complete_if_all_joined(self) -> None:
        is_complete = all(member.joining is not None for member in self._members.values())
        if self.state == State.PREPARING and is_complete and self._is_settled:
            self._complete()

    def _complete(self) -> None:
        self._cancel_deadline()
        self._members = {m.id: m for m in self._members.values() if m.joining is not None}
        self.generation += 1
        self.state = State.COMPLETING if self._members else State.EMPTY
        if not self._members:
            return
        if self._leader not in self._members:
            self._leader = next(iter(self._members))
        wanted = self._members[self._leader].protocols
        common = self._common(wanted)
        self._protocol = next((name for name in wanted if name in common), "")
        for member in self._members.values():
            member.heard_s = now_s()
            answer(member.joining, self._told(member))
            member.joining = None

    def _told(self, member: Member) -> Joined:
        """The present round, as this member is to hear of it."""
        everyone = tuple(
            (m.id, m.instance_id, m.protocols.get(self._protocol, b"")) for m in self._members.values()
        )
        members = everyone if member.id == self._leader else ()
        return Joined(Code.NONE, member.id, self.generation, self._protocol, self._leader, members)

    def _hand_out(self, assignments: Mapping[str, bytes]) -> None:
        self.state = State.STABLE
        for member in self._members.values():
            member.assignment = assignments.get(member.id, b"")
            member.heard_s = now_s()
            answer(member.syncing, Synced(Code.NONE, member.assignment))
            member.syncing = None

    def _remove(self, member_id: str) -> None:
        member = self._members.pop(member_id)
        answer(member.joining, Joined(Code.UNKNOWN_MEMBER_ID, member_id))
        answer(member.syncing, Synced(Code.UNKNOWN_MEMBER_ID))
        if not self._members:
            self._cancel_deadline()
            self.state = State.EMPTY
            self.generation += 1
            return
        self._prepare()
        self._complete_if_all_joined()

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def now_s() -> float:
    """The event loop's clock."""
    return asyncio.get_running_loop().time()
