"""How the demo looks: headings, commands, tables and messages, at most 80 columns wide."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from rich.box import ROUNDED
from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

WIDTH = 80
_INDENT = 2


class Terminal:
    """Standard output for people; progress bars on standard error, and only on a terminal."""

    def __init__(self) -> None:
        detected = Console(file=sys.stdout).width
        self._out = Console(file=sys.stdout, highlight=False, width=min(detected, WIDTH))

    @property
    def width(self) -> int:
        return self._out.width

    def heading(self, words: str) -> None:
        self._out.print()
        self._out.print(Text(words, style="bold"))
        self._out.print(Text("─" * len(words), style="dim"))

    def subheading(self, words: str) -> None:
        self._out.print()
        self._out.print(Text(words, style="bold"))

    def say(self, words: str) -> None:
        """Print a paragraph, wrapped."""
        for paragraph in words.splitlines():
            self._out.print(Text("\n".join(_wrapped(paragraph, self.width))))

    def command(self, line: str) -> None:
        """Show a command as one would type it."""
        self._out.print(Text(f"$ {line}", style="cyan"))

    def block(self, text: str, style: str = "dim") -> None:
        """Show text as it is, indented."""
        self._out.print(Text(textwrap.indent(text.rstrip(), " " * _INDENT), style=style))

    def message(self, title: str, text: str) -> None:
        """Show a message in a frame."""
        inside = "\n".join(
            line for paragraph in text.strip().splitlines() for line in _wrapped(paragraph, self.width - 4)
        )
        body = Text.assemble((title, "bold"), "\n\n", inside)
        self._out.print(Panel(body, box=ROUNDED, border_style="dim", width=self.width))

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Show a table, its last column wrapped when it is too long; figures to the right."""
        cells = [tuple(row) for row in rows]
        table = Table(
            box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0), show_header=any(columns)
        )
        for at, column in enumerate(columns):
            is_figures = bool(cells) and all(row[at].replace(".", "", 1).isdigit() for row in cells)
            table.add_column(column, justify="right" if is_figures else "left", overflow="fold")
        for row in cells:
            table.add_row(*map(Text, row))
        self._out.print(table)


@contextmanager
def progress(words: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show how much is done; the function it gives takes what has been added."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True, width=WIDTH), transient=True) as bar:
        task = bar.add_task(words, total=total)
        yield lambda added: bar.advance(task, added)


def _wrapped(line: str, width: int) -> list[str]:
    """Break a line at spaces; what follows a bullet stays under its beginning."""
    hanging = " " * 2 if line.lstrip().startswith(("•", "-", "*")) else ""
    return textwrap.wrap(line, width, subsequent_indent=hanging, break_long_words=False) or [""]
