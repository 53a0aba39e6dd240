"""An HTTP server on loopback whose answers a test writes down, and which writes down what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Said:
    """One answer. `cut`: only so many bytes of the body are sent, and the connection ends."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    raw: bytes | None = None

    @property
    def content(self) -> bytes:
        return self.raw if self.raw is not None else json.dumps(self.body).encode()


Answering = Callable[[str, dict[str, str]], Said]


class Interface:
    """Answers with `answering(path, query)`, or with what stands in `first` as long as there is any."""

    def __init__(self) -> None:
        self.answering: Answering = lambda path, query: Said([])
        self.first: list[Said] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.headers: list[dict[str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.handle_error = lambda *given: None  # type: ignore[method-assign]  # who asked may be gone
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = dict(parse_qsl(parts.query))
                outer.asked.append((parts.path, query))
                outer.headers.append(dict(self.headers))
                said = outer.first.pop(0) if outer.first else outer.answering(parts.path, query)
                self.send_response(said.status)
                for name, value in {"Content-Length": str(len(said.content)), **said.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(said.content[: said.cut])
                self.close_connection = self.close_connection or said.cut is not None

            def log_message(self, *given: Any) -> None:
                pass

        return Handler
