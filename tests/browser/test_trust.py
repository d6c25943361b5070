"""The story of the page "Can you trust it?" in a real browser: by remote, by link, on a phone and on a projector."""

from __future__ import annotations

import json
import re
from urllib.parse import quote_plus

import pandas as pd
import pytest

from covid_model import config
from covid_model.app.pages.trust_screens import dataset, deck, erasure, external, summary
from covid_model.app.text import browse as browse_text
from covid_model.data.dataset import committed, labeled
from covid_model.evaluation import subgroups
from tests.browser import demo

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.skipif(not config.SCORES_CSV.is_file(), reason="no assets/results/scores.csv"),
]

HEADLINE = "[data-testid=stHeading] h2"


def name_of(screen) -> str:
    """The name of a screen's module in the address."""
    return next(name for name, module in deck.SCREENS.items() if module is screen)


def headline(page) -> str:
    return page.locator(HEADLINE).first.inner_text()


def test_a_remote_walks_through_the_story_and_a_link_opens_it_there(visitor, address):
    demo.open_page(visitor, f"{address}/can_you_trust_it")
    seen = [headline(visitor)]
    for name in deck.STORY[1:]:
        visitor.keyboard.press("PageDown")
        visitor.wait_for_url(f"**screen={quote_plus(name)}*")
        demo.settle(visitor)
        seen.append(headline(visitor))
    assert len(set(seen)) == len(deck.STORY)
    demo.open_page(visitor, visitor.url)
    assert headline(visitor) == seen[-1]
    visitor.keyboard.press("PageUp")
    visitor.wait_for_url(f"**screen={quote_plus(deck.NAMES[-2])}*")
    demo.settle(visitor)
    assert headline(visitor) == seen[-2]


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
@pytest.mark.parametrize("name", deck.NAMES)
def test_every_screen_fits_the_window(visitor, address, name, width, scheme):
    visitor.emulate_media(color_scheme=scheme)
    visitor.set_viewport_size({"width": width, "height": 900})
    demo.open_page(visitor, f"{address}/can_you_trust_it?screen={quote_plus(name)}")
    demo.picture(visitor, demo.BUILD / "screenshots" / f"trust-{deck.NAMES.index(name) + 1}-{scheme}-{width}.png")
    wider = visitor.evaluate(
        "(() => { const main = document.querySelector('[data-testid=stMain]');"
        " return main.scrollWidth - main.clientWidth })()"
    )
    assert wider <= 1, f"{name} is {wider} pixels wider than a window of {width}"


def test_a_point_opens_its_x_ray(visitor, address):
    """With the network that the chart is about, though this page shows no picker of it."""
    record = config.AUDIT / "paper-lungs.json"
    if not record.is_file():
        pytest.skip("no record of erased lungs")
    demo.open_page(visitor, f"{address}/can_you_trust_it?screen={quote_plus(name_of(erasure))}")
    visitor.locator("[data-testid=stPlotlyChart] .scatterlayer .point").first.click(force=True)
    demo.arrived(visitor, "")
    opened = re.search(r"film=([\w-]+)", visitor.url)[1]
    assert opened in json.loads(record.read_text())["films_scores"]["id"] and "network=paper" in visitor.url


def test_a_symbol_opens_the_x_rays_that_it_counts(visitor, address):
    demo.open_page(visitor, f"{address}/can_you_trust_it?screen={quote_plus(name_of(external))}")
    visitor.locator(".st-key-elsewhere .scatterlayer .point").last.click(force=True)  # non-COVID, of the last group
    demo.arrived(visitor, "browse")
    assert "network=paper" in visitor.url and f"truth={browse_text.TRUTHS['other']}" in visitor.url
    scores = pd.read_csv(config.SCORES_CSV).query("network == 'paper' and split == 'external' and covid == 0")
    shown = visitor.locator(".st-key-films_summary").inner_text()
    assert int(shown.split()[0]) in scores.groupby("source").size().tolist()


def test_a_bar_of_the_age_pyramid_opens_its_x_rays(visitor, address):
    demo.open_page(visitor, f"{address}/can_you_trust_it?screen={quote_plus(name_of(dataset))}")
    visitor.locator(".st-key-ages_test .barlayer .point path").first.click(force=True)
    demo.arrived(visitor, "browse")
    assert f"{browse_text.AGE}=" in visitor.url and f"{browse_text.TRUTH}=" in visitor.url
    shown = int(visitor.locator(".st-key-films_summary").inner_text().split()[0])
    rows = subgroups.age_rows(labeled(committed()).query("split == 'test'"))
    assert shown in {row.covid for row in rows} - {0}


def test_the_story_plays_full_screen_and_leads_to_its_screens(visitor, address):
    demo.open_page(visitor, f"{address}/can_you_trust_it")
    below = plain(headline(visitor))
    visitor.get_by_role("button", name="seconds").click()
    scene = visitor.get_by_role("dialog").locator("h2")
    seen = {scene.inner_text(): 1}
    for _ in deck.STORY[1:]:
        visitor.keyboard.press("PageDown")
        seen[scene.inner_text()] = 1
    first, *_, last_but_one, last = seen
    assert first == below == plain(headline(visitor))  # the page below stays where it was
    assert last == summary.HEADLINE
    visitor.keyboard.press("PageUp")
    assert scene.inner_text() == last_but_one
    visitor.get_by_role("dialog").get_by_role("link").click()
    visitor.wait_for_url("**screen=*")
    demo.settle(visitor)
    assert plain(headline(visitor)) == last_but_one


def plain(text: str) -> str:
    """A headline with common spaces and hyphens."""
    return text.replace("\u00a0", " ").replace("\u2011", "-")


def test_the_story_ends_where_it_began(visitor, address):
    demo.open_page(visitor, f"{address}/can_you_trust_it")
    visitor.get_by_role("button", name="seconds").click()
    visitor.get_by_role("dialog").wait_for()
    visitor.keyboard.press("Escape")
    visitor.get_by_role("dialog").wait_for(state="hidden")
    visitor.wait_for_function("document.fullscreenElement === null")
