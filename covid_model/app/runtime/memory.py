"""Bound what the process keeps in memory: libraries, garbage, the sessions of users who left, results of files.

Loading TensorFlow runs thousands of initializers, spread over about 500 MB of code and constants; predictions need a
small part of these pages. They are clean copies of a file: once dropped from the process, they are mapped again from
the file if needed, at the cost of a few page faults. Linux only; elsewhere nothing happens.

Streamlit collects garbage after every run of a page. With TensorFlow in memory the collector traverses 400,000
permanent objects, a third of a second in which all sessions wait: `rest` excludes them.

Freed memory is returned to the system too: glibc would keep it, in a heap for nearly every thread.

Streamlit keeps a session whose connection broke, so that the user can return to it. After
`server.disconnectedSessionTTL` it may drop the session, but only does so when another user leaves: on a quiet day the
last user's uploads would stay in memory until the next day. So the app closes such sessions itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import functools
import gc
import re
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFileManager

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


_at_rest = threading.Event()


def rest() -> None:
    """Exclude all current objects from garbage collection. Called once a network is loaded."""
    _at_rest.set()
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    _trim()


def sweep() -> None:
    """Collect garbage among the objects that `rest` excluded too, when a session has ended. No effect before `rest`."""
    if _at_rest.is_set():  # not gc.get_freeze_count(): Python 3.12 begins with some objects frozen
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


EARLIER = 0.8  # share of that time after which the session is closed; after all of it, Streamlit has lost track of it


def receive() -> None:
    """Register this session; called in every run of the app."""
    if (context := get_script_run_ctx()) is not None:
        _visit(context.session_id, context.uploaded_file_mgr)


def _left(visit: tuple[str, UploadedFileManager]) -> None:
    """Schedule the end of a session. Streamlit calls this from its event loop when the connection breaks."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # the session itself is dropped, outside the event loop
        sweep()
        return
    loop.call_later(EARLIER * st.get_option("server.disconnectedSessionTTL"), _close, *visit)


@st.cache_resource(scope="session", show_spinner=False, on_release=_left)
def _visit(session: str, _uploads: UploadedFileManager) -> tuple[str, UploadedFileManager]:
    return session, _uploads


def _close(session: str, uploads: UploadedFileManager) -> None:
    """End a session and all it holds, unless its user has returned."""
    if runtime.exists() and not runtime.get_instance().is_active_session(session):
        runtime.get_instance().close_session(session)
        # Streamlit loses track of a session, but keeps its uploads, if 128 others left after it or the server is late.
        uploads.remove_session_files(session)
        sweep()


def forget(file_id: str) -> None:
    """Delete a file that this session uploaded from the server's memory."""
    if (context := get_script_run_ctx()) is not None:
        context.uploaded_file_mgr.remove_file(session_id=context.session_id, file_id=file_id)


Answer = TypeVar("Answer")


def by_files(files: Callable[..., Iterable[Path]], keep: Callable, max_entries: int, **more: Any) -> Callable:
    """Return a decorator that caches a function's results until one of its files changes. No restart is needed then.

    Args:
        files: returns the files, given the function's arguments; a missing file counts as unchanged until it exists.
        keep: st.cache_data (each caller gets a copy) or st.cache_resource (all sessions share one, read-only).
        max_entries: of the cache.
        more: further arguments of `keep`.

    Exceptions are not cached.
    """

    def decorate(work: Callable[..., Answer]) -> Callable[..., Answer]:
        def answer(stamps: tuple[tuple[str, float], ...], *arguments: Any) -> Answer:
            return work(*arguments)

        answer.__module__, answer.__qualname__ = (
            work.__module__,
            work.__qualname__,
        )  # Streamlit knows functions by these
        kept = keep(show_spinner=False, max_entries=max_entries, **more)(answer)

        @functools.wraps(work)
        def cached(*arguments: Any) -> Answer:
            return kept(tuple((str(path), stamp(path)) for path in files(*arguments)), *arguments)

        return cached

    return decorate


def stamp(path: Path) -> float:
    """Return the time of a file's last change, 0 if there is no file."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
