"""Memory and open files of a process, as Linux counts them (getrusage's peak includes the parent's)."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def _status(name: str, process: int | str = "self") -> float:
    """Return a line of /proc/PID/status, in megabytes."""
    return int(Path(f"/proc/{process}/status").read_text().split(f"{name}:")[1].split()[0]) / 1024


def resident(process: int | str = "self") -> float:
    """Return the megabytes that a process has in memory now."""
    return _status("VmRSS", process)


def peak(process: int | str = "self") -> float:
    """Return the most megabytes that a process has had in memory since its start or `reset_peak`."""
    return _status("VmHWM", process)


def reset_peak() -> float:
    """Reset this process's peak to its current memory, where the system allows it, and return that."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return peak()


def open_files(process: int) -> list[str]:
    """Return the targets of a process's file handles."""
    result = []
    for handle in Path(f"/proc/{process}/fd").iterdir():
        try:
            result.append(os.readlink(handle))
        except OSError:  # closed in between
            continue
    return result
