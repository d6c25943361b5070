"""The state in the URL: links open as they were sent, and invalid values fall back to the default."""

from __future__ import annotations

import hashlib

import pytest
from streamlit.runtime.state.query_params import QueryParams
from streamlit.testing.v1 import AppTest

from covid_model import config
from covid_model.app import films, state
from covid_model.model import registry


def scene(known=("film-1",)):
    import streamlit as st

    from covid_model.app import state

    film = state.film_id(known.__contains__)
    state.uploader()
    st.session_state["scene"] = (state.network_picker(), state.threshold_slider(), film)


def open_with(**address) -> AppTest:
    app = AppTest.from_function(scene, default_timeout=60)
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


DEFAULT = (registry.default(), config.THRESHOLD, None)


def test_a_link_opens_the_scene_it_was_made_of():
    app = open_with(network="paper", threshold="0.35", film="film-1")
    assert app.session_state["scene"] == ("paper", 0.35, "film-1")
    assert app.query_params["film"] == "film-1"


@pytest.mark.parametrize("network", ["paper", "fine-tuned"])
@pytest.mark.parametrize("threshold", [0.0, 0.35, config.THRESHOLD, 1.0])
def test_a_link_to_a_film_keeps_the_url(network, threshold, monkeypatch):
    """A change would add to the browser's history, and Back would lead to the film again."""
    written = []
    monkeypatch.setattr(QueryParams, "_send_query_param_msg", lambda self: written.append(self.to_dict()))
    app = open_with(**state.film_link("film-1", network, threshold))
    assert app.session_state["scene"] == (network, threshold, "film-1")
    app.run()
    assert written == []


@pytest.mark.parametrize("threshold", ["abc", "7", "-0.1", "nan", "inf", "", ["0.2", "0.3"]])
def test_38_invalid_threshold(threshold):
    assert open_with(threshold=threshold).session_state["scene"] == DEFAULT


@pytest.mark.parametrize("network", ["xyz", "", "../paper", "Paper"])
def test_38_invalid_network(network):
    assert open_with(network=network).session_state["scene"] == DEFAULT


@pytest.mark.parametrize("film", ["../../etc/passwd", "", "film-2", "<script>"])
def test_38_an_unknown_film_is_removed_from_the_url(film):
    app = open_with(film=film)
    assert app.session_state["scene"] == DEFAULT
    assert "film" not in app.query_params


def test_settings_take_precedence_over_the_url():
    app = open_with(threshold="0.9")
    app.slider(key="threshold").set_value(0.3)
    app.segmented_control(key="network").set_value("paper").run()
    assert app.session_state["scene"] == ("paper", 0.3, None)


def test_39_two_visitors_have_their_own():
    first, second = open_with(network="paper", threshold="0.1"), open_with(threshold="0.9")
    first.run()
    assert first.session_state["scene"] == ("paper", 0.1, None)
    assert second.session_state["scene"] == (registry.default(), 0.9, None)


@pytest.mark.parametrize(
    ("value", "threshold"),
    [(0.25, 0.25), (0, 0.0), (1, 1.0), (1.01, None), (float("nan"), None), (None, None), ("0.256", 0.26), ([], None)],
)
def test_threshold_from_the_browser_is_checked_again(value, threshold):
    assert state.threshold_from(value) == (config.THRESHOLD if threshold is None else threshold)


@pytest.mark.parametrize("value", [None, 3, "PAPER", ["paper"]])
def test_network_from_the_browser_is_checked_again(value):
    assert state.network_from(value) == registry.default()


def test_an_upload_is_hashed_once(monkeypatch):
    """Its source stays the same in every run, and so does the digest that it has computed."""
    hashed = []
    monkeypatch.setattr(films.hashlib, "sha256", lambda data: hashed.append(data) or hashlib.new("sha256", data))
    app = open_with()
    app.file_uploader[0].upload("film.png", b"film").run()
    (source,) = app.session_state[state.UPLOADS]
    digests = {source.digest for _ in range(2)}
    app.run()
    assert app.session_state[state.UPLOADS] == [source] and app.session_state[state.UPLOADS][0].digest in digests
    assert digests == {hashlib.new("sha256", b"film").hexdigest()} and hashed == [b"film"]
