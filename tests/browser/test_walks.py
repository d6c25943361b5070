"""Longer walks through the demo: from the gallery to a report, a head trained live, from the matrix to its X-rays."""

from __future__ import annotations

import re
from urllib.parse import quote_plus, urlencode

import pytest
from pypdf import PdfReader

from covid_model import config
from covid_model.app.text import browse as browse_text
from covid_model.app.text import prediction as prediction_text
from covid_model.config import CELL_NAMES
from covid_model.data import samples
from covid_model.formatting import MODEL_SCORE
from covid_model.training import playground
from covid_model.training.playground.recipe import CHOICES, label, link
from tests.browser import demo

pytestmark = [pytest.mark.browser, pytest.mark.long]

needs_scores = pytest.mark.skipif(not config.SCORES_CSV.is_file(), reason="no assets/results/scores.csv")
needs_features = pytest.mark.skipif(not (config.LAB / "features.npz").is_file(), reason="no assets/lab/features.npz")
SIMULATED = "ground-glass-2"


def summary(page) -> str:
    """How many films the gallery says it shows."""
    return page.locator(".st-key-films_summary").inner_text()


def numbers(page) -> list[int]:
    """The figures of that."""
    return [int(value.replace(",", "")) for value in re.findall(r"\d[\d,]*", summary(page))]


def cells(page, cell: str):
    """The button of a cell of the confusion matrix, on the page of the matrix and on that of the films."""
    return page.locator(".st-key-cell, .st-key-verdict").get_by_text(CELL_NAMES[cell], exact=True)


def run(page, number: int, epochs: int):
    """A training run on the page, once it has come so far."""
    return page.locator(f"[class*='st-key-lab_run_{number}_'][class*='{number}-{epochs}']")


def test_gallery_to_film_to_report(visitor, address, network_name, tmp_path):
    shown_set = urlencode(browse_text.address(browse_text.SIMULATED))
    demo.open_page(visitor, f"{address}/browse?{shown_set}&network={network_name}&threshold=0.3")
    assert visitor.locator("[data-testid=stImage] img").count() >= 12
    visitor.get_by_role("link", name=SIMULATED, exact=True).press("Enter")  # by keyboard
    demo.arrived(visitor, "")
    shown = demo.score(visitor)
    assert shown is not None and demo.threshold(visitor) == 0.3
    assert f"film={SIMULATED}" in visitor.url and "threshold=0.3" in visitor.url

    with visitor.expect_download() as download:
        visitor.locator(".st-key-pdf button").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    report = PdfReader(file)
    report_text = " ".join(report.pages[0].extract_text().split())
    assert file.suffix == ".pdf" and len(report.pages) == 1 and len(report.pages[0].images) >= 2
    credit = samples.sample(SIMULATED).credit
    for part in (SIMULATED, f"{MODEL_SCORE} {shown}", "0.30", credit[:40], config.NOTICE[:40]):
        assert part in report_text, part


@needs_scores
def test_settings_follow_from_page_to_page_and_back(visitor, address):
    verdict = f"verdict={quote_plus(CELL_NAMES['tp'])}"
    order = f"order={quote_plus(browse_text.ORDERS['lowest'])}"
    demo.open_page(visitor, f"{address}/browse?network=paper&threshold=0.45&{verdict}&{order}")
    picked = summary(visitor)
    for page in ("results", "", "about", "browse"):
        demo.change_page(visitor, page)
        if page != "about":  # which has neither of them
            assert demo.threshold(visitor) == 0.45
            assert "threshold=0.45" in visitor.url and "network=paper" in visitor.url
    assert summary(visitor) == picked and verdict in visitor.url


def test_a_tap_anywhere_on_a_card_opens_its_x_ray(phone, address, network_name):
    """On its picture, above the link; and so a sample on the first page."""
    shown_set = urlencode(browse_text.address(browse_text.SIMULATED))
    demo.open_page(phone, f"{address}/browse?{shown_set}&network={network_name}")
    tap(phone, f".st-key-card_{SIMULATED} img")
    demo.arrived(phone, "")
    assert f"film={SIMULATED}" in phone.url
    tap(phone, ".st-key-tile_rg1 img")
    phone.wait_for_url("**film=rg1**")
    demo.settle(phone)
    assert demo.score(phone) is not None


def tap(page, selector: str) -> None:
    """Touch the screen where an element is, whatever lies on top of it."""
    element = page.locator(selector).first
    element.scroll_into_view_if_needed()
    box = element.bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def test_back_from_a_film_to_the_films(visitor, address, network_name):
    """With one press, wherever the threshold came from: the address of the film's page is in the history once."""
    simulated = urlencode(browse_text.address(browse_text.SIMULATED))
    demo.open_page(visitor, f"{address}/browse?{simulated}&threshold=0.3&network={network_name}")
    visitor.get_by_role("link", name=SIMULATED, exact=True).click()
    demo.arrived(visitor, "")
    demo.settle(visitor)
    assert "threshold=0.3" in visitor.url
    visitor.go_back()
    visitor.wait_for_selector("h1:has-text('Browse X-rays')")
    visitor.get_by_alt_text("Simulated X-ray:").first.wait_for()
    demo.settle(visitor)
    assert simulated in visitor.url and "film=" not in visitor.url
    assert demo.threshold(visitor) == 0.3 and "threshold=0.3" in visitor.url


def test_back_from_a_page_that_kept_its_film(visitor, address):
    demo.open_page(visitor, f"{address}/how_it_works?film={SIMULATED}&network=paper")
    demo.change_page(visitor, "results")
    demo.change_page(visitor, "how_it_works")
    assert f"film={SIMULATED}" in visitor.url and "network=paper" in visitor.url
    visitor.go_back()
    demo.arrived(visitor, "results")
    assert "network=paper" in visitor.url


@needs_scores
@pytest.mark.films
def test_back_from_a_film_to_the_filters(visitor, address, data_folder):
    demo.open_page(visitor, f"{address}/browse?network=paper&verdict={quote_plus(CELL_NAMES['tn'])}&sheet=2")
    picked = summary(visitor)
    visitor.get_by_role("link", name=re.compile(r"-\d{4}")).first.click()
    demo.arrived(visitor, "")
    visitor.go_back()
    demo.arrived(visitor, "browse")
    visitor.get_by_text(picked).wait_for()
    assert "sheet=2" in visitor.url and "film=" not in visitor.url


@needs_features
def test_a_head_is_trained_live(visitor, address):
    demo.open_page(visitor, f"{address}/train_it_yourself?epochs=2&units=16")
    visitor.locator(".st-key-lab_train button").click()
    run(visitor, 1, 2).wait_for()
    demo.settle(visitor)
    assert "%" in run(visitor, 1, 2).inner_text() and "units=16" in visitor.url

    visitor.locator(
        ".st-key-scene_adults button"
    ).first.click()  # the second one is of its tooltip  # a scene, beside the first run
    run(visitor, 2, 10).wait_for()
    demo.settle(visitor)
    assert f"adults={quote_plus(label('adults', playground.PRESETS['adults'].recipe.adults))}" in visitor.url
    assert all(visitor.locator(f"[class*=st-key-lab_run_{number}_]").count() == 1 for number in (1, 2))


@needs_features
def test_a_run_is_stopped(visitor, address):
    adults = quote_plus(label("adults", CHOICES["adults"][-1]))  # the most films that there are
    demo.open_page(visitor, f"{address}/train_it_yourself?epochs=30&adults={adults}")
    visitor.locator(".st-key-lab_train button").click()
    visitor.locator("[class*=st-key-lab_run_1_]").first.wait_for()
    visitor.locator(".st-key-lab_stop button").first.click()
    demo.settle(visitor)
    assert prediction_text.STOPPED in visitor.locator("[class*=st-key-lab_run_1_]").inner_text()


@needs_features
def test_the_link_of_a_preset_trains_it(visitor, address):
    scene = "thirty"
    demo.open_page(visitor, f"{address}/train_it_yourself{link(playground.PRESETS[scene].recipe)}&epochs=1")
    run(visitor, 1, 1).wait_for()
    films = str(playground.PRESETS[scene].recipe.covid_films)
    assert films in re.findall(r"[\d,]+", visitor.locator(".st-key-lab_counts").inner_text())


@needs_scores
def test_cells_of_the_matrix_lead_to_their_films(visitor, address, network_name):
    demo.open_page(visitor, f"{address}/results?network={network_name}&threshold=0.2")
    cells(visitor, "fp").click()
    demo.settle(visitor)
    visitor.locator(".st-key-cell_in_films button").first.click()
    demo.arrived(visitor, "browse")
    assert f"verdict={quote_plus(CELL_NAMES['fp'])}" in visitor.url and demo.threshold(visitor) == 0.2
    count, *_, alike = numbers(visitor)
    assert count == alike  # all of them are false positives


@needs_scores
def test_the_gallery_is_filtered_and_sorted(visitor, address, network_name):
    order, verdict = (quote_plus(value) for value in (browse_text.ORDERS["highest"], CELL_NAMES["fn"]))
    every = quote_plus(browse_text.SETS[browse_text.ALL][0])
    demo.open_page(visitor, f"{address}/browse?network={network_name}&set={every}&order={order}")
    everything = summary(visitor)
    cells(visitor, "fn").click()
    visitor.get_by_text(everything).wait_for(state="detached")
    demo.settle(visitor)
    picked, (count, *_, alike) = summary(visitor), numbers(visitor)
    assert picked != everything and count == alike  # all of them are false negatives
    assert f"verdict={verdict}" in visitor.url and f"order={order}" in visitor.url
    visitor.reload()
    demo.settle(visitor)
    assert summary(visitor) == picked  # the link holds what was picked
