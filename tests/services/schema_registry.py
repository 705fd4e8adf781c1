"""A schema registry over HTTP, as small as tests need it: schemas by id, GUID, and subject with version."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID


@dataclass
class SchemaRegistry:
    """What it knows by place; ``asked`` are the places that were asked for, ``failing`` its status if ill."""

    url: str = ""
    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    failing: int | None = None

    def add(
        self,
        schema_id: int,
        schema: str,
        kind: str = "AVRO",
        references: list[dict[str, Any]] | None = None,
        *,
        subject: str = "",
    ) -> UUID:
        """Keep a schema; give its GUID."""
        told: dict[str, Any] = {"schema": schema, "id": schema_id, "guid": str(UUID(int=schema_id << 64))}
        if kind != "AVRO":  # registries leave it out
            told["schemaType"] = kind
        if references:
            told["references"] = references
        guid = UUID(told["guid"])
        self.known |= {f"/schemas/ids/{schema_id}": told, f"/schemas/guids/{guid}": told}
        if subject:
            self.known[f"/subjects/{subject}/versions/1"] = told | {"subject": subject, "version": 1}
        return guid

    def answer(self, path: str) -> tuple[int, Any]:
        self.asked.append(path)
        if self.failing is not None:
            return self.failing, {"error_code": self.failing, "message": "ill"}
        if path in self.known:
            return 200, self.known[path]
        return 404, {"error_code": 40403, "message": "Schema not found"}


@contextmanager
def running() -> Iterator[SchemaRegistry]:
    registry = SchemaRegistry()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, told = registry.answer(urlsplit(self.path).path)
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    registry.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
