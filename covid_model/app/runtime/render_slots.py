"""How many pages are drawn at the same time.

A page takes some ten megabytes while it is drawn, for a fraction of a second, and Python draws forty at once no sooner
than a few at a time. So every run of the app waits here for one of a few turns; who waits for a network meanwhile, or
trains a head, lets others by.
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

_turns = threading.BoundedSemaphore(RENDER_SLOTS)
_own = threading.local()  # `held`: whether this thread has a turn


@contextmanager
def render_slot() -> Iterator[None]:
    """Wait for a turn, and have it as long as the block lasts; a turn within a turn is the same one."""
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
    """Let others draw as long as the block lasts, and wait for a turn again behind it; nothing without a turn."""
    if not _held():
        yield
        return
    _give()
    try:
        yield
    finally:
        _take()


def fragment(draw: Drawing) -> Drawing:
    """`st.fragment`, drawn in turn: a fragment that runs by itself does not come by the app's own turn."""

    @functools.wraps(draw)
    def in_turn(*given: object, **named: object) -> object:
        with render_slot():
            return draw(*given, **named)

    return st.fragment(in_turn)


def _held() -> bool:
    return getattr(_own, "held", False)


def _take() -> None:
    _turns.acquire()
    _own.held = True


def _give() -> None:
    _own.held = False
    _turns.release()
