"""An X-ray changed in the browser: the image, the score, the URL, and the reset."""

from __future__ import annotations

import re
from urllib.parse import quote_plus

import pandas as pd
import pytest

from covid_model import config
from covid_model.app.components import perturb
from covid_model.app.text import perturb as perturb_text
from covid_model.app.text import prediction as prediction_text
from covid_model.imaging.perturb import Changes
from tests.browser import demo

pytestmark = [pytest.mark.browser, pytest.mark.long]
FILM, REAL = "clear-average", "rg1"  # a simulated film, and a real one


def changed_score(page) -> str:
    metric = page.locator("[data-testid=stMetric]", has_text=perturb_text.CHANGED)
    return metric.locator("[data-testid=stMetricValue]").inner_text()


def place(page) -> float:
    """Return how far below the page's title the section is: what is above it moves it."""
    return page.locator("#what-if").bounding_box()["y"] - page.get_by_role("heading").first.bounding_box()["y"]


def test_a_change_is_made_and_reset(visitor, address, network_name):
    demo.open_page(visitor, f"{address}/?network={network_name}&film={FILM}")
    as_it_came = demo.score(visitor)
    stood = place(visitor)
    erase = perturb.LABELS["erase"]
    visitor.get_by_role("button", name=erase).click()
    visitor.get_by_alt_text(perturb.describe(Changes(erase="lungs"))).first.wait_for(timeout=demo.PATIENCE)
    demo.settle(visitor)
    first = changed_score(visitor)
    assert visitor.get_by_text(first).count() > 1  # beside the figure, in the sentence on what became of it
    assert f"change={quote_plus(erase)}" in visitor.url
    assert demo.score(visitor) == as_it_came  # the reading above neither changes nor moves
    assert place(visitor) == pytest.approx(stood, abs=1)

    link = visitor.url
    demo.open_page(visitor, link)  # as a teacher would send it
    assert changed_score(visitor) == first
    visitor.locator(".st-key-reset button").click()
    visitor.get_by_text(perturb_text.PICK).wait_for(timeout=demo.PATIENCE)
    assert "change=" not in visitor.url


@pytest.mark.skipif(not config.SCORES_CSV.is_file(), reason="no assets/results/scores.csv")
def test_similar_scores_are_one_click_away(visitor, address, network_name):
    demo.open_page(visitor, f"{address}/browse?network={network_name}&set=Other+hospitals&verdict=True+positives")
    demo.change_page(visitor, "")
    visitor.locator(f".st-key-try-{REAL} button").click()
    demo.settle(visitor)
    score = float(demo.score(visitor).strip("<> "))
    visitor.locator(".st-key-alike button").click()
    visitor.wait_for_selector("h1:has-text('Browse X-rays')", timeout=demo.PATIENCE)
    demo.settle(visitor)
    near = float(re.search(r"near=([\d.]+)", visitor.url)[1])
    assert near == pytest.approx(score, abs=0.0006) and "verdict=" not in visitor.url  # whatever was picked before
    scores = pd.read_csv(config.SCORES_CSV).query("network == @network_name and split == 'test'")["score"]
    count = int(((scores - near).abs() <= prediction_text.NEIGHBOR_BAND).sum())
    assert visitor.locator(".st-key-films_summary").inner_text().startswith(f"{count:,} X-ray")
