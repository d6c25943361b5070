"""The widgets that several pages draw: a choice checked, a chart with its words."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest


def scene(default):
    """A page of one choice, whose answer it writes down."""
    import streamlit as st

    from covid_model.app import widgets

    chosen = widgets.choice("Color", ("red", "green"), key="color", default=default, format_func=str.upper)
    st.text(repr(chosen))


def answer(default, **address: str) -> str:
    app = AppTest.from_function(scene, kwargs={"default": default})
    for key, value in address.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return app.text[0].value


@pytest.mark.parametrize(("default", "chosen"), [("red", "'red'"), ("green", "'green'"), (None, "None")])
def test_a_choice_begins_at_its_default(default, chosen):
    assert answer(default) == chosen


@pytest.mark.parametrize("default", ["red", None])
def test_a_choice_may_be_kept_in_the_url(default):
    assert answer(default, color="GREEN") == "'green'"


@pytest.mark.parametrize("nonsense", ["mauve", "", "<b>", "GREEN,RED"])
@pytest.mark.parametrize("default", ["red", None])
def test_an_invalid_value_in_the_url_gives_the_default(default, nonsense):
    assert answer(default, color=nonsense) == repr(default)


@pytest.mark.parametrize("default", ["red", None])
def test_an_invalid_option_gives_the_default(default, monkeypatch):
    """Whatever a browser sends past Streamlit's own check."""
    import streamlit as st

    from covid_model.app import widgets

    for sent in ("mauve", ["red"], None, 7):
        monkeypatch.setattr(st, "segmented_control", lambda *_, sent=sent, **__: sent)
        assert widgets.choice("Color", ("red", "green"), key="color", default=default) == default
