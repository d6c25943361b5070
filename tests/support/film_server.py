"""A server of this machine in the place of GitHub, which can misbehave, made-up films to serve, and a list of them."""

from __future__ import annotations

import io
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from covid_model.data.download import DownloadReport, Patience, download, sources, write_list
from covid_model.data.download.images import MANIFEST_COLUMNS

QUICK = Patience(retries=2, backoff=0.0, connect=2.0, read=0.3, film=1.0)


def run(to: Path, listing: Path, **options) -> DownloadReport:
    """Download with little patience and no progress bar."""
    return download(to, listing=listing, patience=QUICK, progress=False, **options)


# --- Made-up films and a list of them ------------------------------------------------------------------------


def drawn(width: int, height: int, seed: int = 0) -> np.ndarray:
    """A made-up film, (height, width) uint8: two dark fields on a bright ground, with noise."""
    y, x = np.mgrid[0:height, 0:width] / [[[height]], [[width]]]
    lungs = sum(np.exp(-(((x - center) / 0.15) ** 2) - ((y - 0.5) / 0.3) ** 2) for center in (0.3, 0.7))
    noise = np.random.default_rng(seed).normal(0, 6, (height, width))
    return np.uint8(np.clip(200 - 140 * lungs + noise, 0, 255))


def stored(pixels: np.ndarray, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def row(film_id: str, original_file: str, width: int = 600, height: int = 450, **other: object) -> dict[str, object]:
    """A row of a manifest."""
    source = film_id.split("-")[0]
    return {
        "id": film_id, "path": f"images/{source}/{film_id}.jpg", "lung_mask": "", "geographic_mean": "",
        "opacity_mean": "", "split": "train", "covid": 1, "source": source, "finding": "COVID-19",
        "patient": f"{source}-p", "view": "PA", "sex": "", "age": "55.0", "width": width, "height": height,
        "license": "CC BY 4.0", "url": "https://example.org/a,b", "doi": "", "original_file": original_file,
        "sha256": "0" * 64, "panel": "",
    } | other  # fmt: skip


@pytest.fixture
def listed(tmp_path):
    """Writes a list of films from rows and says where it is."""

    def write(*rows: dict[str, object]) -> Path:
        manifest, to = tmp_path / "rows.csv", tmp_path / "list.csv"
        pd.DataFrame(rows, columns=list(MANIFEST_COLUMNS)).to_csv(manifest, index=False)
        write_list(manifest, to)
        return to

    return write


# --- A server that can misbehave -----------------------------------------------------------------------------


class Server:
    """Serves `files` by the last part of the address. A value is content, or a list of what each request gets."""

    def __init__(self) -> None:
        self.files: dict[str, object] = {}
        self.asked: Counter[str] = Counter()
        self.paths: list[str] = []

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        name = handler.path.rsplit("/", 1)[-1]
        self.paths.append(handler.path)
        self.asked[name] += 1
        value = self.files.get(name, 404)
        if isinstance(value, list):
            value = value[min(self.asked[name], len(value)) - 1]
        if callable(value):
            value(handler)
        elif isinstance(value, int):
            handler.send_response(value)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
        else:
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(value)))
            handler.end_headers()
            handler.wfile.write(value)


def cut(content: bytes):
    """Promises all of `content`, sends half of it."""

    def send(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[: len(content) // 2])
        handler.close_connection = True

    return send


def silent(handler: BaseHTTPRequestHandler) -> None:
    """Says nothing for longer than anyone waits."""
    time.sleep(0.8)
    handler.close_connection = True


def trickling(handler: BaseHTTPRequestHandler) -> None:
    """A byte at a time, each within the time-out, without an end."""
    handler.send_response(200)
    handler.end_headers()
    trickle_on(handler)


def trickle_on(handler: BaseHTTPRequestHandler) -> None:
    try:
        for _ in range(100):
            handler.wfile.write(b"\x89")
            time.sleep(0.05)
    except OSError:
        pass
    handler.close_connection = True


def flooding(handler: BaseHTTPRequestHandler) -> None:
    """Megabytes without a Content-Length."""
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(40):
            handler.wfile.write(bytes(1 << 20))
    except OSError:
        pass
    handler.close_connection = True


@pytest.fixture
def server(monkeypatch):
    """A local server in the place of GitHub."""
    ours = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            ours.answer(self)

        def do_POST(self) -> None:
            self.body = self.rfile.read(int(self.headers["Content-Length"]))
            ours.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    ours.address = f"http://127.0.0.1:{http.server_port}"
    monkeypatch.setattr(sources, "GITHUB", ours.address)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield ours
    http.shutdown()
    http.server_close()
    thread.join()
