"""Similar X-rays below a score, and the map on Browse X-rays, on made-up features."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from covid_model import config
from covid_model.app.components import similar
from covid_model.app.text import similarity as text
from covid_model.experiments import features as experiment
from covid_model.model.registry import IMAGENET
from covid_model.model.similarity import FilmIndex, FilmMap
from tests.pages.test_try_an_xray import upload
from tests.support import app_pages
from tests.support.app_pages import ROWS, charts, demo, film_bytes, holds, open_page

__all__ = ["demo"]

TEST = [film for film, _, split, *_ in ROWS if split == "test"]


@pytest.fixture
def indexed(demo, monkeypatch):
    """The demo with an index of the films of ROWS, by the features of the network fine-tuned."""
    described = json.loads((config.NETWORKS / "fine-tuned.json").read_text())
    rng = np.random.default_rng(1)
    space = experiment.build(rng.uniform(0, 9, (len(ROWS), 8)), described["sha256"], 0)
    FilmIndex(np.array([film for film, *_ in ROWS]), {"fine-tuned": space}).save(demo / "similarity.npz")
    monkeypatch.setattr(config, "SIMILARITY_NPZ", demo / "similarity.npz")
    monkeypatch.setattr(config, "SIMILARITY_JSON", demo / "similarity.json")
    return space


def links(app) -> list[str]:
    return [item.proto.label for item in app.get("page_link")]


def test_the_neighbors_of_a_film_of_the_data(indexed):
    app = open_page(film=TEST[0], tool=similar.TITLE)
    assert not app.exception
    shown = [label for label in links(app) if label in {film for film, *_ in ROWS}]
    assert shown and TEST[0] not in shown and len(shown) <= similar.NEIGHBORS
    assert "film_map" in charts(app)
    assert app_pages.MockReader.asked == ["fine-tuned"]  # its features are in the index


def test_an_upload_is_placed_by_its_features(indexed, monkeypatch):
    class Reader(app_pages.MockReader):
        def outputs(self, pixels, batch=None):
            return ((0.0, np.ones(8, np.float32)) for _ in pixels)

    monkeypatch.setattr("covid_model.app.networks.predictor", Reader)
    app = upload(open_page(tool=similar.TITLE), ("film.png", film_bytes(140)))
    assert not app.exception and "film_map" in charts(app)
    labeled = sum(row[3] is not None for row in ROWS)
    assert any(holds(item.value, labeled) for item in app.markdown if "most similar" in item.value)


@pytest.mark.parametrize("network", ["fine-tuned", "paper"])
def test_without_features_of_these_weights_it_says_so(demo, indexed, network, monkeypatch):
    if network == "fine-tuned":
        monkeypatch.setattr(config, "SIMILARITY_NPZ", demo / "missing.npz")
    app = open_page(film=TEST[0], tool=similar.TITLE, network=network)
    assert text.NO_INDEX in [item.value for item in app.markdown] and "film_map" not in charts(app)


def test_the_map_on_browse(indexed):
    app = open_page("browse")
    assert not any(key.startswith("film_map") for key in charts(app))
    app.toggle(key="map").set_value(True).run()
    assert not app.exception and "film_map_0" in charts(app)
    for color in text.COLORS:
        app.get_by_key(similar.COLOR).set_value(color).run()
        assert not app.exception


def test_the_map_by_other_features(indexed, demo):
    """Another network's hidden layer and ImageNet's features can be mapped; those of other weights are not offered."""
    index = FilmIndex.load(demo / "similarity.npz")
    today, old = (FilmMap(np.array(digest), -indexed.places) for digest in ("0" * 64, "1" * 64))
    spaces = index.spaces | {IMAGENET: replace(indexed, places=2 * indexed.places)}
    for hidden, names in ((today, ["fine-tuned", IMAGENET, "paper"]), (old, ["fine-tuned", IMAGENET])):
        FilmIndex(index.ids, spaces, {"paper": hidden}).save(demo / "similarity.npz")
        app = open_page("browse", map="true")
        picker = app.get_by_key(similar.FEATURES)
        assert list(picker.options) == [similar.map_title(name) for name in names]
        for name in names:
            app.get_by_key(similar.FEATURES).set_value(name).run()
            assert not app.exception and any(key.startswith("film_map_") for key in charts(app))
    app = open_page("browse", map="true", network="paper")
    assert app.get_by_key(similar.FEATURES).value == IMAGENET  # the paper's base
