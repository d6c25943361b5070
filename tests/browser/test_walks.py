"""Longer ways through the demo: from the gallery to a report, a head trained live, from the matrix to its films."""

from __future__ import annotations

import re

import pytest
from pypdf import PdfReader

from covid_model import settings
from tests.browser import demo

pytestmark = [pytest.mark.browser, pytest.mark.long]

needs_scores = pytest.mark.skipif(not settings.SCORES_CSV.is_file(), reason="no assets/results/scores.csv")
needs_features = pytest.mark.skipif(not (settings.LAB / "features.npz").is_file(), reason="no assets/lab/features.npz")
SIMULATED = "ground-glass-2"


def summary(page) -> str:
    """How many films the gallery says it shows."""
    return page.get_by_text(re.compile(r"^[\d,]+ films?[,:]")).first.inner_text()


def test_gallery_to_film_to_report(visitor, address, network_name, tmp_path):
    demo.open_page(visitor, f"{address}/films?set=Simulated&network={network_name}&threshold=0.3")
    assert visitor.get_by_alt_text("Simulated film:").count() >= 12
    visitor.get_by_role("link", name=SIMULATED, exact=True).press("Enter")  # by keyboard
    visitor.wait_for_selector("h1:has-text('Read a film')")
    demo.settle(visitor)
    shown = demo.score(visitor)
    assert shown is not None and demo.threshold(visitor) == 0.3
    assert f"film={SIMULATED}" in visitor.url and "threshold=0.3" in visitor.url

    with visitor.expect_download() as download:
        visitor.get_by_role("button", name="Report (PDF)").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    report = PdfReader(file)
    said = " ".join(report.pages[0].extract_text().split())
    assert file.suffix == ".pdf" and len(report.pages) == 1 and len(report.pages[0].images) >= 2
    for part in (SIMULATED, f"Model score {shown}", "threshold 0.30", "Simulated", settings.NOTICE[:40]):
        assert part in said, part


@needs_scores
def test_a_scene_goes_along_from_page_to_page_and_back(visitor, address):
    demo.open_page(
        visitor, f"{address}/films?network=paper&threshold=0.45&verdict=True+positives&order=Lowest+score+first"
    )
    picked = summary(visitor)
    for page in ("Test set", "Read a film", "About", "Films"):
        demo.change_page(visitor, page)
        if page != "About":  # which has neither of them
            assert demo.threshold(visitor) == 0.45
            assert "threshold=0.45" in visitor.url and "network=paper" in visitor.url
    assert summary(visitor) == picked and "verdict=True+positives" in visitor.url


def test_back_from_a_film_to_the_films(visitor, address, network_name):
    """With one press, wherever the threshold came from: the address of the film's page is in the history once."""
    demo.open_page(visitor, f"{address}/films?set=Simulated&threshold=0.3&network={network_name}")
    visitor.get_by_role("link", name=SIMULATED, exact=True).click()
    visitor.wait_for_selector("h1:has-text('Read a film')")
    demo.settle(visitor)
    assert "threshold=0.3" in visitor.url
    visitor.go_back()
    visitor.wait_for_selector("h1:has-text('Films')")
    visitor.get_by_alt_text("Simulated film:").first.wait_for()
    demo.settle(visitor)
    assert "set=Simulated" in visitor.url and "film=" not in visitor.url
    assert demo.threshold(visitor) == 0.3 and "threshold=0.3" in visitor.url


@needs_scores
@pytest.mark.films
def test_back_from_a_film_to_what_was_picked(visitor, address, data_folder):
    demo.open_page(visitor, f"{address}/films?network=paper&verdict=True+negatives&sheet=2")
    picked = summary(visitor)
    visitor.get_by_role("link", name=re.compile(r"-\d{4}")).first.click()
    visitor.wait_for_selector("h1:has-text('Read a film')")
    demo.settle(visitor)
    visitor.go_back()
    visitor.wait_for_selector("h1:has-text('Films')")
    visitor.get_by_text(picked).wait_for()
    assert "sheet=2" in visitor.url and "film=" not in visitor.url


@needs_features
def test_a_head_is_trained_live(visitor, address):
    demo.open_page(visitor, f"{address}/train?epochs=2&units=16")
    visitor.get_by_role("button", name="Train", exact=True).click()
    visitor.get_by_text("Run 1: 2 of 2 epochs").wait_for()
    demo.settle(visitor)
    assert visitor.get_by_text("Adults without COVID-19 called positive").count()
    assert visitor.get_by_text("Test accuracy").count() and "units=16" in visitor.url

    visitor.get_by_role("button", name="Now add adults").click()  # a scene, beside the first run
    visitor.get_by_text("Run 2: 10 of 10 epochs").wait_for()
    demo.settle(visitor)
    assert "adults=Without+COVID-19" in visitor.url
    assert all(visitor.get_by_text(f"Run {number}", exact=True).count() for number in (1, 2))


@needs_features
def test_a_run_is_stopped(visitor, address):
    demo.open_page(visitor, f"{address}/train?epochs=30&adults=With+and+without")
    visitor.get_by_role("button", name="Train", exact=True).click()
    visitor.get_by_text(re.compile(r"Run 1: \d+ of 30 epochs")).wait_for()
    visitor.locator(".st-key-lab_stop button").first.click()
    demo.settle(visitor)
    assert visitor.get_by_text(re.compile(r"\d+ of 30 epochs, stopped")).count()


@needs_features
def test_the_link_of_a_scene_plays_it(visitor, address):
    demo.open_page(visitor, f"{address}/train")
    link = visitor.get_by_role("link", name="Link", exact=True).nth(4).get_attribute("href")
    demo.open_page(visitor, f"{address}/train{link[link.index('?') :]}&epochs=1")
    visitor.get_by_text("Run 1: 1 of 1 epochs").wait_for()
    assert visitor.get_by_text("Trains on 30 COVID-19 films").count()


@needs_scores
def test_cells_of_the_matrix_lead_to_their_films(visitor, address, network_name):
    demo.open_page(visitor, f"{address}/test_set?network={network_name}&threshold=0.2")
    visitor.get_by_text("False positives", exact=True).first.click()
    demo.settle(visitor)
    visitor.get_by_role("button", name="All films of this cell in Films").first.click()
    visitor.wait_for_selector("h1:has-text('Films')")
    demo.settle(visitor)
    assert "verdict=False+positives" in visitor.url and demo.threshold(visitor) == 0.2
    assert re.match(r"[\d,]+ films?.*: [\d,]+ false positives?\.$", summary(visitor))


@needs_scores
def test_the_gallery_is_picked_and_ordered(visitor, address, network_name):
    demo.open_page(visitor, f"{address}/films?network={network_name}&set=All&order=Most+wrong+first")
    everything = summary(visitor)
    visitor.get_by_text("False negatives", exact=True).click()
    visitor.get_by_text(everything).wait_for(state="detached")
    demo.settle(visitor)
    assert summary(visitor) != everything and re.search(r": [\d,]+ false negatives\.", summary(visitor))
    assert "verdict=False+negatives" in visitor.url and "order=Most+wrong+first" in visitor.url
    visitor.reload()
    demo.settle(visitor)
    assert re.search(r": [\d,]+ false negatives\.", summary(visitor))  # the link holds what was picked
