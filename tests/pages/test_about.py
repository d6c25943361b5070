"""The About page: figures from tables, and a page that opens without tables or networks."""

from __future__ import annotations

import shutil
import tomllib

import pandas as pd

from covid_model import config
from covid_model.app import cache
from covid_model.app.runtime import memory
from covid_model.app.text import about as about_text
from covid_model.imaging.preprocessing import Preprocessing
from covid_model.model import registry
from tests.support.app_pages import demo, numbers, open_page, page_of, plain_text, text

__all__ = ["demo"]

PROSE = config.NETWORKS / "card.json"


def spec(**more) -> registry.NetworkSpec:
    fields = {
        "name": "paper", "title": "The paper's *recipe*", "summary": "Frozen <b>base</b>.", "threshold": 0.6,
        "preprocessing": Preprocessing(border=0.08, equalize=True), "base": registry.IMAGENET, "head":
        registry.Head(),
        "weights": "paper.npz", "sha256": "0123456789abcdef", "parameters": 1234567,
        "trained_on": ("train",), "order": 0,
    }  # fmt: skip
    return registry.NetworkSpec(**fields | more)


def test_states_what_the_demo_is_and_is_not(demo):
    app = open_page("about")
    assert page_of(app) == "about"
    assert app.get_by_key("about_is_not").markdown[0].value
    assert f"https://doi.org/{config.PAPER_DOI}" in text(app)


def test_what_the_accuracy_hides_is_computed_from_the_list(demo):
    films = cache.films_table()
    sentence = about_text.pitfalls(films[films["split"] == "test"])
    assert sentence in text(open_page("about").get_by_key("about_paper"))


def test_it_is_short_until_the_card_is_opened(demo):
    app = open_page("about")
    assert len(app.subheader) <= 5 and not app.segmented_control and len(app.table) <= 1


def test_opens_without_tables_and_networks(demo):
    (demo / "scores.csv").unlink()
    (demo / "data/manifest.csv").unlink()
    for path in (demo / "networks").glob("*.json"):
        path.unlink()
    app = open_page("about", card="true")
    assert registry.title(registry.default()) not in plain_text(app)
    assert "manifest.csv" in plain_text(app)


def test_shows_the_card_of_the_network_chosen(demo):
    spec(recipe={"epochs": 10, "frozen_blocks": 3}, training={"seconds": 1200.5, "machine": {"cores": 2}}).save(
        config.NETWORKS
    )
    shutil.copy(PROSE, config.NETWORKS)
    app = open_page("about", card="true")
    assert "**Fine-tuned**" in plain_text(app)
    app.get_by_key("network").set_value("paper").run()
    assert not app.exception
    says, card = text(app), cache.model_card("paper")
    assert "fine-tuned.json" not in plain_text(app)
    assert "**The paper's \\*recipe\\***" in says and "<b>" not in says
    assert {section.title for section in card.sections} <= {item.value for item in app.subheader}
    parts = [part for section in card.sections for part in section.parts]
    assert all(part in says for part in parts if isinstance(part, str))
    shown = [item.value.astype(str).to_numpy().tolist() for item in app.table]
    tables = [[list(map(str, row)) for row in part.rows] for part in parts if not isinstance(part, str)]
    assert tables and all(table in shown for table in tables)
    assert any("3" in row[1:] for table in tables for row in table) and "frozen_blocks" not in says
    assert app.get_by_key("card_file").proto.url


def test_opens_without_the_text_of_the_cards(demo):
    spec(name="fine-tuned").save(config.NETWORKS)
    assert "card.json" in plain_text(open_page("about", card="true"))


def test_damaged_scores_are_reported(demo):
    spec(name="fine-tuned").save(config.NETWORKS)
    shutil.copy(PROSE, config.NETWORKS)
    table = pd.read_csv(demo / "scores.csv")
    table.loc[0, "score"] = 1.5
    table.to_csv(demo / "scores.csv", index=False)
    assert 1.5 in numbers(open_page("about", card="true").error[0].value)


def test_how_long_an_upload_is_kept_is_what_the_server_does(demo):
    """test_server.py holds that it does so."""
    seconds = tomllib.loads((config.ROOT / ".streamlit/config.toml").read_text())["server"]["disconnectedSessionTTL"]
    assert 0 < memory.EARLIER < 1
    assert about_text.minutes(seconds) in open_page("about").get_by_key("about_upload").markdown[0].value
