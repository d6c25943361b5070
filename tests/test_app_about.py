"""The About page: figures from tables, and a page that stands where tables or networks are missing."""

from __future__ import annotations

import shutil
import tomllib

import pandas as pd
import pytest

from covid_model import network, registry, settings
from covid_model.app import facts, visits
from covid_model.app.splits import SPLITS
from covid_model.preprocessing import Preprocessing
from tests.scenes import demo, open_page, text

__all__ = ["demo"]

PROSE = settings.NETWORKS / "card.json"


def spec(**more) -> network.NetworkSpec:
    fields = {
        "name": "paper", "title": "The paper's *recipe*", "summary": "Frozen <b>base</b>.", "threshold": 0.6,
        "preprocessing": Preprocessing(border=0.08, equalize=True), "base": network.IMAGENET, "head": network.Head(),
        "weights": "paper.npz", "sha256": "0123456789abcdef", "parameters": 1234567,
        "trained_on": ("train",), "order": 0,
    }  # fmt: skip
    return network.NetworkSpec(**fields | more)


def test_says_what_it_is_and_is_not(demo):
    app = open_page("about")
    assert app.title[0].value == "About"
    assert settings.NOTICE in text(app)
    assert "not the chance that anyone has the disease" in text(app)
    assert f"https://doi.org/{settings.PAPER_DOI}" in text(app)


def test_figures_come_from_the_scores(demo):
    says = text(open_page("about"))
    assert "2 of the 3 test films without COVID-19 are of children" in says
    assert "is right on 60.0% of them" in says
    assert "**Fine\\-tuned** is right on 80.0% of the test films at 0.6; of the 1 adults" in says
    assert "calls **1** positive" in says


def test_stands_without_tables_and_networks(demo):
    (demo / "scores.csv").unlink()
    (demo / "data/manifest.csv").unlink()
    for path in (demo / "networks").glob("*.json"):
        path.unlink()
    says = text(open_page("about")).replace("\\", "")
    assert "no scores of the test films" in says
    assert "this copy has no network" in says
    assert "manifest.csv is missing" in says


def test_shows_the_card_of_the_network_chosen(demo):
    spec(recipe={"epochs": 10, "frozen_blocks": 3}, training={"seconds": 1200.5, "machine": {"cores": 2}}).save(
        settings.NETWORKS
    )
    shutil.copy(PROSE, settings.NETWORKS)
    app = open_page("about")
    assert "**Fine-tuned**" in text(app).replace("\\", "")
    app.get_by_key("network").set_value("paper").run()
    assert not app.exception
    says = text(app)
    assert "**The paper's \\*recipe\\***" in says and "<b>" not in says
    tables = {one.value.columns[0]: one.value.set_index(one.value.columns[0]) for one in app.table}
    assert tables["What"].index.tolist()  # of the network, and of time and energy
    assert tables["Recipe"].loc["Blocks of VGG-19 that stay as they were, from the first on", "Value"] == "3"
    assert "frozen_blocks" not in says and "calls 1 of 1 adults without COVID-19 of Test positive" in says
    assert "Actualmed was scored nine times" in says and "Figure 1 was seen in the same runs" in says
    assert {one.label for one in app.expander} >= {"Model details", "Intended use", "Ethical considerations", "CLAIM"}
    assert app.get_by_key("card").label == "This card as Markdown"


def test_stands_without_the_prose_of_the_cards(demo):
    spec(name="fine-tuned").save(settings.NETWORKS)
    assert "card.json is missing" in text(open_page("about")).replace("\\", "")


def test_damaged_scores_are_said(demo):
    spec(name="fine-tuned").save(settings.NETWORKS)
    shutil.copy(PROSE, settings.NETWORKS)
    table = pd.read_csv(demo / "scores.csv")
    table.loc[0, "score"] = 1.5
    table.to_csv(demo / "scores.csv", index=False)
    assert open_page("about").error[0].title == "Damaged scores"


def test_names_splits_as_the_test_set_page_does(demo):
    page = open_page("about")
    named = set(page.table[0].value["Split"])
    assert named == {"Test", "Adult test set"} and named <= {label for label, _ in SPLITS.values()}


def test_called_positive_counts_each_group_apart():
    scores = pd.DataFrame(
        [
            ("a", "test", "cohen", 1, "paper", 0.7),
            ("b", "test", "cohen", 0, "paper", 0.6),
            ("c", "test", "cohen", 0, "paper", 0.61),
            ("d", "train", "cohen", 0, "paper", 0.9),
        ],
        columns=["id", "split", "source", "covid", "network", "score"],
    )
    table = facts.called_positive(scores, 0.6)
    assert table[registry.short_title("paper")].tolist() == ["1 of 1", "1 of 2"]
    assert table["Films"].tolist() == ["COVID-19", "Other"]
    assert registry.short_title("fine-tuned") not in table.columns


def test_licences():
    films = pd.DataFrame({"source": ["cohen", "cohen", "nih"], "license": ["CC BY", None, "public"]})
    assert sorted(facts.licences(films)["Licence"]) == ["CC BY", "not stated", "public"]


def test_how_long_an_upload_is_kept_is_what_the_server_does(demo):
    """test_server.py holds that it does so."""
    seconds = tomllib.loads((settings.ROOT / ".streamlit/config.toml").read_text())["server"]["disconnectedSessionTTL"]
    assert 0 < visits.EARLIER < 1
    assert f"(within {facts.minutes(seconds)}," in text(open_page("about"))


@pytest.mark.parametrize(("seconds", "said"), [(60, "1 minute"), (61, "2 minutes"), (120, "2 minutes")])
def test_minutes(seconds, said):
    assert facts.minutes(seconds) == said
