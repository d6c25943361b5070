"""Rows on the running demo: start, pages, first score, sliders, changes of page, the playground, memory."""

from __future__ import annotations

import contextlib
import gc
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
from covid_model.tools.benchmark.timing import FILM, Row, missing
from covid_model.tools.headless_client import HeadlessClient
from covid_model.training import playground
from covid_model.training.playground import training_rows

PATIENCE = 180.0  # seconds for a server to start on a busy machine
STARTS = 3  # servers started, for a median
READINGS = 100  # after which memory is judged
PAGES = ("about", "results", "browse", "how_it_works", "train_it_yourself", "")
FIRST_SCORE = (
    "Besides the import, Keras builds the network, its weights are checked and converted to float32, two functions "
    "are traced, and the X-ray is scored. The import starts once the first page has been drawn."
)
PAUSE = 0.5  # seconds in which the server clears up after a session, before the next one comes
MOVES = 5  # of a slider, and rounds through the pages


@contextlib.contextmanager
def served() -> Iterator[tuple[str, subprocess.Popen]]:
    """Run the demo on a free local port; yield its address and process without waiting; kill it afterwards."""
    gc.collect()
    gc.freeze()  # or collections among TensorFlow's objects in this process, the client's, count as the server's time
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
    """Return a client with its first page, once the server responds. Raises RuntimeError after PATIENCE seconds."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with contextlib.suppress(requests.RequestException):
            visitor = HeadlessClient(address, PATIENCE)
            visitor.open()
            return visitor
        time.sleep(0.02)
    raise RuntimeError(f"The demo did not start within {PATIENCE:.0f} s.")


def rows() -> tuple[list[Row], dict]:
    """Measure; return all rows and the record behind them."""
    data = samples.sample(FILM).path.read_bytes()
    page_seconds, score_seconds, import_seconds = [], [], []
    for _ in range(STARTS):
        import_seconds.append(_tensorflow())
        started = time.perf_counter()
        with served() as (address, _), first_page(address) as visitor:
            page_seconds.append(time.perf_counter() - started)
            visitor.upload("first.jpg", data + bytes(1))  # no prediction of it is stored
            score_seconds.append(time.perf_counter() - started)
            if visitor.page.score is None:
                raise RuntimeError(f"The demo gave no score: {visitor.page.alerts}")
    with served() as (address, process), first_page(address) as visitor:
        scores = {visitor.upload(f"film-{n}.jpg", data + bytes(n + 1)).score for n in range(READINGS)}
        memory = resident(process.pid)
        moved, changed = _moves(visitor), _changes(visitor)
    imported = statistics.median(import_seconds)
    over = statistics.median([score - imported for score, imported in zip(score_seconds, import_seconds, strict=True)])
    once = "The network did not run again: the session caches its predictions."
    measured = [
        Row("Start of the process to the first page", statistics.median(page_seconds), "s", most=2.0),
        Row(
            "Start of the process to the first score, without the import of TensorFlow",
            over,
            "s",
            most=3.0,
            detail=f"{statistics.median(score_seconds):.1f} s, TensorFlow's import {imported:.1f} s",
            note=FIRST_SCORE,
        ),
        Row(
            "Moving a slider with an X-ray on the page, server side",
            1000 * statistics.median(moved),
            "ms",
            most=100,
            detail=f"longest of {len(moved)}: {1000 * max(moved):.0f} ms",
            note=once,
        ),
        Row(
            "Changing the page, server side",
            1000 * statistics.median([value for values in changed.values() for value in values]),
            "ms",
            most=100,
            detail=", ".join(
                f"{name or 'try_an_xray'} {1000 * statistics.median(s):.0f} ms" for name, s in changed.items()
            ),
            note="Second and later visits of each page. " + once,
        ),
        _memory_row(memory),
    ]
    if len(scores) != 1:
        raise RuntimeError(f"One film got several scores: {scores}")
    return measured, {"start_seconds": page_seconds, "score_seconds": score_seconds, "import_seconds": import_seconds}


def _memory_row(memory: tuple[float, float] | None) -> Row:
    title = f"Memory of the server after {READINGS} predictions"
    if memory is None:
        return missing(title, "not available on this operating system")
    detail = f"of these {memory[1]:.0f} MB are memory-mapped libraries"
    return Row(title, memory[0], "MB", most=900, detail=detail)


def resident(pid: int) -> tuple[float, float] | None:
    """Return a process' resident memory and its file-mapped part, in MB; None if /proc has neither."""
    try:
        lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        return tuple(int(lines[name].split()[0]) / 1024 for name in ("VmRSS", "RssFile"))
    except (OSError, KeyError, ValueError):
        return None


def _tensorflow() -> float:
    """Return the seconds to import TensorFlow in a new process."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import tensorflow"], check=True, capture_output=True, timeout=PATIENCE)
    return time.perf_counter() - started


def _moves(visitor: HeadlessClient) -> list[float]:
    return [visitor.move("threshold", 0.3 + 0.05 * n).seconds for n in range(MOVES)]


def _changes(visitor: HeadlessClient) -> dict[str, list[float]]:
    """Return the seconds of each page's visits, without the first, which loads the page's data."""
    for page in PAGES:
        visitor.open(page)
    measured: dict[str, list[float]] = {page: [] for page in PAGES}
    for _ in range(MOVES):
        for page in PAGES:
            measured[page].append(visitor.open(page).seconds)
    return measured


# --- Pages that work on all X-rays at once ---

RUNS = 3  # runs in the playground, and rounds through the filters
EVERYTHING = playground.Recipe(adults="all")  # the paper's training films and all adults, 10 epochs
FILTERS = (  # of the page Browse X-rays, as in its URL
    {"order": "Most wrong first"},
    {"verdict": "False positives"},
    {"truth": "COVID-19"},
    {"sheet": "40"},
    {"network": "paper", "threshold": "0.4"},
)


def page_rows() -> tuple[list[Row], dict]:
    """Measure; return all rows and the record behind them."""
    store = playground.load()
    runs = [list(playground.train(store, EVERYTHING))[-1].seconds for _ in range(RUNS)]
    with served() as (address, _), first_page(address) as visitor:  # who stays: without anybody, scripts are forgotten
        visitor.upload("first.jpg", samples.sample(FILM).path.read_bytes())  # so TensorFlow is not imported meanwhile
        picked = [_seconds(address, picks) for _ in range(RUNS + 1) for picks in ({}, *FILTERS)][1 + len(FILTERS) :]
    measured = [
        Row(
            f"Training a head live: {EVERYTHING.epochs} epochs on all X-rays",
            statistics.median(runs),
            "s",
            most=5.0,
            detail=f"{len(training_rows(store.films, EVERYTHING)):,} X-rays",
            note="Each epoch also scores the test set and the adults-only set, with intervals.",
        ),
        Row(
            "Filtering, sorting or paging through all X-rays, server side",
            1000 * statistics.median(picked),
            "ms",
            most=100,
            detail=f"longest of {len(picked)}: {1000 * max(picked):.0f} ms",
            note="Each in a new session, half a second after the last; its first run draws the whole page.",
        ),
    ]
    return measured, {"lab_seconds": runs, "gallery_seconds": picked}


def _seconds(address: str, picks: dict[str, str]) -> float:
    """Return the seconds to draw the page of all films with these filters in a new session, after PAUSE."""
    time.sleep(PAUSE)
    with HeadlessClient(address) as visitor:
        return visitor.open("browse", set="All", **picks).seconds
