"""The runs of a load test, each against its own servers on the loopback address."""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from covid_model import config
from covid_model.tools.headless_client import HeadlessClient
from tests.browser import demo
from tests.load import films
from tests.load.visits import Session, Tally, read
from tests.load.watch import Watch, tree_mb, usage

WARM = 0.25  # share of a run's readings before its memory is judged
FEWEST = 300  # readings from which a run can tell what 1,000 would do to memory
KEPT = 150  # seconds after which Streamlit has dropped a session that was closed (it keeps them for two minutes)
LIMIT_MB, GROWTH_MB = 1024, 50  # server's memory throughout; in 1,000 readings
START = 120  # seconds that a server may take to start on a busy machine
APPS = 2  # that share a prediction service
SPARE_THREADS, SPARE_FILES = 6, 6  # of the web server's and TensorFlow's pools, which come and go


def alone(address: str, pool: list[bytes]) -> list[tuple[bytes, float]]:
    """The score that one visitor alone gets for each film: what all others are held to."""
    tally, result = Tally(), []
    with HeadlessClient(address, patience=600) as visitor:
        visitor.open()
        for number, data in enumerate(pool):
            record = read(visitor, f"alone-{number}.png", data, tally)
            if record is None:
                raise RuntimeError(f"The single visitor got no score: {tally.failures}")
            result.append((data, record["score"]))
    return result


def steady(sessions: int, readings: int, pool: int, service: bool = False) -> dict[str, Any]:
    """`sessions` visitors read `readings` films between them, each his own share, one after the other."""
    each = readings // sessions

    def visits(addresses: list[str], scored: list, tally: Tally) -> None:
        crowd = [
            Session(
                _app(addresses, number),
                number,
                [(7 * number + count) % pool for count in range(each)],
                scored,
                tally,
            )
            for number in range(sessions)
        ]
        _all(crowd)

    return _run(visits, pool, {"sessions": sessions, "wanted": each * sessions}, service=service)


def at_once(sessions: int, pool: int, service: bool = False) -> dict[str, Any]:
    """`sessions` visitors each upload one film at the same moment."""

    def visits(addresses: list[str], scored: list, tally: Tally) -> None:
        line = threading.Barrier(sessions)
        _all(
            [
                Session(_app(addresses, number), number, [number % pool], scored, tally, start=line)
                for number in range(sessions)
            ]
        )

    return _run(visits, pool, {"sessions": sessions, "wanted": sessions}, service=service)


def soak(minutes: float, sessions: int, pool: int, patient: bool = True) -> dict[str, Any]:
    """Visitors come and go for `minutes`, `sessions` at a time: one file in ten bad, one in five leaves early.

    `patient`: wait at the end until Streamlit has dropped the sessions that were closed.
    """
    rng = np.random.default_rng(0)
    told = {"minutes": minutes, "sessions_at_a_time": sessions, "visitors": 0, "wanted": 0}

    def visits(addresses: list[str], scored: list, tally: Tally) -> None:
        end, here = time.monotonic() + 60 * minutes, []
        while time.monotonic() < end:
            here = [item for item in here if item.is_alive()]
            while len(here) < sessions:
                number = told["visitors"]
                order = [int(film) for film in rng.permutation(pool)[:9]]
                here.append(Session(_app(addresses, number), number, order, scored, tally, 9, leaves=number % 5 == 4))
                here[-1].start()
                told["visitors"] += 1
                told["wanted"] += len(order)
            time.sleep(0.05)
        for item in here:
            item.join()

    return _run(visits, pool, told, patient)


def _app(addresses: list[str], visitor: int) -> str:
    return addresses[visitor % len(addresses)]


def _all(crowd: list[Session]) -> None:
    for item in crowd:
        item.start()
    for item in crowd:
        item.join()


@contextlib.contextmanager
def service_served() -> Iterator[tuple[str, subprocess.Popen]]:
    """Run the prediction service on a free port of this machine; gives its address and its process."""
    demo.BUILD.mkdir(exist_ok=True)
    port, log = demo.free_port(), demo.BUILD / f"load-service-{os.getpid()}.log"
    with demo.started(["covid_model", "serve", "--port", str(port)], port, "health", log, START, ending=60) as service:
        yield service


@contextlib.contextmanager
def _servers(service: bool) -> Iterator[tuple[list[tuple[str, int]], int | None]]:
    """Run one app, or two with a service; gives the address and process of each, and that of the service."""
    with contextlib.ExitStack() as stack:
        if not service:
            address, process = stack.enter_context(demo.served(START, log="load"))
            yield [(address, process.pid)], None
            return
        address, shared = stack.enter_context(service_served())
        environment = os.environ | {config.SERVE_VARIABLE: address}
        apps = [stack.enter_context(demo.served(START, f"load-{number}", environment)) for number in range(APPS)]
        yield [(address, process.pid) for address, process in apps], shared.pid


def _run(visits, pool: int, told: dict[str, Any], patient: bool = True, service: bool = False) -> dict[str, Any]:
    """Serve, read the pool alone, let the visitors come, wait until all is as before; what was found."""
    with _servers(service) as (apps, shared):
        pid = apps[0][1]
        scored = alone(apps[0][0], films.pool(pool))
        rest, tally = usage(pid), Tally()
        started = time.perf_counter()
        with contextlib.ExitStack() as stack:
            watches = [stack.enter_context(Watch(each, lambda: tally.readings)) for _, each in apps]
            whole = stack.enter_context(Watch(shared, lambda: tally.readings, tree_mb)) if shared else None
            visits([address for address, _ in apps], scored, tally)
        seconds = time.perf_counter() - started
        after = _settled(pid, rest) if patient else usage(pid)
    watch = watches[0]
    result = {
        **told,
        "readings": tally.readings,
        "different_films": pool,
        "refused": tally.refused,
        "left_in_the_middle": tally.left,
        "told_to_wait": tally.waited,
        "largest_difference": tally.off,
        "failures": tally.failures,
        "seconds": round(seconds, 1),
        "readings_a_second": round(tally.readings / seconds, 2),
        "seconds_a_film": {
            "median": round(statistics.median(tally.seconds), 2) if tally.seconds else None,
            "longest": round(max(tally.seconds, default=0.0), 2),
        },
        "peak_mb": max(each.peak for each in watches),
        "growth_mb_in_1000": watch.growth(int(WARM * tally.readings)) if tally.readings >= FEWEST else None,
        "before": rest,
        "after": after,
    }
    if whole is not None:
        result |= {"apps": len(watches), "service_peak_mb": whole.peak}
    result["held"] = held(result)
    return result


def _settled(pid: int, rest: dict[str, float]) -> dict[str, float]:
    """What the server takes up once it has dropped the sessions that were closed (app/runtime/memory.py), or after
    KEPT s."""
    end = time.monotonic() + KEPT
    while True:
        time.sleep(1)
        now = usage(pid)
        back = now["threads"] <= rest["threads"] and now["files"] <= rest["files"]
        if back or time.monotonic() > end:
            return now


def held(result: dict[str, Any]) -> dict[str, bool | None]:
    """What a load test asks for, and whether this run held it; None where it was too short to tell."""
    before, after, growth = result["before"], result["after"], result["growth_mb_in_1000"]
    return {
        "no failure, every score its own visitor's and within 1e-4": not result["failures"],
        "every film read": result["readings"] >= result["wanted"],
        f"memory grows by less than {GROWTH_MB} MB in 1,000 readings": None if growth is None else growth < GROWTH_MB,
        f"memory under {LIMIT_MB} MB throughout": result["peak_mb"] < LIMIT_MB,
        "threads back": after["threads"] <= before["threads"] + SPARE_THREADS,
        "files back": after["files"] <= before["files"] + SPARE_FILES,
    }
