"""Templates: where every value is escaped, whoever wrote it."""

from __future__ import annotations

from hashlib import blake2b
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from monitor.page import asked, say
from monitor.page.bars import bin_name
from monitor.page.performance import nothing
from monitor.page.table import Cell
from monitor.page.view import View
from monitor.version import VERSION

KINDS = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


def environment() -> Environment:
    """Make the environment of the templates; an unknown name in one is an error."""
    made = Environment(
        loader=PackageLoader("monitor.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "iso": say.iso,
        "stamp": say.stamp,
        "number": say.number,
        "percent": say.percent,
        "age": say.age,
        "bin_name": bin_name,
    }
    made.tests["cell"] = lambda value: isinstance(value, Cell)
    made.globals |= {"version": VERSION, "link": asked.link, "assets": fingerprint(), "nothing": nothing}
    return made


def static_files() -> dict[str, tuple[bytes, str]]:
    """Give the files that never change while the program runs, with their types."""
    folder = files("monitor.page") / "static"
    return {
        each.name: (each.read_bytes(), KINDS[each.name.rpartition(".")[2]])
        for each in folder.iterdir()
        if each.name.rpartition(".")[2] in KINDS
    }


def fingerprint() -> str:
    """Name the static files' state: browsers keep them until it changes."""
    digest = blake2b(digest_size=6)
    for name, (body, _) in sorted(static_files().items()):
        digest.update(name.encode() + body)
    return digest.hexdigest()


def write(templates: Environment, view: View, here: str) -> str:
    """Write a view; ``here`` is the address without its query's ``csv``."""
    values = {**view.values, "tables": view.tables, "title": view.title, "model": view.model, "here": here}
    return templates.get_template(view.template).render(values)
