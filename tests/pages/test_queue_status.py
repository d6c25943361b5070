"""What pages show while other films come first, and when the queue is full."""

from __future__ import annotations

from covid_model.app import networks
from covid_model.app.components.common import AGAIN
from covid_model.app.text import prediction as prediction_text
from covid_model.model.queue import InferenceQueue, QueueFullError, QueuePosition
from tests.pages.test_try_an_xray import score, upload
from tests.support.app_pages import MockReader, demo, film_bytes, holds, open_page, verdict_word

__all__ = ["demo"]


class FullQueue(InferenceQueue):
    """A queue that is full for the first `refusals` requests."""

    def __init__(self, refusals):
        super().__init__(MockReader)
        self.refusals = refusals

    def predict(self, network, film, on_progress=None):
        if self.refusals:
            self.refusals -= 1
            raise QueueFullError(QueuePosition(33, 6.4))
        return super().predict(network, film, on_progress)


class SlowQueue(InferenceQueue):
    """A queue where two films come first."""

    def __init__(self):
        super().__init__(MockReader)

    def predict(self, network, film, on_progress=None):
        for ahead in (2, 1, 0):
            on_progress(QueuePosition(ahead, ahead * 1.4))
        return super().predict(network, film, on_progress)


def test_a_full_queue_states_the_position_and_offers_another_try(demo, monkeypatch):
    queue = FullQueue(1)
    monkeypatch.setattr(networks, "queue", lambda: queue)
    app = upload(open_page(), ("film.png", film_bytes()))
    assert app.warning[0].value == prediction_text.plain(QueueFullError(QueuePosition(33, 6.4))) and holds(
        app.warning[0].value, 33, 34, 6
    )
    assert not app.metric and not app.error
    app.button(key=AGAIN).click().run()
    assert score(app) == "0.938"
    assert not app.warning and not [item for item in app.button if item.key == AGAIN]


def test_how_it_works_says_the_same(demo, monkeypatch):
    def full(network, job, on_progress=None):
        raise QueueFullError(QueuePosition(9, None))

    queue = FullQueue(0)
    monkeypatch.setattr(queue, "call", full)
    monkeypatch.setattr(networks, "queue", lambda: queue)
    app = open_page("how_it_works")
    assert holds(app.warning[0].value, 9, 10)
    assert app.button(key=AGAIN)


def test_many_films_wait_for_a_free_place(demo, monkeypatch):
    queue = FullQueue(3)
    monkeypatch.setattr(networks, "queue", lambda: queue)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    app = upload(open_page(), ("one.png", film_bytes(100)), ("two.png", film_bytes(250)))
    assert app.dataframe[0].value["Verdict"].tolist() == [verdict_word(0.391), verdict_word(0.977)]


def test_the_page_shows_the_position_only_while_it_waits(demo, monkeypatch):
    shown = []
    wording = prediction_text.queue_position
    monkeypatch.setattr(prediction_text, "queue_position", lambda place: shown.append(wording(place)) or shown[-1])
    queue = SlowQueue()
    monkeypatch.setattr(networks, "queue", lambda: queue)
    app = upload(open_page(), ("film.png", film_bytes()))
    assert shown == [wording(QueuePosition(2, 2.8)), wording(QueuePosition(1, 1.4)), wording(QueuePosition(0, 0.0))]
    assert holds(shown[0], 2, 3) and holds(shown[1], 1, 1)
    assert score(app) == "0.938" and not app.get("progress")
