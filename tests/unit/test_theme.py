"""The theme can be read: text stands out 4.5:1 or more, and the server is as it must be."""

from __future__ import annotations

import itertools
import tomllib

import pytest

from covid_model import config

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
