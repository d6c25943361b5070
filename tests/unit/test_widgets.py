"""The widgets that several pages share, and the theme: contrast of at least 4.5:1, and the server's settings."""

from __future__ import annotations

import itertools
import tomllib

import pytest
from streamlit.testing.v1 import AppTest

from covid_model import config


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


CONFIG = tomllib.loads((config.ROOT / ".streamlit/config.toml").read_text())
FADED = 0.6  # opacity that Streamlit gives captions


def luminance(color: tuple[float, ...]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def rgb(text: str) -> tuple[float, ...]:
    return tuple(int(text[at : at + 2], 16) / 255 for at in (1, 3, 5))


def contrast(item: tuple[float, ...], other: tuple[float, ...]) -> float:
    low, high = sorted((luminance(item), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_contrast(mode):
    theme = CONFIG["theme"][mode]
    grounds = [rgb(theme[name]) for name in ("backgroundColor", "secondaryBackgroundColor")]
    for name, ground in itertools.product(("textColor", "primaryColor", "linkColor"), grounds):
        assert contrast(rgb(theme[name]), ground) >= 4.5, name
    for ground in grounds:
        faded = tuple(FADED * a + (1 - FADED) * b for a, b in zip(rgb(theme["textColor"]), ground, strict=True))
        assert contrast(faded, ground) >= 4.5


def test_server():
    server = CONFIG["server"]
    assert server["maxUploadSize"] * 2**20 == config.MAX_BYTES
    assert server["enableXsrfProtection"] and server["enableCORS"] and not server["enableStaticServing"]
    assert server["fileWatcherType"] == "none"
    assert CONFIG["client"]["showErrorDetails"] == "none"
    assert not CONFIG["browser"]["gatherUsageStats"]
