"""What a loaded network costs beside its weights, taken back: pages of libraries, and the collector's time.

TensorFlow took memory only to start: the pages of its libraries that its import went through.
Loading the library runs thousands of its initialisers, spread all over some 500 MB of code and constants; reading films
needs a small part of that. Such pages are clean copies of a file: dropped from the process, they are mapped again from
the file where they are needed after all, so this costs nothing but a few page faults. On Linux; elsewhere nothing.

Streamlit collects garbage after every run of a page. With TensorFlow in memory the collector goes through 400,000
objects that never go, a third of a second in which no session moves: `rest` takes them out of its way.

What is freed goes back to the system too: glibc would keep it, in a heap for nearly every thread of every visitor.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import re
from pathlib import Path

LIBRARIES = "libtensorflow"  # what the names of the libraries begin with
DONT_NEED = 4  # MADV_DONTNEED of <sys/mman.h>
ARENA_MAX, ARENAS = -8, 2  # M_ARENA_MAX of <malloc.h>, and how many heaps there may be from now on: one a core
MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \S+\s+(\S.*)")


def give_back(maps: Path = Path("/proc/self/smaps")) -> int:
    """Drop the read-only pages of TensorFlow's libraries; how many bytes that concerned, 0 where it cannot be done."""
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
    """Let the garbage collector pass over all that is in memory now. To be called once a network is loaded."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    _trim()


def sweep() -> None:
    """Collect among what `rest` took out of the collector's way too: a visitor has left. Nothing before `rest`."""
    if gc.get_freeze_count():
        rest()


def _trim() -> None:
    """Let glibc keep few heaps, and give back what is free in them; nothing where there is no glibc."""
    with contextlib.suppress(AttributeError, OSError, TypeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(ARENA_MAX, ARENAS)
        libc.malloc_trim(0)


def _clean(smaps: str) -> list[tuple[int, int, int]]:
    """Start, end and resident bytes of each mapping that may be dropped: ours by name, not writable, never changed.

    A mapping with a page that was changed (relocations) is no copy of its file any more and is left alone.
    """
    found: list[tuple[int, int, int]] = []
    start = end = resident = 0
    wanted = False
    for line in smaps.splitlines():
        if mapping := MAPPING.fullmatch(line):
            start, end = int(mapping[1], 16), int(mapping[2], 16)
            wanted = "w" not in mapping[3] and Path(mapping[4]).name.startswith(LIBRARIES)
        elif line.startswith("Rss:"):
            resident = 1024 * int(line.split()[1])
        elif line.startswith("Anonymous:"):
            if wanted and line.split()[1] == "0":
                found.append((start, end, resident))
            wanted = False  # a mapping without a name may follow
    return found
