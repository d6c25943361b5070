"""The app with a prediction service in place of its own networks: a stub of it, and none at all."""

from __future__ import annotations

import pytest

from covid_model import config
from covid_model.app import networks, session
from covid_model.app.components.common import AGAIN
from covid_model.app.text import prediction as prediction_text
from covid_model.model.queue import AWAY, QueueFullError, QueuePosition
from covid_model.model.tasks import Code
from tests.browser.demo import free_port
from tests.pages.test_try_an_xray import score, upload
from tests.support import stub_service
from tests.support.app_pages import ROWS, MockReader, demo, film_bytes, open_page
from tests.support.synthetic_trace import made_up_walk

__all__ = ["demo"]


@pytest.fixture
def asking(demo, monkeypatch):
    """Return a function that points the app to a service."""

    def point(address: str) -> None:
        monkeypatch.setenv(config.SERVE_VARIABLE, address)
        networks.queue.clear()

    yield point
    networks.queue.clear()  # kept for the life of the process


@pytest.fixture
def away(asking):
    asking(f"http://127.0.0.1:{free_port()}")


@pytest.fixture
def service(asking):
    """A stub that answers as the mock reader does."""
    with stub_service.served() as running:
        running.answer = lambda request: (
            made_up_walk(request.network)
            if request.task == "trace"
            else MockReader(request.network).predict(request.film)
        )
        asking(running.address)
        yield running


def buttons(app) -> set[str]:
    return {button.key for button in app.button}


def says_it_is_away(app) -> bool:
    sentence = f"{prediction_text.plain(AWAY)} {prediction_text.WITHOUT_SERVICE}"
    return sentence in [item.value for item in app.warning]


# --- No service ---


def test_an_upload_says_that_the_service_is_away_and_what_works_without(away):
    app = upload(open_page(), ("film.png", film_bytes()))
    assert says_it_is_away(app) and not app.error and not app.metric
    assert AGAIN in buttons(app) and {f"try-{film}" for film in ("cohen-1", "nih-1")} <= buttons(app)
    assert not buttons(app) & {"use-paper", "fetch-weights-fine-tuned"}  # neither would help
    assert MockReader.asked == []
    assert says_it_is_away(app.button(key=AGAIN).click().run())


def test_several_uploads_say_it_once(away):
    app = upload(open_page(), ("one.png", film_bytes(100)), ("two.png", film_bytes(250)))
    assert says_it_is_away(app) and len(app.warning) == 1 and not app.exception


@pytest.mark.parametrize("page", ["results", "browse", "how_it_works", "can_you_trust_it", "about"])
def test_the_other_pages_stay_alive(away, page):
    app = open_page(page)
    assert app.title[0].value and not app.error


def test_a_stored_prediction_needs_no_service(away, monkeypatch):
    film = ROWS[0][0]
    stored = MockReader("fine-tuned").predict
    monkeypatch.setattr(session, "_stored", lambda source, name: stored(session.film(source)))
    MockReader.asked.clear()
    app = open_page(film=film)
    assert app.metric and not app.warning and not app.error
    app.button(key="firm").click().run()
    assert not app.exception and says_it_is_away(app) and app.metric


def test_it_is_asked_again_once_it_is_back(away, asking, service):
    asking(f"http://127.0.0.1:{free_port()}")
    app = upload(open_page(), ("film.png", film_bytes()))
    assert says_it_is_away(app)
    asking(service.address)
    app.button(key=AGAIN).click().run()
    assert score(app) == "0.938" and not app.warning


# --- A service ---


def test_an_upload_is_scored_by_the_service(service, monkeypatch):
    shown = []
    wording = prediction_text.queue_position
    monkeypatch.setattr(prediction_text, "queue_position", lambda place: shown.append(place) or wording(place))
    service.lines = [{"ahead": 2, "seconds": 2.8}, {"ahead": 0, "seconds": 0}]
    monkeypatch.setattr(networks, "predictor", None)  # no network is loaded here
    app = upload(open_page(network="paper"), ("film.png", film_bytes()))
    assert score(app) == "0.938" and not app.warning and not app.get("progress")
    assert shown == [QueuePosition(2, 2.8), QueuePosition(0, 0)]
    assert [(request.task, request.network) for request in service.requests] == [("predict", "paper")]


def test_a_network_without_weights_here_is_the_service_s(service, monkeypatch):
    monkeypatch.setattr(networks, "loadable", lambda name: False)
    app = upload(open_page(), ("film.png", film_bytes()))
    assert score(app) == "0.938" and not app.info


def test_how_it_works_asks_the_service_for_the_layers(service):
    app = open_page("how_it_works")
    assert not app.error and not app.warning
    assert {request.task for request in service.requests} == {"trace"}


def test_a_full_queue_says_so(service):
    position = QueuePosition(33, 6.4)
    service.refusal = 503, {"code": Code.FULL, "refused": "full", "ahead": 33, "seconds": 6.4}
    app = upload(open_page(), ("film.png", film_bytes()))
    assert app.warning[0].value == prediction_text.plain(QueueFullError(position)) and not app.metric
    service.refusal = None
    app.button(key=AGAIN).click().run()
    assert score(app) == "0.938" and not app.warning


def test_nothing_is_loaded_ahead(service, monkeypatch):
    import threading

    monkeypatch.setenv(config.PRELOAD_VARIABLE, "1")
    monkeypatch.setattr(networks, "_ahead", threading.Lock())
    monkeypatch.setattr(networks, "AHEAD_DELAY", 0.0)
    done = threading.Event()
    assert networks.load_ahead("fine-tuned", done.set) and done.wait(10)
    for thread in threading.enumerate():
        if thread.name == "load-ahead":
            thread.join(10)
    assert MockReader.asked == [] and service.requests == []
