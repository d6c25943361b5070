"""Browse X-rays: films filtered, sorted and cut into sheets, and their cards."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pandas as pd
import pytest

from covid_model import config
from covid_model.app.components import film_card
from covid_model.app.text import browse as browse_text
from covid_model.evaluation import subgroups
from covid_model.imaging import image

FILMS = [  # id, split, source, covid, score
    ("a", "test", "cohen", 1, 0.9),
    ("b", "test", "cohen", 1, 0.6),
    ("c", "test", "kermany", 0, 0.7),
    ("d", "test", "kermany", 0, 0.05),
    ("e", "train", "cohen", 1, 0.2),
]


def scores(rows=FILMS, network: str = "paper") -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["id", "split", "source", "covid", "score"])
    return table.assign(network=network)


@pytest.fixture
def films() -> pd.DataFrame:
    return browse_text.select_set(browse_text.table(scores(), "paper"), "test", 0.6)


def ids(films: pd.DataFrame) -> str:
    return "".join(films.index)


def test_table_joins_the_list_of_films():
    listed = pd.DataFrame({"finding": ["COVID-19", None], "url": ["https://a.org", None]}, index=["a", "b"])
    table = browse_text.table(pd.concat([scores(), scores(network="fine-tuned")]), "paper", listed)
    assert ids(table) == "abcde"
    assert table.loc["a", ["finding", "url", "license"]].tolist() == ["COVID-19", "https://a.org", ""]
    assert table.loc["b", "finding"] == "" and table.loc["e", "url"] == ""


def test_table_without_a_list_and_with_damaged_rows():
    rows = [*FILMS, ("f", "test", "nih", 0, float("nan")), ("g", "test", "nih", 0, 1.2), ("h", "test", "nih", 7, 0.2)]
    table = browse_text.table(scores([*rows, rows[0]]), "paper")
    assert ids(table) == "abcde" and (table["finding"] == "").all()
    assert browse_text.table(scores(), "fine-tuned").empty


def test_cells_at_the_threshold(films):
    assert films["cell"].tolist() == ["tp", "fn", "fp", "tn"]  # a film at the threshold is not above it


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, "abcd"),
        ({"source": "cohen"}, "ab"),
        ({"truth": "other"}, "cd"),
        ({"truth": "covid", "source": "kermany"}, ""),
        ({"cells": ["fn", "fp"]}, "bc"),
        ({"cells": ["fn", "fp"], "truth": "covid"}, "b"),
    ],
)
def test_filtered(films, filters, expected):
    assert ids(browse_text.filtered(films, **filters)) == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [("highest", "acbd"), ("lowest", "dbca"), ("covid", "abcd"), ("other", "cdab"), ("wrong", "cbad")],
)
def test_in_order(films, order, expected):
    assert set(browse_text.ORDERS) >= {order}
    assert ids(browse_text.in_order(films, order)) == expected


def test_pictures_come_first_and_then_the_most_wrong(films):
    assert next(iter(browse_text.orders(pictures=False))) == browse_text.PICTURES_FIRST
    assert browse_text.orders(pictures=True) == browse_text.ORDERS
    assert ids(browse_text.in_order(films, browse_text.PICTURES_FIRST, {"d", "b"})) == "bdca"
    assert ids(browse_text.in_order(films, "wrong", {"d", "b"})) == "cbad"


def test_a_bar_of_the_age_pyramid_has_an_address():
    table = pd.DataFrame({"source": ["cohen", "cohen", "kermany"], "age": ["47", None, None]}, index=list("abc"))
    for name, film in zip(subgroups.age_names(table), table.index, strict=True):
        label = browse_text.age_address("external", name, covid=True)[browse_text.AGE]
        assert "<br>" not in label and browse_text.of_age(table, label) == {film}
    assert browse_text.age_address("external", subgroups.CHILDREN, covid=False) == browse_text.address("external") | {
        browse_text.AGE: subgroups.CHILDREN,
        browse_text.TRUTH: browse_text.TRUTHS["other"],
    }


def test_sheets():
    films = pd.DataFrame(index=range(50))
    second = browse_text.sheet(films, 2)
    assert (second.number, second.sheets, second.first, second.last, len(second.rows)) == (2, 3, 25, 48, 24)
    assert browse_text.sheet(films, 99).rows.index.tolist() == [48, 49]
    assert browse_text.sheet(films, -3).first == 1
    empty = browse_text.sheet(films.iloc[:0], 4)
    assert (empty.number, empty.sheets) == (1, 1) and empty.rows.empty


def test_similar_scores_are_within_the_band():
    films = pd.DataFrame({"score": [0.44, 0.46, 0.5, 0.54, 0.56]}, index=list("abcde"))
    assert browse_text.filtered(films, near=0.5).index.tolist() == ["b", "c", "d"]
    assert browse_text.marked_first(films, "c").index.tolist() == ["c", "a", "b", "d", "e"]
    assert browse_text.marked_first(films, "x").equals(films) and browse_text.marked_first(films, None).equals(films)
    address = browse_text.similar_address(0.1234567, "cohen-1")
    assert browse_text.score_from(address[browse_text.NEAR]) == pytest.approx(0.1234567, abs=1e-6)
    assert address[browse_text.MARKED] == "cohen-1" and browse_text.MARKED not in browse_text.similar_address(1.0, None)


def test_a_group_of_the_story_has_an_address():
    other = {browse_text.TRUTH: browse_text.TRUTHS["other"]}
    assert browse_text.group_address("test", False, {"cohen", "kermany"}) == other
    only = {browse_text.SOURCE: config.SOURCE_TITLES["cohen"]}
    assert browse_text.group_address("test-adults", False, {"cohen"}) == other | only
    assert browse_text.group_address("extra-test", False, {"nih"}) == browse_text.address("extra-test") | other
    address = browse_text.group_address("figure1", True, {"figure1"})
    assert address[browse_text.SOURCE] == config.SOURCE_TITLES["figure1"]
    assert address | browse_text.address("external") == address
    assert address[browse_text.TRUTH] == browse_text.TRUTHS["covid"]


@pytest.mark.parametrize("nonsense", [None, "", "x", "nan", "inf", "-0.1", "1.1"])
def test_a_score_that_is_none(nonsense):
    assert browse_text.score_from(nonsense) is None


def test_which_filter_to_lift():
    filters = {"source": "NIH", "truth": "COVID-19"}
    helps, hopeless = (browse_text.no_match(filters, {"source": count, "truth": 0}) for count in (3, 0))
    assert (
        all("**NIH** and **COVID\\-19** together" in sentence for sentence in (helps, hopeless)) and helps != hopeless
    )
    assert "together" not in browse_text.no_match({"near": "Scores"}, {"near": 9})


def test_summary(films):
    assert browse_text.summary(films, browse_text.sheet(films, 1)) == (
        "4 X-rays: 1 true positive, 1 false negative, 1 false positive, 1 true negative."
    )
    assert browse_text.summary(films, browse_text.sheet(films, 2, size=3)).startswith("4 X-rays, showing 4 to 4: ")


def test_summary_says_whether_it_holds_training_films():
    every = browse_text.select_set(browse_text.table(scores(), "paper"), browse_text.ALL, 0.6)
    summary = browse_text.summary(every, browse_text.sheet(every, 1))
    assert summary.endswith("This includes X-rays that networks were trained on.")
    trained_on = every[every["split"] == "train"]
    assert "trained" not in browse_text.summary(trained_on, browse_text.sheet(trained_on, 1))


def test_no_wait_at_all_films():
    random = np.random.default_rng(0)
    count = 11_512
    table = pd.DataFrame(
        {
            "id": [f"film-{number}" for number in range(count)],
            "split": random.choice(config.SPLITS, count),
            "source": random.choice(list(config.SOURCE_TITLES), count),
            "covid": random.integers(0, 2, count),
            "score": random.uniform(0, 1, count),
            "network": "paper",
        }
    )
    table = browse_text.table(table, "paper")
    started = time.process_time()
    part = browse_text.select_set(table, "test", 0.6)
    shown = browse_text.in_order(browse_text.filtered(part, "nih", "covid", ["tp"]), "wrong")
    browse_text.summary(shown, browse_text.sheet(shown, 3))
    assert time.process_time() - started < 0.25


# --- Cards ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(400, 300), (30, 90), (90, 30, 3)])
def test_a_film_fits_whole_into_its_square(shape):
    square = image.fit_square(np.full(shape, 200, np.uint8), 60)
    assert square.shape == (60, 60, *shape[2:])
    lit = np.argwhere((square if square.ndim == 2 else square[..., 0]) == 200)
    height, width = lit.max(axis=0) - lit.min(axis=0) + 1
    assert abs(height / width - shape[0] / shape[1]) < 0.1 and max(height, width) == 60


def test_a_jpeg_keeps_red_and_blue_apart():
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 250
    back = cv2.imdecode(np.frombuffer(image.encode_jpeg(red), np.uint8), cv2.IMREAD_COLOR)
    assert back[8, 8, 2] > 200 > 60 > back[8, 8, 0]


def test_card_of_a_film():
    html = film_card.of_film(0.97, 0.6, "tp", "COVID-19, ARDS", "cohen", "https://a.org/?x=1&y=2")
    assert "0.970" in html and "True positive" in html and "COVID-19, ARDS" in html
    assert 'href="https://a.org/?x=1&amp;y=2"' in html
    assert 'aria-label="Score 0.970 on a line from 0 to 1, threshold at 0.60"' in html
    assert ">Image Data Collection</a>" in html and 'title="COVID-19 Image Data Collection"' in html
    assert film_card.SHAPES[True] in html and film_card.SHAPES[False] not in html


@pytest.mark.parametrize("url", ["", "javascript:alert(1)", 'https://a.org/"onclick="x', "ftp://a.org"])
def test_card_links_to_web_addresses_only(url):
    assert "href" not in film_card.of_film(0.1, 0.6, "tn", "", "nih", url)


def test_card_escapes_what_sources_write():
    html = film_card.of_film(0.0004, 0.6, "tn", "<script>x</script>", "<b>", "")
    assert "<script>" not in html and "&lt;script&gt;" in html and "<b>" not in html
    assert "&lt; 0.001" in html and "Score below 0.001" in html


def test_card_of_a_simulated_film():
    unread = film_card.of_sample("Clear <lungs>", None, 0.6)
    assert "Clear &lt;lungs&gt;" in unread and "Simulated" in unread and "positive" not in unread.lower()
    scored = film_card.of_sample("Clear", 0.61, 0.6)
    assert "0.610" in scored and "positive" not in scored.lower() and film_card.FAINT in scored  # no verdict


def test_description_says_what_the_picture_is():
    assert film_card.describe("cohen-1", 0.2, "fn") == "COVID-19 X-ray cohen-1, score 0.200, false negative"
    assert "heatmap" in film_card.under_heatmap(film_card.describe("cohen-1", 0.2, "fn"))
    assert film_card.describe_simulated("Clear lungs") == "Simulated X-ray: Clear lungs"
