"""Loading a network in the background, and downloading VGG-19's weights."""

from __future__ import annotations

import hashlib
import threading

import pytest
import streamlit as st

from covid_model import config
from covid_model.app import networks
from covid_model.app.text import prediction as prediction_text
from covid_model.model import registry
from covid_model.model.registry import WeightsMissingError
from tests.pages.test_try_an_xray import upload
from tests.support import mock_networks
from tests.support.app_pages import MockReader, demo, film_bytes, open_page, text
from tests.support.film_server import server

__all__ = ["demo", "server"]

WEIGHTS = b"weights" * 1000


@pytest.fixture
def ahead(demo, monkeypatch):
    """The demo with loading ahead switched on, as a process that has not loaded a network yet."""
    monkeypatch.setenv(config.PRELOAD_VARIABLE, "1")
    monkeypatch.setattr(networks, "_ahead", threading.Lock())
    monkeypatch.setattr(networks, "AHEAD_DELAY", 0.0)
    yield demo
    wait()


def wait() -> None:
    """Until the thread that loads a network has ended."""
    for thread in threading.enumerate():
        if thread.name == "load-ahead":
            thread.join(30)
            assert not thread.is_alive()


def test_the_first_page_loads_the_network_once_for_all(ahead):
    open_page()
    open_page()
    wait()
    assert MockReader.asked == ["fine-tuned"]
    open_page("about", network="paper")
    wait()
    assert MockReader.asked == ["fine-tuned"]


def test_the_page_is_drawn_before_the_network_is_loaded(ahead, monkeypatch):
    """The network does not come before this test lets it: the page is there all the same."""
    go = threading.Event()

    class Waiting(MockReader):
        def __init__(self, name: str, vgg19: str | None = None):
            assert go.wait(30)
            super().__init__(name, vgg19)

    monkeypatch.setattr(networks, "predictor", Waiting)
    app = open_page()
    assert app.title[0].value and app.button(key="try-cohen-1") and not MockReader.asked
    go.set()
    wait()
    assert MockReader.asked == ["fine-tuned"]


def test_the_network_of_the_address_is_the_one_that_is_loaded(ahead):
    open_page(network="paper")
    wait()
    assert MockReader.asked == ["paper"]


def test_it_can_be_switched_off(ahead, monkeypatch):
    monkeypatch.setenv(config.PRELOAD_VARIABLE, "0")
    open_page()
    assert not networks.load_ahead("fine-tuned") and not networks._ahead.locked() and not MockReader.asked


def test_a_failure_does_not_reach_the_page(ahead, monkeypatch):
    monkeypatch.setattr(MockReader, "failure", registry.NetworkError("weights?"))
    app = open_page()
    wait()
    assert not app.error and MockReader.asked == ["fine-tuned"]


# --- Without VGG-19's weights ---


@pytest.fixture
def without(demo, monkeypatch, server):
    """The demo where `paper` is built on VGG-19, whose weights a server has and this computer has not."""
    mock_networks.describe(demo / "networks", "paper", "Paper", 1, base=registry.IMAGENET)
    monkeypatch.setenv("KERAS_HOME", str(demo / "keras"))
    monkeypatch.delenv(config.VGG19_VARIABLE, raising=False)
    monkeypatch.setattr(config, "VGG19_URL", f"{server.address}/vgg19.h5")
    monkeypatch.setattr(config, "VGG19_MD5", hashlib.md5(WEIGHTS).hexdigest())
    server.files = {"vgg19.h5": WEIGHTS}

    def predictor(name: str) -> MockReader:
        if not networks.loadable(name):
            raise WeightsMissingError("weights?")
        return MockReader(name)

    monkeypatch.setattr(networks, "predictor", predictor)
    return server


def test_the_real_loader_asks_for_the_weights_before_tensorflow(demo, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(config, "NETWORKS", demo / "networks")
    monkeypatch.setenv("KERAS_HOME", str(demo / "keras"))
    monkeypatch.delenv(config.VGG19_VARIABLE, raising=False)
    mock_networks.describe(demo / "networks", "paper", "Paper", 1, base=registry.IMAGENET)
    st.cache_resource.clear()
    with pytest.raises(WeightsMissingError, match="VGG-19"):
        networks.predictor("paper")


def test_an_upload_offers_the_download_and_goes_on(without):
    app = upload(open_page(network="paper"), ("film.png", film_bytes()))
    assert not app.error and not app.exception and not app.metric
    assert [item.value for item in app.info] == [prediction_text.weights_missing("Paper")]
    assert app.button(key="use-fine-tuned")
    app.button(key="fetch-weights-paper").click().run()
    assert not app.exception and not app.info and not app.warning
    assert app.metric[0].value == "0.938" and config.vgg19_cache().read_bytes() == WEIGHTS
    assert MockReader.asked == ["paper"]


def test_a_download_that_fails_says_why_once(without):
    without.files["vgg19.h5"] = 404
    app = upload(open_page(network="paper"), ("film.png", film_bytes()))
    app.button(key="fetch-weights-paper").click().run()
    assert len(app.warning) == 1 and "404" in app.warning[0].value and not app.error
    assert app.button(key="fetch-weights-paper")
    assert not app.run().warning


def test_ahead_of_weights_another_network_is_loaded(without, monkeypatch):
    monkeypatch.setenv(config.PRELOAD_VARIABLE, "1")
    monkeypatch.setattr(networks, "_ahead", threading.Lock())
    monkeypatch.setattr(networks, "AHEAD_DELAY", 0.0)
    app = open_page(network="paper")
    wait()
    assert MockReader.asked == ["fine-tuned"] and text(app)
