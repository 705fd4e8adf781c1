"""Messages as an attacker, a broken producer or an old library would write them; each from a seed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random

FIELDS = ("id", "ts", "model", "features", "prediction", "score", "label")
FEATURES = (
    "age", "rooms", "country", "zone", "owner", "'; DROP TABLE x; --", 'a"b\\c', "<b>&amp;", "",
    "\xe4\u0301",
)  # fmt: skip
"""The features of the fuzzed layouts (see `worlds`), some with names that no sane person chooses."""

_NUMBERS = (
    "0", "-0", "-0.0", "1", "-1", "7", "41.5", "2.5", "1e400", "-1e400", "1e-400", "1e308",
    "-1e308", "5e-324", "0.1e1", "9007199254740993", "1E+2", "9223372036854775807",
    "9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616",
    "99999999999999999999999999", "NaN", "Infinity", "-Infinity",
)  # fmt: skip
_LITERALS = ("null", "true", "false", "[]", "{}", '""', '" "')
_NO_JSON = (
    "nan", "inf", "007", "+1", ".5", "1.", "0x10", "1_000", "1e", "1e+", "-", "--1", "1.0.0",
    "True", "None", "undefined", "nul", "'x'", "[1,]", "{,}", '"',
)  # fmt: skip
_TEXTS = (
    "DE", "FR", "N/A", "true", "1", "NaN", "null", "\\u0000", "\\u0000missing", "\\u0000bad type",
    "\\ud83d\\ude00", "\\u202e\\u2066", "\\u001b[31mred\\u001b[0m", "\\r\\nlevel=error", "\\n",
    "\\t", "\\b\\f\\/", "\u202ecod", "\u200b", "\ufeff", "\U0001f600", "\x7f", "\x85", "\u2028",
    "\uffff", "<script>alert(1)</script>", "[bold red]x[/]", "[link=file:///]",
    "'; DROP TABLE windows; --", "{{7*7}}", "${PATH}", "%s%n", "{0}", "../../etc/passwd",
    "<!channel>", "=1+1",
)  # fmt: skip
_ODD_TEXTS = (
    "\\ud800", "\\udc00\\ud800", "\\uD834", "\\udfff", "\\x41", "\\", "\\u12", "\\u00zz", "\x1b[2J",
    "\x00", "\n", "\t", "\ud800",
)  # fmt: skip
_TIMES = (
    "1767225600000", "1767225600", "1767225600.25", "1767225600000000", "1767225600000000000", "0",
    "-1", "-0.0", "1e18", "-1e18", "1e400", "NaN", "99999999999999999999", "253402300799999",
    "-62135596800000", "1e11", "1e14", "1e17", "9223372036854775807", "-9223372036854775808",
    '"2026-01-01T00:00:00Z"', '"2026-01-01"', '"2026-01-01 00:00:00+05:45"',
    '"0000-01-01T00:00:00Z"', '"0001-01-01T00:00:00+14:00"', '"1970-01-01T00:00:00"',
    '"9999-12-31T23:59:59.999999Z"', '"9999-12-31T23:59:59-23:59"', '"2016-12-31T23:59:60Z"',
    '"2026-02-29T00:00:00Z"', '"2026-W01-1"', '"20260101T000000Z"', '"2026-01-01T24:00:00Z"',
    '"2026-01-01T00:00:00.123456789Z"', '"2026-01-01T00:00:00+24:00"', '"+12026-01-01T00:00:00Z"',
    '"NaT"', '"now"', '"today"', '"2026-01-01T00:00:0\u0660Z"', '"1e9999999999"',
    '" 2026-01-01T00:00:00Z"', '"2026-01-01T00:00:00\\u0000Z"', '"-001-01-01T00:00:00Z"',
    '"2026-01-01T00:00:00\\ud800"', '"NaT0000000000000000Z"', '"9223372036854775807"',
    '"2026-01-01T00:00:00ZZ"', "null", "true", '""', "[1]", "{}",
)  # fmt: skip
_BROKEN = (
    b"\xff",
    b"\xfe\xff",
    b"\xc0\xaf",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xe2\x82",
    b"\x00",
    b"\x80",
)
_FRAMES = (b"\xef\xbb\xbf", b"\r\n", b" \t\n", b"\x0b", b"\x1e", b"\xc2\xa0", b"\x00")
_TRAILS = (b"\r\n", b"\n{}", b",", b"}", b"\x00", b" garbage", b"\x1a", b"//", b"\n\n\n")


def message(rng: Random) -> bytes | None:
    """Give one payload: mostly JSON that resembles a row, some of it damaged; rarely anything at all."""
    kind = rng.random()
    if kind < 0.01:
        return None
    if kind < 0.03:
        return rng.randbytes(rng.randrange(40))
    if kind < 0.05:
        return value(rng, 0).encode("utf-8", "surrogatepass")
    payload = _row(rng).encode("utf-8", "surrogatepass")
    return _damaged(rng, payload) if kind < 0.2 else payload


def key(rng: Random) -> bytes | None:
    """Give a message's key."""
    return rng.choice((None, b"", b"k1", b"\xff\x00", b"k" * 500, rng.randbytes(4)))


def timestamp(rng: Random) -> int:
    """Give the time that the broker recorded."""
    return rng.choice((-1, 0, 1_767_225_600_000, 253_402_300_800_000, 2**63 - 1, rng.randrange(2**41)))


def value(rng: Random, depth: int) -> str:
    """Give any value, as JSON text that need not be valid."""
    make = rng.choices(_VALUES, _WEIGHTS)[0]
    return make(rng, depth)


def number(rng: Random, _: int = 0) -> str:
    """Give a number, or what somebody took for one."""
    kind = rng.random()
    if kind < 0.6:
        return rng.choice(_NUMBERS)
    if kind < 0.9:
        return repr(rng.gauss(40.0, 10.0))
    return rng.choice("-123456789") + "9" * rng.choice((17, 30, 308, 400, 4_299, 4_301, 9_000))


def text(rng: Random, _: int = 0) -> str:
    """Give a string in its quotes."""
    parts = [rng.choice(_TEXTS) for _ in range(rng.choice((0, 1, 1, 1, 2, 3)))]
    if rng.random() < 0.03:
        parts.append(rng.choice(_ODD_TEXTS))
    if rng.random() < 0.01:
        parts.append("x" * rng.choice((199, 200, 201, 5_000)))
    if rng.random() < 0.1:
        parts.append(str(rng.randrange(10**6)))  # categories without end
    return '"' + "".join(parts) + '"'


def time(rng: Random) -> str:
    """Give a moment at an edge, or a plain one."""
    kind = rng.random()
    if kind < 0.3:
        return rng.choice(_TIMES)
    if kind < 0.6:
        return str(1_767_225_600_000 + rng.randrange(4 * 3_600_000))
    written = list(f"2026-01-01T0{rng.randrange(4)}:00:00.{rng.randrange(1000):03}Z")
    if kind < 0.8:
        written[rng.randrange(len(written))] = rng.choice("0123456789-+:.TZ ,_a")
    return f'"{"".join(written)}"'


def _literal(rng: Random, _: int) -> str:
    return rng.choice(_NO_JSON if rng.random() < 0.03 else _LITERALS)


def _array(rng: Random, depth: int) -> str:
    if depth > 3:
        return "[]"
    if rng.random() < 0.02:
        return "[" + ",".join(["1"] * rng.choice((100, 2_000))) + "]"
    return "[" + ",".join(value(rng, depth + 1) for _ in range(rng.randrange(4))) + "]"


def _object(rng: Random, depth: int) -> str:
    if depth > 3:
        return "{}"
    return _braced((_name(rng), value(rng, depth + 1)) for _ in range(rng.randrange(5)))


def _deep(rng: Random, _: int) -> str:
    levels = rng.choice((10, 500, 990, 1_030, 5_000))
    opening, closing = rng.choice((("[", "]"), ('{"a":', "}"), ('[{"":', "}]")))
    return opening * levels + "1" + closing * (levels if rng.random() < 0.8 else levels - 1)


_VALUES: Sequence[Callable[[Random, int], str]] = (number, text, _literal, _array, _object, _deep)
_WEIGHTS = (35, 35, 12, 8, 9, 0.3)


def _row(rng: Random) -> str:
    """Write what a model would have logged, each field in its place, left out, doubled or odd."""
    names = [name for name in FIELDS for _ in range(rng.choices((0, 1, 2), (8, 90, 2))[0])]
    pairs = [(name, _field(rng, name)) for name in names]
    pairs += [(_name(rng), value(rng, 1)) for _ in range(rng.choice((0, 0, 0, 1, 2)))]
    if rng.random() < 0.2:
        rng.shuffle(pairs)
    return _braced((_spelt(rng, name), told) for name, told in pairs)


def _field(rng: Random, name: str) -> str:
    if rng.random() < 0.1:
        return value(rng, 1)
    if name == "features":
        return _features(rng)
    if name == "ts":
        return time(rng)
    if name == "model":
        return rng.choices(('"loans"', '"cars"', "null"), (95, 4, 1))[0]
    return text(rng) if name in {"id", "label", "prediction"} else number(rng)


def _features(rng: Random) -> str:
    odd = rng.random() < 0.5
    pairs = []
    for name in FEATURES:
        if rng.random() < 0.95:
            told = value(rng, 2) if odd and rng.random() < 0.2 else _plain(rng, name)
            pairs.append((_spelt(rng, json.dumps(name, ensure_ascii=False)[1:-1]), told))
    if rng.random() < 0.1:
        pairs.append((_name(rng), value(rng, 2)))
    return _braced(pairs)


def _plain(rng: Random, name: str) -> str:
    if name == "age":
        return str(round(rng.gauss(40.0, 10.0), 2))
    if name in {"rooms", "zone"}:
        return str(rng.randrange(5))
    return rng.choice(("true", "false")) if name == "owner" else rng.choice(('"DE"', '"FR"', '"PT"'))


def _name(rng: Random) -> str:
    """Give a key: one of ours, one of theirs, or one of no sense at all."""
    return rng.choice(
        (rng.choice(FIELDS), "age", "", "__proto__", "a.b", "$key", "o0", "v0", text(rng)[1:-1])
    )


def _spelt(rng: Random, name: str) -> str:
    r"""Give the same key, at times in escapes: "age" is "\u0061ge" too."""
    if name and name.isalnum() and rng.random() < 0.02:
        return f"\\u{ord(name[0]):04x}{name[1:]}"
    return name


def _braced(pairs: object) -> str:
    return "{" + ",".join(f'"{name}":{told}' for name, told in pairs) + "}"  # type: ignore[attr-defined]


def _damaged(rng: Random, payload: bytes) -> bytes:
    """Break the bytes somewhere."""
    at = rng.randrange(len(payload) + 1)
    encoding = rng.choice(("utf-16", "utf-16-le", "utf-32", "utf-7"))
    damages = (
        payload[:at],
        payload[:at] + rng.choice(_BROKEN) + payload[at:],
        rng.choice(_FRAMES) + payload,
        payload + rng.choice(_TRAILS),
        payload[:at] + bytes([rng.randrange(256)]) + payload[at + 1 :],
        payload.decode("utf-8", "replace").encode(encoding),
        payload.replace(b" ", b"\r\n").replace(b",", b"\r\n,\t"),
        payload[:at] + payload[at // 2 : at] + payload[at:],
    )
    return rng.choice(damages)
