"""What a challenger is and what it learns from: two states of equal terms can go on where the other ended."""

from __future__ import annotations

import hashlib
import re
from importlib.metadata import version
from pathlib import Path

import msgspec

_LONGEST_NAME = 60


class Terms(msgspec.Struct, frozen=True):
    """The settings that a learned state depends on. ``features`` are names and kinds."""

    model: str
    base: str
    rule: str
    seed: int
    classes: tuple[str, ...]
    features: tuple[tuple[str, str], ...]
    river: str

    def misfit(self, wanted: Terms) -> str:
        """Say what is otherwise than wanted, for the log; empty when nothing is."""
        named = {"river": "river's version"}
        parts = []
        for name in self.__struct_fields__:
            mine, theirs = getattr(self, name), getattr(wanted, name)
            if mine != theirs:
                is_long = isinstance(mine, tuple)
                values = "are others" if is_long else f"was {mine}, is {theirs} now"
                parts.append(f"{named.get(name, name)} {values}")
        return ", ".join(parts)


def river_version() -> str:
    """Give the installed river's version: another one may not read what this one has learned."""
    return version("river")


def state_path(state_dir: Path, model: str) -> Path:
    """Give the file that a model's challenger keeps its state in."""
    return state_dir / f"challenger-{_slug(model)}.state"


def _slug(model: str) -> str:
    """Make a model's name fit for files; one that has to be changed gets a hash, so that no two are equal."""
    plain = re.sub(r"[^a-z0-9_-]+", "-", model.lower())[:_LONGEST_NAME].strip("-")
    if plain == model:
        return plain
    digest = hashlib.blake2b(model.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return f"{plain}-{digest}" if plain else digest
