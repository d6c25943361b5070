"""Few pages are drawn at once, whoever waits lets others by, and no turn is ever lost."""

from __future__ import annotations

import threading
import time

import pytest

from covid_model.app.runtime import render_slots


def crowd(work) -> int:
    """The most that were within `work` at once, of many threads; `work` is given a context to count in."""
    now, most, guard = 0, 0, threading.Lock()

    class Count:
        def __enter__(self):
            nonlocal now, most
            with guard:
                now += 1
                most = max(most, now)
            time.sleep(0.02)

        def __exit__(self, *_):
            nonlocal now
            with guard:
                now -= 1

    threads = [threading.Thread(target=work, args=(Count(),)) for _ in range(5 * render_slots.RENDER_SLOTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert not any(thread.is_alive() for thread in threads)
    return most


def test_no_more_than_a_few_draw_at_once():
    def draw(counted):
        with render_slots.render_slot(), render_slots.render_slot(), counted:  # a turn within a turn is the same one
            pass

    assert crowd(draw) == render_slots.RENDER_SLOTS


def test_who_waits_lets_others_by():
    def draw(counted):
        with render_slots.render_slot(), render_slots.release_slot(), counted:
            pass

    assert crowd(draw) > render_slots.RENDER_SLOTS


def test_a_turn_is_given_back_whatever_happens():
    for _ in range(2 * render_slots.RENDER_SLOTS):
        with pytest.raises(KeyError), render_slots.render_slot(), render_slots.release_slot():
            raise KeyError
    with render_slots.render_slot():
        pass


def test_aside_is_nothing_without_a_turn():
    with render_slots.release_slot():
        assert not render_slots._held()
    assert crowd(lambda counted: drawn(counted)) == render_slots.RENDER_SLOTS  # and gave no turn away


def drawn(counted) -> None:
    with render_slots.render_slot(), counted:
        pass
