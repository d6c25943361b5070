"""Reclaim what a loaded network costs besides its weights: pages of libraries, and the garbage collector's time.

Loading TensorFlow runs thousands of initializers, spread over about 500 MB of code and constants; predictions need a
small part of these pages. They are clean copies of a file: once dropped from the process, they are mapped again from
the file if needed, at the cost of a few page faults. Linux only; elsewhere nothing happens.

Streamlit collects garbage after every run of a page. With TensorFlow in memory the collector traverses 400,000
permanent objects, a third of a second in which all sessions wait: `rest` excludes them.

Freed memory is returned to the system too: glibc would keep it, in a heap for nearly every thread.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import re
from pathlib import Path

LIBRARIES = "libtensorflow"  # prefix of the libraries' names
DONT_NEED = 4  # MADV_DONTNEED of <sys/mman.h>
ARENA_MAX, ARENAS = -8, 2  # M_ARENA_MAX of <malloc.h>, and the number of heaps allowed: one per core
MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \S+\s+(\S.*)")


def give_back(maps: Path = Path("/proc/self/smaps")) -> int:
    """Drop the read-only pages of TensorFlow's libraries; return the number of bytes, 0 if that is impossible."""
    try:
        ranges = _clean(maps.read_text())
        advise = ctypes.CDLL(None, use_errno=True).madvise
    except (OSError, AttributeError):
        return 0
    dropped = 0
    for start, end, resident in ranges:
        if advise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), DONT_NEED) == 0:
            dropped += resident
    return dropped


def rest() -> None:
    """Exclude all current objects from garbage collection. Called once a network is loaded."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    _trim()


def sweep() -> None:
    """Collect garbage among the objects that `rest` excluded too, when a session has ended. No effect before `rest`."""
    if gc.get_freeze_count():
        rest()


def _trim() -> None:
    """Limit glibc's heaps and return their free memory to the system; no effect without glibc."""
    with contextlib.suppress(AttributeError, OSError, TypeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(ARENA_MAX, ARENAS)
        libc.malloc_trim(0)


def _clean(smaps: str) -> list[tuple[int, int, int]]:
    """Return start, end and resident bytes of each mapping that may be dropped: of LIBRARIES, read-only, unmodified.

    A mapping with a modified page (relocations) is no longer a copy of its file and is kept.
    """
    mappings: list[tuple[int, int, int]] = []
    start = end = resident = 0
    droppable = False
    for line in smaps.splitlines():
        if mapping := MAPPING.fullmatch(line):
            start, end = int(mapping[1], 16), int(mapping[2], 16)
            droppable = "w" not in mapping[3] and Path(mapping[4]).name.startswith(LIBRARIES)
        elif line.startswith("Rss:"):
            resident = 1024 * int(line.split()[1])
        elif line.startswith("Anonymous:"):
            if droppable and line.split()[1] == "0":
                mappings.append((start, end, resident))
            droppable = False  # a mapping without a name may follow
    return mappings
