"""A prediction service in a thread, without Ray: it answers the app's requests as a test tells it to."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np

from covid_model.imaging import Film
from covid_model.model import tasks


@dataclass
class Request:
    """What the service was asked.

    Attributes:
        task, network, options: From the address.
        film: With the pixels only.
        token: As sent; None without one.
    """

    task: str
    network: str
    options: dict[str, Any]
    film: Film
    token: str | None


@dataclass
class StubService:
    """The service.

    Attributes:
        address: Where it listens.
        answer: Called with every request; returns its answer.
        lines: Sent before the answer, each a JSON object.
        refusal: Status and JSON object sent in place of an answer; None sends the answer.
        raw: Bytes sent after the lines in place of an answer; None sends the answer.
        requests: All so far.
        left: Set when an app has closed the connection early.
    """

    address: str = ""
    answer: Callable[[Request], Any] = lambda request: None
    lines: list[dict[str, Any]] = field(default_factory=list)
    refusal: tuple[int, dict[str, Any]] | None = None
    raw: bytes | None = None
    requests: list[Request] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)
    forever: bool = False  # repeat the lines until the app leaves


@contextlib.contextmanager
def served() -> Iterator[StubService]:
    """Run a service on a free port of this machine."""
    service = StubService()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            address = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(address.query).items()}
            pixels = tasks.film_from_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            request = Request(
                address.path.removeprefix("/tasks/"),
                query["network"],
                json.loads(query["options"]),
                Film(pixels, (), "PNG"),
                self.headers["Authorization"],
            )
            service.requests.append(request)
            try:
                self._answer(request, pixels)
            except OSError:
                service.left.set()

        def _answer(self, request: Request, pixels: np.ndarray) -> None:
            if service.refusal:
                status, content = service.refusal
                body = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                return
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            while True:
                for line in service.lines:
                    self._chunk(json.dumps(line).encode() + b"\n")
                if not service.forever or service.left.wait(0.01):
                    break
            if service.raw is None:
                content = tasks.encode(service.answer(request))
                head = {"bytes": len(content), "film": tasks.digest(pixels), "network": request.network}
                self._chunk(json.dumps(head).encode() + b"\n")
                self._chunk(content)
            elif service.raw:
                self._chunk(service.raw)
            self._chunk(b"")  # the end

        def _chunk(self, data: bytes) -> None:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

        def log_message(self, *_args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        service.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield service
        service.left.set()
        server.shutdown()
