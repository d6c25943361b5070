"""What surrounds every page: the notice, presenter mode, and the keys that turn the pages."""

from __future__ import annotations

import pytest

from covid_model import config
from covid_model.app import state
from covid_model.app.components import frame
from covid_model.app.pages.trust_screens import deck
from tests.pages.test_every_page import PAGES
from tests.support.app_pages import demo, open_page, page_of, text

__all__ = ["demo"]


def keys(app) -> set[str]:
    return {button.key for button in app.button}


@pytest.mark.parametrize("page", PAGES)
def test_every_page_says_that_it_is_not_a_medical_device(demo, page):
    app = open_page(page)
    chip = next(block for block in app.get("popover") if block.proto.popover.label)
    assert chip.proto.popover.label == config.NOTICE.split(".")[0]
    assert [item.value for item in chip.markdown] == [config.NOTICE]


def test_the_notice_is_there_on_a_page_that_stops_early(demo):
    config.SCORES_CSV.unlink()
    assert config.NOTICE in text(open_page("results"))


def test_presenter_mode_is_kept_and_its_keys_turn_the_pages(demo):
    app = open_page(present="1")
    assert frame.BACK_KEY not in keys(app)  # there is nothing before the first page
    seen = [page_of(app)]
    while frame.NEXT_KEY in keys(app):
        app.button(key=frame.NEXT_KEY).click().run()
        seen.append(page_of(app))
        assert app.query_params[state.PRESENT] in ("1", ["1"])
    assert seen == ["", "results", "browse", "how_it_works", "train_it_yourself", "can_you_trust_it"]
    app.switch_page("covid_model/app/pages/about.py").run()
    app.button(key=frame.BACK_KEY).click().run()
    assert page_of(app) == seen[-1]


def test_presenter_mode_is_switched_on_and_off(demo):
    app = open_page("about")
    assert not {frame.BACK_KEY, frame.NEXT_KEY} & keys(app)
    app.button(key=frame.PRESENT_KEY).click().run()
    assert app.query_params[state.PRESENT] in ("1", ["1"]) and frame.BACK_KEY in keys(app)
    app.button(key=frame.PRESENT_KEY).click().run()
    assert state.PRESENT not in app.query_params and frame.BACK_KEY not in keys(app)
    app.switch_page("covid_model/app/pages/results.py").run()
    assert state.PRESENT not in app.query_params


def test_the_keys_lead_through_the_story_and_on_to_its_neighbors(demo):
    app = open_page("can_you_trust_it", present="1")
    for _ in deck.STORY:
        app.button(key="story_next").click().run()
    assert page_of(app) == "about"
    app.switch_page("covid_model/app/pages/can_you_trust_it.py").run()
    app.segmented_control(key=deck.SCREEN).set_value(deck.STORY[0]).run()
    app.button(key="story_back").click().run()
    assert page_of(app) == "train_it_yourself"
