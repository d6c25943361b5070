"""Keep what a function reads from files until one of them changes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

Answer = TypeVar("Answer")


def by_files(files: Callable[..., Iterable[Path]], keep: Callable, max_entries: int, **more: Any) -> Callable:
    """Return a decorator that keeps what a function gives until one of its files changes: no restart is needed then.

    Args:
        files: gives the files, from the arguments of the function; absent ones count as unchanged until they come.
        keep: st.cache_data (each caller gets a copy), or st.cache_resource (all sessions share it, for looking only).
        max_entries: answers kept at most.
        more: as `keep` takes it.

    An exception is not kept.
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
        def asked(*arguments: Any) -> Answer:
            return kept(tuple((str(path), stamp(path)) for path in files(*arguments)), *arguments)

        return asked

    return decorate


def stamp(path: Path) -> float:
    """When a file was last changed, 0 where there is none."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
