"""Sample what a server process uses (memory, threads, open files) every half second while visitors come."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np

EVERY = 0.5  # seconds between two looks
MB = 2**20


def usage(pid: int) -> dict[str, float]:
    """Resident memory in MB (the part of it that is mapped files, too), threads and open files of a process."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {
        "memory_mb": round(int(lines["VmRSS"].split()[0]) * 1024 / MB, 1),
        "mapped_files_mb": round(int(lines["RssFile"].split()[0]) * 1024 / MB, 1),
        "threads": int(lines["Threads"]),
        "files": sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()),
    }


def memory_mb(pid: int) -> float:
    """Resident memory of a process in MB."""
    return usage(pid)["memory_mb"]


def tree_mb(pid: int) -> float:
    """Memory in MB of a process and all that it started; what several of them share counts once."""
    return round(sum(map(_proportional_mb, _tree(pid))), 1)


def _tree(pid: int) -> list[int]:
    """Return a process and its descendants."""
    parents = {}
    for path in Path("/proc").iterdir():
        if path.name.isdecimal():
            try:
                parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:  # it has ended
                continue
    tree = [pid]
    for parent in tree:
        tree += [child for child, other in parents.items() if other == parent]
    return tree


def _proportional_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024 / MB


class Watch(threading.Thread):
    """Looks at the memory of a process until it is stopped. `readings` tells how many films were read so far."""

    def __init__(self, pid: int, readings: Callable[[], int], memory: Callable[[int], float] = memory_mb):
        super().__init__(name="watch", daemon=True)
        self.pid, self.readings, self.memory = pid, readings, memory
        self.rows: list[tuple[int, float]] = []  # readings so far, memory in MB
        self._stop_it = threading.Event()

    def run(self) -> None:
        while not self._stop_it.wait(EVERY):
            self.rows.append((self.readings(), self.memory(self.pid)))

    def __enter__(self) -> Watch:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_it.set()
        self.join()

    @property
    def peak(self) -> float:
        """The most memory, in MB."""
        return max((memory for _, memory in self.rows), default=0.0)

    def growth(self, warm: int) -> float | None:
        """MB that memory grows by in 1,000 readings: a line through all looks after the first `warm` readings."""
        count, memory = np.array([row for row in self.rows if row[0] >= warm], float).reshape(-1, 2).T
        if len(count) < 3 or np.ptp(count) == 0:
            return None
        return round(float(1000 * np.polyfit(count, memory, 1)[0]), 1)
