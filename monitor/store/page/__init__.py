"""What the page asks of the database: few queries, all bounded, none of which can write."""

from __future__ import annotations

from monitor.store.page.reader import Look, PageReader, open_reader

__all__ = ["Look", "PageReader", "open_reader"]
