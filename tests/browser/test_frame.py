"""What surrounds every page, in a real browser: the notice, presenter mode, the page's name on a phone."""

from __future__ import annotations

import pytest

from covid_model import config
from covid_model.app.components import frame
from tests.browser import demo

pytestmark = [pytest.mark.browser, pytest.mark.long]


def test_the_notice_is_one_click_away(visitor, address):
    demo.open_page(visitor, f"{address}/about")
    assert visitor.get_by_text(config.NOTICE).count() == 0
    visitor.locator(f".st-key-{frame.NOTICE_KEY} button").click()
    visitor.get_by_text(config.NOTICE).wait_for()


def test_a_presenter_remote_pages_through_the_app_in_larger_type(visitor, address):
    demo.open_page(visitor, f"{address}/about")
    small = visitor.locator("h1").evaluate("title => parseFloat(getComputedStyle(title).fontSize)")
    demo.open_page(visitor, f"{address}/about?present=1")
    large = visitor.locator("h1").evaluate("title => parseFloat(getComputedStyle(title).fontSize)")
    assert large > 1.2 * small
    visitor.keyboard.press(frame.BACK_SHORTCUT)
    demo.arrived(visitor, "can_you_trust_it")
    assert "present=1" in visitor.url


def test_on_a_phone_the_page_is_named_and_the_others_are_one_tap_away(phone, address):
    demo.open_page(phone, f"{address}/about")
    menu = phone.locator("[data-testid=stExpandSidebarButton]")
    assert "About" in menu.evaluate("button => getComputedStyle(button, '::after').content")
    menu.click()
    link = phone.locator("[data-testid=stSidebarNavLink][href$='/results']")
    link.wait_for()
    link.click()
    demo.arrived(phone, "results")
    assert "Results" in menu.evaluate("button => getComputedStyle(button, '::after').content")
