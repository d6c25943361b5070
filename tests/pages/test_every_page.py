"""Every page opens with another default threshold, and with a third network that is nothing but its files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from covid_model import config
from covid_model.app import state
from covid_model.app.components import score_checks
from covid_model.app.pages.trust_screens import checks
from covid_model.app.pages.trust_screens.deck import NAMES, STORY
from covid_model.model import registry
from tests.support import mock_networks
from tests.support.app_pages import MockReader, demo, open_page, text

__all__ = ["demo"]

PAGES = sorted(path.stem for path in (config.ROOT / "covid_model/app/pages").glob("*.py") if path.stem != "__init__")
THIRD, TITLE = "frozen", "Frozen, on all films"


def scenes() -> list[tuple[str, dict[str, str]]]:
    """Every page, and every screen of the story with its checks open."""
    others = [(page, {}) for page in PAGES if page != "can_you_trust_it"]
    return others + [("can_you_trust_it", {"screen": name, checks.OPEN: "true"}) for name in NAMES]


@pytest.mark.parametrize(("page", "address"), scenes())
def test_every_page_with_another_threshold(demo, monkeypatch, page, address):
    monkeypatch.setattr(config, "THRESHOLD", 0.55)
    app = open_page(page, **address)
    for slider in app.slider:
        if slider.key == state.THRESHOLD:
            assert slider.value == 0.55


def test_records_keep_their_own_threshold(monkeypatch):
    """With our own records, which were made at 0.6."""
    monkeypatch.setattr(config, "THRESHOLD", 0.55)
    assert "At thresholds of 0.55 and 0.60" in text(open_page("can_you_trust_it", screen=NAMES[-1]))
    assert "at a threshold of 0.60" in text(open_page("can_you_trust_it", screen=STORY[0]))


def test_a_verdict_at_another_threshold(demo, monkeypatch):
    monkeypatch.setattr(config, "THRESHOLD", 0.99)
    app = open_page("try_an_xray", film="cohen-1")
    assert "Not above the threshold of 0.99: the network calls this X-ray negative." in text(app)


@pytest.fixture
def third(demo) -> Path:
    """The demo with one more network: a JSON, and its scores of the test films."""
    mock_networks.describe(demo / "networks", THIRD, TITLE, 0.5, ("train", "extra"))
    table = pd.read_csv(config.SCORES_CSV)
    more = table[table["network"] == "paper"].assign(network=THIRD)
    pd.concat([table, more]).to_csv(config.SCORES_CSV, index=False)
    return demo


def picker(app: AppTest) -> object | None:
    return next((item for item in app.segmented_control if item.key in (state.NETWORK, checks.CHECKED)), None)


@pytest.mark.parametrize(("page", "address"), scenes())
def test_every_page_with_a_third_network(third, page, address):
    app = open_page(page, network=THIRD, checked=THIRD, **address)
    values = picker(app)
    if values is not None:
        assert TITLE in values.options and values.value == THIRD


def test_three_networks_side_by_side(third):
    app = open_page("results", network=THIRD, both="true")
    titles = [item.value.replace("\\", "") for item in app.subheader]
    assert [TITLE, *(registry.short_title(name) for name in ("fine-tuned", "paper"))] == titles[:3]


def test_a_third_network_reads_and_is_compared(third):
    app = open_page("try_an_xray", film="cohen-1", network=THIRD, tool=score_checks.COMPARISON)
    assert MockReader.asked == [THIRD]
    assert app.segmented_control(key="other_network").options == [
        registry.short_title(n) for n in ("fine-tuned", "paper")
    ]
    app.segmented_control(key="other_network").set_value("paper").run()
    app.button(key="ask-other").click().run()
    assert not app.exception and MockReader.asked == [THIRD, "paper"]
    assert "Both call this X-ray positive" in text(app)


def test_pages_open_without_any_network(demo):
    for path in (demo / "networks").glob("*.json"):
        path.unlink()
    for page in PAGES:
        assert not open_page(page).exception
