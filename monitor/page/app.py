"""The page's addresses, and what becomes of a request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from urllib.parse import urlencode

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from monitor.clock import Clock
from monitor.config import Config
from monitor.errors import Recoverable
from monitor.log import logger
from monitor.page.alerts import alerts
from monitor.page.asked import Asked, NotHereError
from monitor.page.desk import Desk, Shelf
from monitor.page.feature import feature
from monitor.page.model import model
from monitor.page.overview import overview
from monitor.page.performance import performance
from monitor.page.table import to_csv
from monitor.page.view import View
from monitor.page.writing import environment, static_files, write
from monitor.store.page import PageReader

_log = logger(__name__)
AT_ONCE = 2
"""Answers that are made at once: the service beside them goes first."""
Make = Callable[[Desk, Asked], View]
Endpoint = Callable[[Request], Awaitable[Response]]
VIEWS: dict[str, Make] = {
    "": overview,
    "model": model,
    "feature": feature,
    "performance": performance,
    "alerts": alerts,
}


class Pages:
    """Makes answers. ``config`` is the configuration that holds; it may be replaced at any time."""

    def __init__(self, reader: PageReader, config: Config, clock: Clock) -> None:
        self.config = config
        self._reader = reader
        self._clock = clock
        self._shelf = Shelf()
        self._templates = environment()

    def answer(self, make: Make, path: str, query: dict[str, str]) -> Response:
        """Make an answer; whatever is wrong becomes a page that says so."""
        try:
            asked = Asked.of(query)
            with self._reader.look() as look:
                view = make(Desk(look, self.config, self._clock.now(), self._shelf), asked)
            return self._table(view, asked.csv) if asked.csv else self._page(view, path, query)
        except NotHereError as error:
            return self.error(404, "Not here", str(error))
        except Recoverable as error:
            return self.error(503, "The database is away", str(error))
        except Exception:  # noqa: BLE001  # one page must not take others with it
            _log.exception("a page could not be made", path=path)
            return self.error(500, "This page could not be made", "the service's log says why")

    def _page(self, view: View, path: str, query: dict[str, str]) -> Response:
        rest = urlencode({key: value for key, value in query.items() if key != "csv"})
        now = self._clock.now()
        view = View(view.title, view.template, {**view.values, "now": now}, view.tables, view.model)
        return _html(200, write(self._templates, view, f"{path}?{rest}&csv="))

    def _table(self, view: View, name: str) -> Response:
        if name not in view.tables:
            raise NotHereError(f"there is no such table here; there are {', '.join(view.tables)}")
        headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
        return Response(to_csv(view.tables[name]), 200, headers, "text/csv; charset=utf-8")

    def error(self, status: int, title: str, text: str) -> Response:
        view = View(title, "error.html", {"text": text, "now": self._clock.now()})
        return _html(status, write(self._templates, view, ""))


def application(pages: Pages) -> Starlette:
    """Put the page together, without its guard."""
    return Starlette(
        routes=[
            *(Route(f"/{path}", _endpoint(pages, path, make)) for path, make in VIEWS.items()),
            Route("/static/{name}", _static(static_files())),
        ],
        middleware=[Middleware(GZipMiddleware, minimum_size=2_000, compresslevel=4)],
        exception_handlers={404: _nowhere(pages)},
    )


def _endpoint(pages: Pages, path: str, make: Make) -> Endpoint:
    limiters: list[CapacityLimiter] = []  # made where the loop runs

    async def answer(request: Request) -> Response:
        if not limiters:
            limiters.append(CapacityLimiter(AT_ONCE))
        query = dict(request.query_params)
        return await run_sync(partial(pages.answer, make, path, query), limiter=limiters[0])

    return answer


def _static(files: Mapping[str, tuple[bytes, str]]) -> Endpoint:
    async def static(request: Request) -> Response:
        found = files.get(request.path_params["name"])
        if found is None:
            return PlainTextResponse("no such file\n", 404)
        return Response(found[0], 200, {"Cache-Control": "max-age=86400"}, found[1])

    return static


def _nowhere(pages: Pages) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def nowhere(_: Request, __: Exception) -> Response:
        return pages.error(404, "Not here", "there is no such page")

    return nowhere


def _html(status: int, text: str) -> Response:
    return Response(text, status, None, "text/html; charset=utf-8")
