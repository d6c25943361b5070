"""In a real browser: a lasso on the map of X-rays, the explanation lab, a whole round of the quiz."""

from __future__ import annotations

import re
import urllib.parse

import pytest

from covid_model.app.components import explanation_lab, similar
from covid_model.app.pages.trust_screens import beat_the_model, deck
from covid_model.app.text import how_it_works, quiz
from covid_model.model.similarity import FilmIndex
from tests.browser import demo

pytestmark = [pytest.mark.browser, pytest.mark.long]


def counted(page) -> int:
    """The number of X-rays that Browse X-rays says it shows."""
    words = page.locator(".st-key-films_summary").inner_text()
    return int(re.match(r"([\d,]+)", words).group(1).replace(",", ""))


def test_a_lasso_picks_x_rays_from_the_map(visitor, address):
    demo.open_page(visitor, f"{address}/browse?map=true")
    every = counted(visitor)
    plot = visitor.locator("[data-testid=stPlotlyChart] .nsewdrag").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    corners = [(0.5, 0.1), (0.95, 0.1), (0.95, 0.95), (0.5, 0.95), (0.5, 0.12)]
    points = [(box["x"] + across * box["width"], box["y"] + down * box["height"]) for across, down in corners]
    visitor.mouse.move(*points[0])
    visitor.mouse.down()
    for point in points[1:]:
        visitor.mouse.move(*point, steps=5)
    visitor.mouse.up()
    again = visitor.locator(".st-key-map_reset button")
    again.wait_for()
    demo.settle(visitor)
    assert 0 < counted(visitor) < every
    again.click()
    again.wait_for(state="detached")
    demo.settle(visitor)
    assert counted(visitor) == every
    features = visitor.locator(f".st-key-{similar.FEATURES} button")
    assert features.count() == len(FilmIndex.load().maps)  # all of them made with the weights that ship
    features.last.focus()
    visitor.keyboard.press("Enter")
    demo.settle(visitor)
    assert features.last.get_attribute("aria-checked") == "true"
    assert visitor.locator("[data-testid=stPlotlyChart]").count() == 1 and counted(visitor) == every


def test_the_explanation_lab(visitor, address):
    demo.open_page(visitor, f"{address}/how_it_works?film=rg1&half={how_it_works.TABS[2].replace(' ', '+')}")
    shown = visitor.locator("[class*=st-key-lab_] [data-testid=stImage] img")
    assert shown.count() == 6
    visitor.locator(".st-key-lab_slow button").click()
    visitor.locator(".st-key-lab_rise img").wait_for()
    visitor.locator(".st-key-lab_shuffle button").click()
    visitor.get_by_alt_text("as trained").first.wait_for()
    demo.settle(visitor)
    boards = visitor.locator(f".st-key-{explanation_lab.BOARD} button")
    assert boards.count() == len(how_it_works.BOARDS)
    for number in range(boards.count()):
        boards.nth(number).focus()
        visitor.keyboard.press("Enter")
        demo.settle(visitor)
        assert boards.nth(number).get_attribute("aria-checked") == "true"
        assert visitor.locator("[data-testid=stDataFrame]:visible").count() == 1


@pytest.mark.films
def test_a_round_of_the_quiz_by_keyboard(visitor, browser, address, data_folder):
    demo.open_page(visitor, f"{address}/can_you_trust_it?screen={deck.QUIZ.replace(' ', '+')}&round=7")
    first = x_ray(visitor)
    for _ in range(quiz.X_RAYS):
        call = visitor.locator(f"[class*=st-key-{beat_the_model.CALL}] button").first
        call.focus()
        visitor.keyboard.press("Enter")
        demo.settle(visitor)
        visitor.locator(".st-key-quiz_commit button").focus()
        visitor.keyboard.press("Enter")
        visitor.locator(".st-key-quiz_next button").focus()
        visitor.keyboard.press("Enter")
        demo.settle(visitor)
    table = visitor.locator("[data-testid=stTable]")
    table.wait_for()
    assert quiz.YOU in table.inner_text() and quiz.BRIGHTNESS_ONLY in table.inner_text()
    link = visitor.locator("[data-testid=stCode]").inner_text().strip()
    somebody_else = browser.new_context(**demo.DESKTOP)
    page = somebody_else.new_page()
    demo.open_page(page, link)
    assert x_ray(page) == first
    somebody_else.close()


def x_ray(page) -> str:
    """The path of the picture that the quiz asks about; Streamlit names it by its content."""
    return urllib.parse.urlsplit(page.locator("[data-testid=stImage] img").first.get_attribute("src")).path
