"""The demo as a visitor meets it: from the start of its process to the first page and score, and what it takes up."""

from __future__ import annotations

import contextlib
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import requests

from covid_model import config
from covid_model.data import samples
from covid_model.tools.benchmark.row import Row, missing
from covid_model.tools.benchmark.subject import FILM
from covid_model.tools.headless_client import HeadlessClient

PATIENCE = 180.0  # seconds for a server to start on a busy machine
STARTS = 3  # servers started, for a median
READINGS = 100  # after which memory is judged
PAGES = ("about", "results", "browse", "how_it_works", "train_it_yourself", "")
FIRST_SCORE = (
    "Beyond the import Keras builds the network, 40 MB of weights are checked and turned to float32, two functions are "
    "traced, and the film is read. The import itself begins when a film comes: the first page does without."
)
MOVES = 5  # of a slider, and rounds through the pages


@contextlib.contextmanager
def served() -> Iterator[tuple[str, subprocess.Popen]]:
    """The demo on a free port of this machine: its address and process, at once; it is ended afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.headless", "true"]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=config.ROOT, **quiet) as process:
        try:
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.kill()


def first_page(address: str) -> HeadlessClient:
    """A visitor whose first page is drawn, as soon as the server can. Raises RuntimeError where none comes."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with contextlib.suppress(requests.RequestException):
            visitor = HeadlessClient(address, PATIENCE)
            visitor.open()
            return visitor
        time.sleep(0.02)
    raise RuntimeError(f"The demo did not start within {PATIENCE:.0f} s.")


def rows() -> tuple[list[Row], dict]:
    """Starts, pages, sliders, memory."""
    data = samples.sample(FILM).path.read_bytes()
    page_seconds, score_seconds, import_seconds = [], [], []
    for _ in range(STARTS):
        import_seconds.append(_tensorflow())
        started = time.perf_counter()
        with served() as (address, _), first_page(address) as visitor:
            page_seconds.append(time.perf_counter() - started)
            visitor.upload("first.jpg", data)
            score_seconds.append(time.perf_counter() - started)
            if visitor.page.score is None:
                raise RuntimeError(f"The demo gave no score: {visitor.page.alerts}")
    with served() as (address, process), first_page(address) as visitor:
        scores = {visitor.upload(f"film-{n}.jpg", data + bytes(n + 1)).score for n in range(READINGS)}
        memory = resident(process.pid)
        moved, changed = _moves(visitor), _changes(visitor)
    imported = statistics.median(import_seconds)
    over = statistics.median([one - other for one, other in zip(score_seconds, import_seconds, strict=True)])
    once = "The network did not run again: the session keeps what it has read."
    found = [
        Row("From the start of the process to the first page", statistics.median(page_seconds), "s", most=2.0),
        Row(
            "From the start of the process to the first score, beyond TensorFlow's import",
            over,
            "s",
            most=3.0,
            detail=f"{statistics.median(score_seconds):.1f} s, TensorFlow's import {imported:.1f} s",
            note=FIRST_SCORE,
        ),
        Row(
            "A slider's move, server side, with a film on the page",
            1000 * statistics.median(moved),
            "ms",
            most=100,
            detail=f"longest of {len(moved)}: {1000 * max(moved):.0f} ms",
            note=once,
        ),
        Row(
            "A change of page, server side",
            1000 * statistics.median([s for one in changed.values() for s in one]),
            "ms",
            most=100,
            detail=", ".join(f"{name or 'read'} {1000 * statistics.median(s):.0f} ms" for name, s in changed.items()),
            note="Each page's second and later visits. " + once,
        ),
        _memory_row(memory),
    ]
    if len(scores) != 1:
        raise RuntimeError(f"One film got several scores: {scores}")
    return found, {"start_seconds": page_seconds, "score_seconds": score_seconds, "import_seconds": import_seconds}


def _memory_row(memory: tuple[float, float] | None) -> Row:
    what = f"Memory of the server after {READINGS} readings"
    if memory is None:
        return missing(what, "this machine does not tell what a process has in memory")
    detail = f"of these {memory[1]:.0f} MB are pages of libraries on disk"
    return Row(what, memory[0], "MB", most=900, detail=detail)


def resident(pid: int) -> tuple[float, float] | None:
    """A process' resident memory, and the part of it that is mapped from files, in MB; None where nobody tells."""
    try:
        lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        return tuple(int(lines[name].split()[0]) / 1024 for name in ("VmRSS", "RssFile"))
    except (OSError, KeyError, ValueError):
        return None


def _tensorflow() -> float:
    """Seconds that a process takes to import TensorFlow and nothing else."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import tensorflow"], check=True, capture_output=True, timeout=PATIENCE)
    return time.perf_counter() - started


def _moves(visitor: HeadlessClient) -> list[float]:
    return [visitor.move("threshold", 0.3 + 0.05 * n).seconds for n in range(MOVES)]


def _changes(visitor: HeadlessClient) -> dict[str, list[float]]:
    """Seconds of each page's visits, the first ones left out: they load what the page needs."""
    for page in PAGES:
        visitor.open(page)
    found: dict[str, list[float]] = {page: [] for page in PAGES}
    for _ in range(MOVES):
        for page in PAGES:
            found[page].append(visitor.open(page).seconds)
    return found
