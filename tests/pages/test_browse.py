"""Browse X-rays: filters and order, from the URL too; heatmaps on request; opening an X-ray."""

from __future__ import annotations

import json

import cv2
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from covid_model import config
from covid_model.app import cache, widgets
from covid_model.app.components import film_card
from covid_model.app.text import browse as browse_text
from covid_model.config import CELL_NAMES
from covid_model.evaluation import subgroups
from covid_model.model import registry
from covid_model.model.predictor import PredictionError
from covid_model.model.registry import NetworkError
from tests.support import synthetic_images
from tests.support.app_pages import ENTRY, ROWS, MockReader, demo, holds, open_page, page_of, score_many, text

__all__ = ["demo"]

# At 0.6 in the made-up test films: fine-tuned calls cohen-1 alone positive, paper calls cohen-1 and cohen-3 positive.
CHILDREN = config.SOURCE_TITLES["kermany"]
ALL = ["cohen-2", "cohen-3", "cohen-1", "kermany-2", "kermany-1"]  # the most wrong by fine-tuned first
BY_SCORE = ["cohen-1", "cohen-2", "cohen-3", "kermany-2", "kermany-1"]


def films_page(**address: str | list[str]) -> AppTest:
    """Return the page as it opens at an address."""
    app = AppTest.from_file(ENTRY, default_timeout=60)
    app.switch_page("covid_model/app/pages/browse.py")
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, app.exception[0].value
    return app


def show(app: AppTest, **widgets) -> AppTest:
    for key, value in widgets.items():
        app.get_by_key(key).set_value(value)
    app.run()
    assert not app.exception, app.exception[0].value
    return app


def shown(app: AppTest) -> list[str]:
    """The ids of the films on the page, in order: each has a link with its id."""
    return [item.proto.label for item in app.get("page_link")]


def summary(*films: tuple[str, int, float]) -> str:
    """What the page says of films (source, covid, score) that are all on one sheet, at 0.6."""
    table = pd.DataFrame(films, columns=["source", "covid", "score"]).assign(split="test")
    matches = browse_text.select_set(table, "test", 0.6)
    return browse_text.summary(matches, browse_text.sheet(matches, 1))


def simulated(score: float | None) -> str:
    """The card of the simulated film of `rendered`."""
    return film_card.of_sample("Clear lungs", score, 0.6)


def pictures(app: AppTest) -> list[str]:
    """Return the alternative texts of the images on the page."""
    return [item.alt for image in app.get("image") for item in image.proto.imgs]


def test_all_test_films_the_most_wrong_first(demo):
    app = open_page("browse")
    assert shown(app) == ALL
    assert summary(*((row[1], row[3], row[5]) for row in ROWS if row[2] == "test")) in text(app)
    assert pictures(app)[0] == film_card.describe("cohen-2", 0.2, "fn")
    assert MockReader.asked == []  # scores come from the table


@pytest.mark.parametrize(
    ("picked", "matches"),
    [
        ({"network": "paper"}, ["cohen-3", "cohen-2", "kermany-1", "cohen-1", "kermany-2"]),
        ({"source": CHILDREN}, ["kermany-2", "kermany-1"]),
        ({"truth": "covid"}, ["cohen-2", "cohen-1"]),
        ({"verdict": ["fn", "tp"]}, ["cohen-2", "cohen-1"]),
        ({"network": "paper", "verdict": ["fp"]}, ["cohen-3"]),
        ({"threshold": 0.15, "verdict": ["tp"]}, ["cohen-2", "cohen-1"]),
        ({"order": "lowest"}, BY_SCORE[::-1]),
        ({"order": "highest"}, BY_SCORE),
        ({"order": "other"}, ["cohen-3", "kermany-2", "kermany-1", "cohen-1", "cohen-2"]),
        ({"order": "wrong"}, ALL),
        ({"set": "all"}, ["cohen-2", "cohen-3", "cohen-4", "nih-1", "cohen-1", "kermany-2", "kermany-1"]),
    ],
)
def test_the_filters_apply(demo, picked, matches):
    assert shown(show(open_page("browse"), **picked)) == matches


def part(app: AppTest, name: str) -> AppTest:
    """Show a part of the set of all films."""
    return show(show(app, set="all"), part=browse_text.PARTS[name][0])


def test_other_splits_are_parts_of_all(demo):
    app = open_page("browse")
    assert app.get_by_key("set").options == [label for label, _ in browse_text.SETS.values()]
    assert shown(part(app, "train")) == ["cohen-4"]
    assert shown(part(app, "extra-test")) == ["nih-1"]
    assert shown(part(app, "free")) == ["cohen-2", "cohen-3", "nih-1", "cohen-1"]
    assert shown(show(app, set="test")) == ALL


@pytest.mark.parametrize("split", config.SPLIT_LABELS)
def test_every_split_has_an_address(demo, split):
    app = films_page(**browse_text.address(split))
    assert shown(app) == [
        row[0] for row in sorted(ROWS, key=lambda row: -abs(row[5] - (row[3] or 0))) if row[2] == split
    ]


def test_no_match_names_the_filters_and_clears_them(demo):
    app = show(open_page("browse"), verdict=["fp"], truth="covid")
    assert not shown(app)
    said = app.info[0].value.replace("\\", "")
    assert CELL_NAMES["fp"] in said and browse_text.TRUTHS["covid"] in said
    assert "lift_truth" not in [item.key for item in app.button]  # at 0.6, fine-tuned has no false positive
    app.button(key="clear_filters").click().run()
    assert not app.exception and shown(app) == ALL and "verdict" not in app.query_params


def test_lifting_one_filter_keeps_the_others(demo):
    app = show(open_page("browse"), source=CHILDREN, truth="covid")
    assert not shown(app)
    app.button(key="lift_source").click().run()
    assert shown(app) == ["cohen-2", "cohen-1"] and app.get_by_key("truth").value == "covid"


def test_another_set_clears_the_filters(demo):
    app = show(films_page(near="0.1", marked="cohen-3"), truth="other")
    assert shown(app) == ["cohen-3"]
    app = show(app, set="all")
    assert len(shown(app)) == 7 and not {"truth", "near", "marked"} & set(app.query_params)


def test_similar_scores_are_the_band_with_this_one_marked(demo):
    app = films_page(near="0.07", marked="kermany-2")
    assert shown(app) == ["kermany-2", "cohen-3"]  # 0.03, then the most wrong of the others; 0.01 is no neighbor
    assert [item.value for item in app.get_by_key("card_kermany-2").markdown] == ["**This X-ray**"]
    assert not app.get_by_key("card_cohen-3").markdown
    app.button(key="lift_band").click().run()
    assert shown(app) == ALL and not {"near", "marked"} & set(app.query_params)


def test_a_source_of_another_set_is_dropped(demo):
    app = show(open_page("browse"), source=CHILDREN)
    assert shown(part(app, "extra-test")) == ["nih-1"]
    assert app.get_by_key("source").value == browse_text.ALL_SOURCES


def test_scene_from_the_address(demo):
    labels = {"verdict": CELL_NAMES["fp"], "truth": browse_text.TRUTHS["other"], "set": browse_text.SETS["test"][0]}
    app = films_page(network="paper", threshold="0.3", **labels)
    assert shown(app) == ["cohen-3"] and app.slider(key="threshold").value == 0.3
    app = films_page(order=browse_text.ORDERS["wrong"], source=config.SOURCE_TITLES["cohen"])
    assert shown(app) == ["cohen-2", "cohen-3", "cohen-1"]
    app = films_page(order=browse_text.ORDERS["lowest"], source=config.SOURCE_TITLES["cohen"])
    assert shown(app) == ["cohen-3", "cohen-2", "cohen-1"]


def test_invalid_values_in_the_url_change_nothing(demo):
    nonsense = {
        "set": "9",
        "source": "<b>",
        "truth": "x",
        "verdict": "all",
        "order": "-",
        "sheet": "0",
        "heatmaps": "?",
    }
    assert shown(films_page(**nonsense)) == ALL
    assert shown(films_page(sheet="99", network="xyz", threshold="nan")) == ALL
    assert MockReader.asked == []


def test_a_link_opens_the_film_with_network_and_threshold(demo):
    app = show(open_page("browse"), network="paper", threshold=0.35)
    link = app.get("page_link")[0].proto
    assert link.label == "cohen-3" and link.page == ""
    assert link.query_string == "film=cohen-3&network=paper&threshold=0.35"


# --- Sheets -----------------------------------------------------------------------------------------


@pytest.fixture
def many(demo, monkeypatch):
    score_many(demo, monkeypatch)
    return demo


def test_twenty_four_a_sheet(many):
    app = open_page("browse")  # the highest score of a child is the most wrong
    assert shown(app)[0] == "kermany-49" and len(shown(app)) == 24
    films = cache.gallery_table("fine-tuned")
    films = browse_text.select_set(films, "test", 0.6)
    assert browse_text.summary(films, browse_text.sheet(films, 1)) in text(app)
    assert holds(browse_text.summary(films, browse_text.sheet(films, 1)), 50, 1, 24)
    assert shown(show(app, sheet=3)) == ["kermany-1", "kermany-0"]
    assert shown(show(app, order="lowest"))[0] == "kermany-0"  # another order starts at its first sheet


def test_a_sheet_from_the_address(many):
    assert shown(films_page(sheet="3")) == ["kermany-1", "kermany-0"]
    assert len(shown(films_page(sheet="4"))) == 24


def test_only_the_images_shown_are_loaded(many, monkeypatch):
    """Of the fifty, two have a picture, and both are on the last sheet or the first one, by order."""
    loaded = []
    monkeypatch.setattr(cache, "card_picture", lambda path: loaded.append(path))
    app = open_page("browse")
    assert loaded == []
    show(app, order="lowest")
    assert [path.split("/")[-1] for path in loaded] == ["kermany-1.png", "kermany-2.png"]


# --- Heatmaps ---------------------------------------------------------------------------------------


def test_heatmaps_of_the_films_shown_only(demo):
    app = show(open_page("browse"), truth="covid", heatmaps=True)
    assert len(MockReader.asked) == 2
    covid = [film_card.describe("cohen-2", 0.2, "fn"), film_card.describe("cohen-1", 0.97, "tp")]
    assert pictures(app) == [film_card.under_heatmap(film) for film in covid]
    show(app, threshold=0.3)
    assert len(MockReader.asked) == 2  # what was read is not read again
    show(app, truth="other")
    assert len(MockReader.asked) == 5


def test_a_network_that_cannot_be_loaded_leaves_the_films(demo, monkeypatch):
    monkeypatch.setattr(MockReader, "failure", NetworkError("weights?"))
    app = show(open_page("browse"), heatmaps=True)
    assert app.error[0].value == "weights\\?" and shown(app) == ALL
    assert len(pictures(app)) == 5


def test_films_without_a_usable_score_keep_their_pictures(demo, monkeypatch):
    monkeypatch.setattr(MockReader, "failure", PredictionError("No score."))
    app = show(open_page("browse"), truth="covid", heatmaps=True)
    app.run()
    assert not app.exception and len(MockReader.asked) == 2
    assert pictures(app) == [film_card.describe("cohen-2", 0.2, "fn"), film_card.describe("cohen-1", 0.97, "tp")]


def test_a_film_that_cannot_be_read_leaves_the_others(demo):
    (demo / "data" / "images" / "cohen-1.png").write_bytes(b"no film")
    app = show(open_page("browse"), heatmaps=True)
    assert shown(app) == ALL and len(pictures(app)) == 4
    assert app.get_by_key("no-picture-cohen-1").markdown


# --- What is not there ------------------------------------------------------------------------------


@pytest.mark.parametrize("broken", [False, True])
def test_without_pictures_there_are_cards_with_score_and_link(demo, monkeypatch, broken):
    if broken:
        (demo / "data" / "manifest.csv").rename(demo / "films.csv")
    else:
        monkeypatch.delenv(config.DATA_VARIABLE)
    monkeypatch.setattr(config, "DATASET_CSV", demo / ("films.csv" if broken else "data/manifest.csv"))
    app = open_page("browse")
    own, others = shown(app)[: -len(ALL)], shown(app)[-len(ALL) :]
    assert others == ALL and bool(app.warning) == broken
    assert film_card.of_film(0.2, 0.6, "fn", ROWS[1][4], "cohen", "https://example.org/films") in [
        item.proto.body for item in app.get("html")
    ]
    if broken:  # a data folder is set
        assert not own and not pictures(app)
    else:  # the X-rays that come with the demo lead the page
        assert set(own) < {film.id for film in cache.samples().values()} and len(own) == len(pictures(app)) > 1
        assert shown(show(app, order="wrong")) == ALL
        assert shown(films_page(truth=browse_text.TRUTHS["covid"])) == ["cohen-2", "cohen-1"]  # not among these
    assert app.button(key="fetch_films") and "heatmaps" not in [item.key for item in app.toggle]


def test_films_with_a_picture_lead_where_most_have_none(demo, monkeypatch):
    monkeypatch.setattr(config, "DATASET_CSV", demo / "data/manifest.csv")
    monkeypatch.delenv(config.DATA_VARIABLE)
    path = demo / "data" / "images" / "cohen-1.png"
    monkeypatch.setattr(cache, "paths", lambda ids: {film: path for film in ids if film == "cohen-1"})
    app = open_page("browse")
    assert shown(app) == ["cohen-1", *(film for film in ALL if film != "cohen-1")] and len(pictures(app)) == 1
    assert app.get_by_key("no-picture-cohen-2").markdown
    assert shown(show(app, order="wrong")) == ALL


def test_a_bar_of_the_age_pyramid_opens_its_films(demo):
    children = browse_text.age_address("test", subgroups.CHILDREN, covid=False)
    app = films_page(**children)
    assert shown(app) == ["kermany-2", "kermany-1"]
    app.button(key="age_filter").click().run()
    assert shown(app) == ["cohen-3", "kermany-2", "kermany-1"]  # the ground truth is still set
    nothing = films_page(**children | {browse_text.AGE: "200 to 209"})
    assert not shown(nothing) and len(nothing.info) == 1
    nothing.button(key=f"lift_{browse_text.AGE}").click().run()
    assert shown(nothing)


def test_on_a_phone_the_filters_are_behind_one_button(demo, monkeypatch):
    assert not open_page("browse").expander
    monkeypatch.setattr(widgets, "on_phone", lambda: True)
    app = films_page(truth=browse_text.TRUTHS["covid"], network="paper")
    (drawer,) = app.expander
    assert {item.key for item in (*drawer.selectbox, *drawer.slider, *drawer.segmented_control)} >= {
        "source", "order", "threshold", "truth", "network"
    }  # fmt: skip
    assert "2" in drawer.label and not drawer.proto.expanded
    assert shown(app) == ["cohen-2", "cohen-1"]


def test_without_a_list_of_films_the_scores_are_shown(demo, monkeypatch):
    monkeypatch.setattr(config, "DATASET_CSV", demo / "none.csv")
    assert shown(open_page("browse")) == ALL


def test_without_scores_the_page_says_how_to_make_them(demo):
    (demo / "scores.csv").unlink()
    app = open_page("browse")
    assert len(app.info) == 1 and "python -m covid_model evaluate" in app.info[0].value


def test_a_network_without_scores_offers_the_other(demo):
    table = pd.read_csv(demo / "scores.csv")
    table[table["network"] == "paper"].to_csv(demo / "scores.csv", index=False)
    app = open_page("browse")
    assert len(app.info) == 1 and not shown(app)
    app.button(key="use-paper").click().run()
    assert len(shown(app)) == 5


# --- Simulated films --------------------------------------------------------------------------------


@pytest.fixture
def rendered(demo, monkeypatch):
    """A list of two films of ours, one of them simulated."""
    folder = demo / "films"
    folder.mkdir()
    for name in ("sim", "real"):
        (folder / f"{name}.png").write_bytes(cv2.imencode(".png", synthetic_images.film())[1].tobytes())
    common = {"shows": "Lungs.", "credit": "Ours", "covid": 0, "mask": None, "lungs": None}
    entries = [
        common | {"id": "sim", "file": "sim.png", "title": "Simulated: clear lungs", "simulated": True},
        common | {"id": "real", "file": "real.png", "title": "A real film", "simulated": False},
    ]
    (folder / "films.json").write_text(json.dumps({"films": entries}))
    monkeypatch.setattr(config, "FILMS_JSON", folder / "films.json")
    return demo


def test_simulated_films_are_labeled_and_read_on_request(rendered):
    app = part(open_page("browse"), "simulated")
    assert shown(app) == ["sim"] and MockReader.asked == []
    assert pictures(app) == [film_card.describe_simulated("Clear lungs")]
    assert app.get("html")[0].proto.body == simulated(None)
    app = show(app, heatmaps=True)
    assert MockReader.asked == [registry.default()]
    score = float(synthetic_images.film().max()) / 256
    assert app.get("html")[0].proto.body == simulated(score)
    app.run()
    assert len(MockReader.asked) == 1 and app.get("html")[0].proto.body == simulated(score)


def test_no_simulated_films(demo, monkeypatch):
    monkeypatch.setattr(config, "FILMS_JSON", demo / "none.json")
    app = part(open_page("browse"), "simulated")
    assert len(app.info) == 1 and not shown(app)


def test_simulated_films_need_no_scores(rendered):
    (rendered / "scores.csv").unlink()
    assert shown(part(open_page("browse"), "simulated")) == ["sim"]


# --- From the confusion matrix ----------------------------------------------------------------------


def test_a_cell_of_the_matrix_leads_here(demo):
    app = show(open_page("results"), network="paper", cell="fp", threshold=0.7)
    app.session_state["open-cell"] = "fp"  # what a click on the button leaves behind
    app.run()
    assert not app.exception
    assert page_of(app) == "browse" and shown(app) == ["cohen-3"]
    assert app.get_by_key("network").value == "paper" and app.get_by_key("threshold").value == 0.7
    assert app.get_by_key("verdict").value == ["fp"] and CELL_NAMES["fp"] in app.query_params["verdict"]


def test_earlier_filters_do_not_hide_the_cell(demo):
    app = show(part(open_page("browse"), "train"), order="lowest")
    app.switch_page("covid_model/app/pages/results.py").run()
    app.session_state["open-cell"] = "fn"
    app.run()
    assert not app.exception and shown(app) == ["cohen-2"]
