"""The runs of a load test, each against its own server on the loopback address."""

from __future__ import annotations

import statistics
import threading
import time
from typing import Any

import numpy as np

from covid_model.tools.headless_client import HeadlessClient
from tests.browser import demo
from tests.load import films
from tests.load.visits import Session, Tally, read
from tests.load.watch import Watch, usage

WARM = 0.25  # share of a run's readings before its memory is judged
FEWEST = 300  # readings from which a run can tell what 1,000 would do to memory
KEPT = 150  # seconds after which Streamlit has dropped a session that was closed (it keeps them for two minutes)
LIMIT_MB, GROWTH_MB = 1024, 50  # server's memory throughout; in 1,000 readings
START = 120  # seconds that a server may take to start on a busy machine
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


def steady(sessions: int, readings: int, pool: int) -> dict[str, Any]:
    """`sessions` visitors read `readings` films between them, each his own share, one after the other."""
    each = readings // sessions

    def visits(address: str, scored: list, tally: Tally) -> None:
        crowd = [
            Session(address, number, [(7 * number + count) % pool for count in range(each)], scored, tally)
            for number in range(sessions)
        ]
        _all(crowd)

    return _run(visits, pool, {"sessions": sessions, "wanted": each * sessions})


def at_once(sessions: int, pool: int) -> dict[str, Any]:
    """`sessions` visitors each upload one film at the same moment."""

    def visits(address: str, scored: list, tally: Tally) -> None:
        line = threading.Barrier(sessions)
        _all([Session(address, number, [number % pool], scored, tally, start=line) for number in range(sessions)])

    return _run(visits, pool, {"sessions": sessions, "wanted": sessions})


def soak(minutes: float, sessions: int, pool: int, patient: bool = True) -> dict[str, Any]:
    """Visitors come and go for `minutes`, `sessions` at a time: one file in ten bad, one in five leaves early.

    `patient`: wait at the end until Streamlit has dropped the sessions that were closed.
    """
    rng = np.random.default_rng(0)
    told = {"minutes": minutes, "sessions_at_a_time": sessions, "visitors": 0, "wanted": 0}

    def visits(address: str, scored: list, tally: Tally) -> None:
        end, here = time.monotonic() + 60 * minutes, []
        while time.monotonic() < end:
            here = [item for item in here if item.is_alive()]
            while len(here) < sessions:
                number = told["visitors"]
                order = [int(film) for film in rng.permutation(pool)[:9]]
                here.append(Session(address, number, order, scored, tally, 9, leaves=number % 5 == 4))
                here[-1].start()
                told["visitors"] += 1
                told["wanted"] += len(order)
            time.sleep(0.05)
        for item in here:
            item.join()

    return _run(visits, pool, told, patient)


def _all(crowd: list[Session]) -> None:
    for item in crowd:
        item.start()
    for item in crowd:
        item.join()


def _run(visits, pool: int, told: dict[str, Any], patient: bool = True) -> dict[str, Any]:
    """Serve, read the pool alone, let the visitors come, wait until all is as before; what was found."""
    with demo.served(START, log="load") as (address, process):
        scored = alone(address, films.pool(pool))
        rest, tally = usage(process.pid), Tally()
        started = time.perf_counter()
        with Watch(process.pid, lambda: tally.readings) as watch:
            visits(address, scored, tally)
        seconds = time.perf_counter() - started
        after = _settled(process.pid, rest) if patient else usage(process.pid)
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
        "peak_mb": watch.peak,
        "growth_mb_in_1000": watch.growth(int(WARM * tally.readings)) if tally.readings >= FEWEST else None,
        "before": rest,
        "after": after,
    }
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
