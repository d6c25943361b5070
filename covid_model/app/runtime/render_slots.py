"""Limit how many pages are drawn at the same time.

A page takes about 10 MB while it is drawn, for a fraction of a second, and Python draws forty pages at once no faster
than a few at a time. So every run of the app waits for one of RENDER_SLOTS slots, and releases it while it waits for a
network or trains a head.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import streamlit as st

Drawing = TypeVar("Drawing", bound=Callable)

RENDER_SLOTS = 4  # pages drawn at the same time: each takes about 10 MB while it is drawn

_slots = threading.BoundedSemaphore(RENDER_SLOTS)
_own = threading.local()  # `held`: whether this thread has a slot


@contextmanager
def render_slot() -> Iterator[None]:
    """Hold a slot for the duration of the block; a nested block uses the same slot."""
    if _held():
        yield
        return
    _take()
    try:
        yield
    finally:
        _give()


@contextmanager
def release_slot() -> Iterator[None]:
    """Release the slot for the duration of the block, then wait for one again; no effect without a slot."""
    if not _held():
        yield
        return
    _give()
    try:
        yield
    finally:
        _take()


def fragment(draw: Drawing) -> Drawing:
    """Return `st.fragment` of a function that holds a slot: a fragment's own runs do not go through the app's slot."""

    @functools.wraps(draw)
    def in_slot(*args: object, **kwargs: object) -> object:
        with render_slot():
            return draw(*args, **kwargs)

    return st.fragment(in_slot)


def _held() -> bool:
    return getattr(_own, "held", False)


def _take() -> None:
    _slots.acquire()
    _own.held = True


def _give() -> None:
    _own.held = False
    _slots.release()
