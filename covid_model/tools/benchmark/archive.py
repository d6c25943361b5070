"""Rows on the command score: a large archive whose run is killed twice, its scores, and its growth with processes.

Each step runs the command in a process of its own, as a user does, and can be stopped and started again.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from covid_model import config, imaging
from covid_model.data import dataset, samples
from covid_model.tools.benchmark.timing import Row

FILMS = 10_000
BASES = 300  # real films that they are made from
BAD_EVERY = 100  # every hundredth file is bad
KILL_WORKER, KILL_DRIVER = 0.3, 0.6  # shares of the archive after which each is killed
POLL_SECONDS = 1.0
COMPARED = 50  # films whose scores are compared with those of `predict`
SMALL, LARGE = 40, 240  # films of the two runs whose difference gives the speed
ROUNDS = 2  # of each speed
SAME = 1e-4  # the most that a score may differ from that of `predict`
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100

Measured = tuple[list[Row], dict[str, Any]]


# --- The archive ---


def make(folder: Path, data: dataset.Dataset | None, count: int = FILMS) -> dict[str, bool]:
    """Write `count` files into `folder`, except those that are there; return whether each, by its path, is a film.

    The films are copies of a few hundred with a little change of brightness, place and compression, each another. They
    are test films of `data`, or the films of the repository without it.
    """
    bases, listed = _bases(data), {}
    for number in range(count):
        bad = number % BAD_EVERY == BAD_EVERY // 2
        name = f"{number // 500:02}/{number:05}.{'png' if number % 10 == 0 else 'jpg'}"
        listed[name] = not bad
        path = folder / name
        if path.is_file():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}")
        whole = _changed(_pixels(bases[number % len(bases)]), number, path.suffix)
        draft.write_bytes(_bad(whole, number // BAD_EVERY) if bad else whole)
        draft.replace(path)
    return listed


def _bases(data: dataset.Dataset | None) -> list[Path]:
    if data is None:
        return [sample.path for sample in samples.samples()]
    ids = list(data.split("test").index)
    return [data.path(ids[n]) for n in np.linspace(0, len(ids) - 1, min(BASES, len(ids))).astype(int)]


@functools.lru_cache(maxsize=BASES)
def _pixels(path: Path) -> np.ndarray:
    """Return a film, longer side at most 512."""
    pixels = imaging.read(path).pixels
    scale = min(1.0, 512 / max(pixels.shape))
    return cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else pixels


def _changed(pixels: np.ndarray, seed: int, ending: str) -> bytes:
    """Return a film as a file, a little darker or brighter and moved by a few pixels."""
    rng = np.random.default_rng(seed)
    tones = np.rint(255 * np.linspace(0, 1, 256) ** rng.uniform(0.9, 1.1)).astype(np.uint8)
    moved = np.float32([[1, 0, rng.uniform(-4, 4)], [0, 1, rng.uniform(-4, 4)]])
    pixels = cv2.warpAffine(tones[pixels], moved, pixels.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(85, 96))] if ending == ".jpg" else []
    return cv2.imencode(ending, pixels, quality)[1].tobytes()


def _bad(whole: bytes, kind: int) -> bytes:
    """Return a file that must be refused: in turn cut short, empty, a text, a GIF's start, a film too small."""
    small = cv2.imencode(".png", np.arange(1600, dtype=np.uint8).reshape(40, 40))[1].tobytes()
    return (whole[: len(whole) // 2], b"", b"not an X-ray", b"GIF89a" + bytes(64), small)[kind % 5]


# --- The command, as a process ---


def command(folder: Path, to: Path, network: str, *options: str) -> list[str]:
    """Return the command that scores `folder` with processes of one thread."""
    start = [sys.executable, "-m", "covid_model", "score", str(folder), "--to", str(to), "--network", network]
    return [*start, "--threads", "1", *options]


def rows_so_far(to: Path) -> int:
    """Return how many rows the parts beside `to` have."""
    return sum(map(_rows, to.with_name(to.name + ".parts").glob("*.parquet")))


@functools.cache
def _rows(part: Path) -> int:
    with contextlib.suppress(OSError):  # joined meanwhile
        return pq.read_metadata(part).num_rows
    return 0


def scorers(pid: int) -> list[int]:
    """Return the processes below `pid` that score, by /proc; none on a system without it."""
    parents, scoring = {}, []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if b"Scorer" in (path / "cmdline").read_bytes().split(b"\0")[0]:
                scoring.append(int(path.name))
    return [child for child in scoring if pid in _ancestors(child, parents)]


def _ancestors(pid: int, parents: dict[int, int]) -> Iterator[int]:
    while pid in parents:
        pid = parents[pid]
        yield pid


def _usage(pid: int) -> dict[str, float]:
    """Return a process' peak memory, the file-mapped part of its memory (MB), and its processor seconds."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    megabytes = {key: int(status[name].split()[0]) / 1024 for key, name in (("peak", "VmHWM"), ("mapped", "RssFile"))}
    return megabytes | {"seconds": (int(times[11]) + int(times[12])) / TICKS}


# --- Step "run": killed twice, nothing lost, nothing twice ---


def run_rows(
    network: str,
    data: dataset.Dataset | None,
    work: Path,
    count: int = FILMS,
    options: Sequence[str] = ("--fast", "--actors", "1"),
) -> Measured:
    """Score an archive of `count` files with one process, which is killed once, as the command is; compare the rows.

    What has happened is kept in `work`, so that a run that was stopped goes on.
    """
    work.mkdir(parents=True, exist_ok=True)
    listed = make(work / "films", data, count)
    _rows.cache_clear()
    to, kept = work / "results.parquet", work / "run.json"
    state = json.loads(kept.read_text()) if kept.is_file() else {"starts": 0, "killed": [], "seconds": 0.0, "usage": {}}
    while not to.is_file():
        state["starts"] += 1
        _watched(command(work / "films", to, network, *options), to, count, state, kept)
    size = statistics.mean((work / "films" / name).stat().st_size for name in listed)
    rows, record = judged(pd.read_parquet(to), listed, state)
    return rows, record | {"mean_kb": round(size / 1000)}


def _watched(line: Sequence[str], to: Path, count: int, state: dict[str, Any], kept: Path) -> None:
    """Run the command until it ends or is killed, and note in `state`, kept in a file, what happened.

    Raises RuntimeError if it fails by itself.
    """
    started, before, halted = time.monotonic(), state["seconds"], False
    with subprocess.Popen(
        line, cwd=config.ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as driver:
        try:
            while driver.poll() is None and not halted:
                time.sleep(POLL_SECONDS)
                children = scorers(os.getpid())  # also those of a cluster that a test has started
                for child in children:
                    with contextlib.suppress(OSError, KeyError):
                        state["usage"][f"{state['starts']}-{child}"] = _usage(child)
                share = rows_so_far(to) / count
                if "worker" not in state["killed"] and share >= KILL_WORKER and children:
                    os.kill(children[0], 9)
                    state["killed"].append("worker")
                if "driver" not in state["killed"] and share >= KILL_DRIVER:
                    halted = True
                    state["killed"].append("driver")
                state["seconds"] = before + time.monotonic() - started
                kept.write_text(json.dumps(state))
        finally:
            driver.kill() if halted else driver.terminate()
        message = driver.stderr.read()
    if driver.returncode and not halted:
        raise RuntimeError(f"score ended with {driver.returncode}: {message[-2000:]}")


def judged(rows: pd.DataFrame, listed: dict[str, bool], state: dict[str, Any]) -> Measured:
    """Compare the rows with the files of the archive, and sum up the run.

    Args:
        rows: of the Parquet file.
        listed: whether each file, by its path, is a film.
        state: of the run: starts, what was killed, seconds, usage by process.
    """
    expected, paths = set(listed), rows["path"]
    refused = set(paths[rows["score"].isna()])
    usage = list(state["usage"].values())
    worked = sum(process["seconds"] for process in usage)
    largest = max(usage, key=lambda process: process["peak"], default=None)
    record = {
        "files": len(expected),
        "bad": sum(not good for good in listed.values()),
        "lost": len(expected - set(paths)),
        "twice": int(paths.duplicated().sum()),
        "unknown": len(set(paths) - expected),
        "bad_scored": len({path for path in expected if not listed[path]} - refused),
        "good_refused": len({path for path in refused & expected if listed[path]}),
        "killed": state["killed"],
        "starts": state["starts"],
        "seconds": round(state["seconds"], 1),
        "processor_seconds": round(worked, 1),
        "processor_seconds_per_film": round(worked / len(expected), 4),
        "replica_mb": round(largest["peak"]) if largest else None,
        "replica_mapped_mb": round(largest["mapped"]) if largest else None,
    }
    killed = (
        "; killed on the way: " + " and ".join(f"the {name}" for name in state["killed"]) if state["killed"] else ""
    )
    told = f"of {len(expected):,}, {record['bad']:,} of them bad{killed}"
    measured = [
        Row("Files of an archive that have no row", record["lost"], "files", most=0, detail=told),
        Row("Files of an archive that have two rows", record["twice"], "files", most=0, detail=told),
        Row(
            "Bad files with a score, and X-rays refused",
            record["bad_scored"] + record["good_refused"],
            "files",
            most=0,
            detail=told,
        ),
        Row(
            "Memory of a process that scores an archive",
            record["replica_mb"],
            "MB",
            most=1000,
            detail=f"of these {record['replica_mapped_mb']} MB are memory-mapped libraries" if largest else "",
            note="" if largest else "not available on this operating system",
        ),
        Row(
            "Processor time per file of an archive, start of the processes included",
            record["processor_seconds_per_film"],
            "s",
            detail=f"one process of one thread, {record['starts']} starts",
        ),
    ]
    return measured, record


# --- Step "equal": the scores of `predict` ---


def equal_rows(network: str, data: dataset.Dataset | None, work: Path, count: int = COMPARED) -> Measured:
    """Score films with `score` and with `predict`; compare."""
    folder, to = work / f"equal-{count}", work / "equal.parquet"
    listed = make(folder, data, count)
    to.unlink(missing_ok=True)
    subprocess.run(command(folder, to, network, "--actors", "1"), cwd=config.ROOT, check=True, capture_output=True)
    line = [sys.executable, "-m", "covid_model", "predict", *listed, "--network", network, "--json"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(config.ROOT), os.environ.get("PYTHONPATH", "")])}
    single = json.loads(subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True).stdout)
    rows = pd.read_parquet(to).set_index("path").loc[list(listed)]
    scores = np.array([entry["score"] for entry in single], float)  # nan for a refused file, in both
    off = np.abs(rows["score"].to_numpy(float) - scores)
    largest = float(np.nanmax(off))
    others = int((np.isnan(rows["score"].to_numpy(float)) != np.isnan(scores)).sum())
    others += sum(
        list(row["warnings"]) != entry["warnings"] or bool(row["out_of_distribution"]) != entry["out_of_distribution"]
        for (_, row), entry in zip(rows.iterrows(), single, strict=True)
    )
    told = f"{len(listed)} files"
    measured = [
        Row(
            "Largest difference between a score in an archive and that of predict", largest, "", most=SAME, detail=told
        ),
        Row("Warnings and refusals in an archive that differ from those of predict", others, "", most=0, detail=told),
    ]
    return measured, {"files": len(listed), "largest": largest, "others": others}


# --- Step "speed": two processes against one ---


def speed_rows(network: str, data: dataset.Dataset | None, work: Path) -> Measured:
    """Time one process of one thread and two of them, in turn. Needs a machine that does nothing else."""
    folders = {size: work / f"speed-{size}" for size in (SMALL, LARGE)}
    for size, folder in folders.items():
        make(folder, data, size)
    rates: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(ROUNDS):
        for actors in rates:
            seconds = [_timed(folders[size], work / "speed.parquet", network, actors) for size in (SMALL, LARGE)]
            rates[actors].append((LARGE - SMALL) / (seconds[1] - seconds[0]))
    one, two = (statistics.median(values) for values in rates.values())
    told = f"{one:.2f} and {two:.2f} X-rays per second"
    measured = [
        Row(
            "X-rays per second with two processes of one thread, relative to one",
            two / one,
            least=1.8,
            detail=told,
            note=f"From the difference between {SMALL} and {LARGE} X-rays, so that the start does not count.",
        )
    ]
    return measured, {"films_per_second": {str(actors): values for actors, values in rates.items()}}


def _timed(folder: Path, to: Path, network: str, actors: int) -> float:
    to.unlink(missing_ok=True)
    shutil.rmtree(to.with_name(to.name + ".parts"), ignore_errors=True)
    started = time.perf_counter()
    line = command(folder, to, network, "--fast", "--actors", str(actors))
    subprocess.run(line, cwd=config.ROOT, check=True, capture_output=True)
    return time.perf_counter() - started


STEPS: dict[str, Callable[[str, dataset.Dataset | None, Path], Measured]] = {
    "run": run_rows,
    "equal": equal_rows,
    "speed": speed_rows,
}
