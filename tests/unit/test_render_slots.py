"""At most a few pages are drawn at once, waiting releases the slot, and no slot is ever lost."""

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


def test_at_most_a_few_pages_are_drawn_at_once():
    def draw(counted):
        with render_slots.render_slot(), render_slots.render_slot(), counted:  # a turn within a turn is the same one
            pass

    assert crowd(draw) == render_slots.RENDER_SLOTS


def test_waiting_for_a_network_releases_the_slot():
    def draw(counted):
        with render_slots.render_slot(), render_slots.release_slot(), counted:
            pass

    assert crowd(draw) > render_slots.RENDER_SLOTS


def test_a_slot_is_released_after_an_error():
    for _ in range(2 * render_slots.RENDER_SLOTS):
        with pytest.raises(KeyError), render_slots.render_slot(), render_slots.release_slot():
            raise KeyError
    with render_slots.render_slot():
        pass


def test_releasing_without_a_slot_does_nothing():
    with render_slots.release_slot():
        assert not render_slots._held()
    assert crowd(lambda counted: drawn(counted)) == render_slots.RENDER_SLOTS  # and gave no turn away


def drawn(counted) -> None:
    with render_slots.render_slot(), counted:
        pass
