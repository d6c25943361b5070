"""The About page: figures from tables, and a page that stands where tables or networks are missing."""

from __future__ import annotations

import tomllib

import pandas as pd
import pytest

from covid_model import network, settings
from covid_model.app import facts, visits
from covid_model.preprocessing import Preprocessing
from tests.scenes import demo, open_page, text

__all__ = ["demo"]


def spec(**more) -> network.NetworkSpec:
    fields = {
        "name": "paper", "title": "The paper's *recipe*", "summary": "Frozen <b>base</b>.", "threshold": 0.6,
        "preprocessing": Preprocessing(border=0.08, equalize=True), "base": network.IMAGENET, "head": network.Head(),
        "weights": "paper.npz", "sha256": "0123456789abcdef", "parameters": 1234567,
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
    assert "`fine-tuned`** is right on 80.0% of the test films at 0.6; of the 1 adults" in says
    assert "calls **1** positive" in says


def test_stands_without_tables_and_networks(demo):
    (demo / "scores.csv").unlink()
    (demo / "data/manifest.csv").unlink()
    says = text(open_page("about")).replace("\\", "")
    assert "no scores of the test films" in says
    assert "fine-tuned.json is missing" in says
    assert "manifest.csv is missing" in says


def test_shows_a_network_from_its_file(demo):
    spec(recipe={"epochs": 10, "jitter": {"shift": 0.05, "flip": False}}, training={"seconds": 1200.5}).save(
        settings.NETWORKS
    )
    app = open_page("about")
    assert "The paper\\'s \\*recipe\\*" in text(app)
    assert "<b>" not in text(app)
    found = next(one.value for one in app.table if "Base" in one.value.index)
    assert found.loc["Parameters"].iloc[0] == "1\\,234\\,567"
    assert found.loc["Recipe\\: jitter"].iloc[0] == "shift 0\\.05\\, flip no"
    assert "8\\% cut off each side" in found.loc["Sees"].iloc[0]


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
    assert table["paper"].tolist() == ["1 of 1", "1 of 2"]
    assert table["Films"].tolist() == ["COVID-19", "Other"]
    assert "fine-tuned" not in table.columns


def test_counts_and_licences():
    films = pd.DataFrame(
        {"source": ["cohen", "cohen", "nih"], "split": ["train", "test", "extra"], "covid": [1, 0, 0]}
        | {"license": ["CC BY", None, "public"]}
    )
    table = facts.counts(films)
    assert table.loc["all sources"].tolist() == ["1 (1)", "1 (0)", "1 (0)", "", "", "3 (1)"]
    assert sorted(facts.licences(films)["Licence"]) == ["CC BY", "not stated", "public"]


def test_how_long_an_upload_is_kept_is_what_the_server_does(demo):
    """test_server.py holds that it does so."""
    seconds = tomllib.loads((settings.ROOT / ".streamlit/config.toml").read_text())["server"]["disconnectedSessionTTL"]
    assert 0 < visits.EARLIER < 1
    assert f"(within {facts.minutes(seconds)}," in text(open_page("about"))


@pytest.mark.parametrize(("seconds", "said"), [(60, "1 minute"), (61, "2 minutes"), (120, "2 minutes")])
def test_minutes(seconds, said):
    assert facts.minutes(seconds) == said
