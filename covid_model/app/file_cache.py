"""Cache what a function reads from files until one of them changes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

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
