"""Similar films: the index, what neighbors share, the map and its words, on small made-up features."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace

import keras
import numpy as np
import pandas as pd
import pytest

from covid_model import config
from covid_model.app.text import similarity as text
from covid_model.charts import films as charts
from covid_model.experiments import features as experiment
from covid_model.imaging.preprocessing import Preprocessing, prepare, to_input
from covid_model.model import registry, vgg19
from covid_model.model.similarity import FilmIndex, FilmMap, SimilarityError, space_of
from covid_model.training import features as training_features
from tests.support import mock_networks
from tests.support.app_pages import holds


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    """Features (60, 12) of three groups of 20 films."""
    rng = np.random.default_rng(0)
    centers = rng.uniform(0, 9, (3, 12))
    return np.repeat(centers, 20, axis=0) + rng.uniform(0, 1, (60, 12))


@pytest.fixture(scope="module")
def films() -> pd.DataFrame:
    """The films: the first group is one source's COVID-19, the other two are another's, half of them COVID-19."""
    table = pd.DataFrame({"source": ["a"] * 20 + ["b"] * 40, "covid": [1] * 40 + [0] * 20}, dtype=object)
    table["patient"] = [f"p{number // 2}" for number in range(60)]
    table["split"] = "test"
    return table.set_index(pd.Index([f"film-{number}" for number in range(60)], name="id"))


@pytest.fixture(scope="module")
def index(features, films) -> FilmIndex:
    return FilmIndex(np.array(films.index, dtype=str), {"made-up": experiment.build(features, "0" * 64, 0)})


def test_a_film_is_its_own_nearest_and_its_group_is_next(index, features):
    space = index.spaces["made-up"]
    rows, cosines = index.nearest("made-up", space.code(features[:1])[0], 20)
    assert rows[0] == 0 and cosines[0] == pytest.approx(1, abs=1e-3) and (np.diff(cosines) <= 0).all()
    assert set(rows) == set(range(20))
    left_out = np.arange(60) < 20
    rows, _ = index.nearest("made-up", space.codes[0], 60, left_out)
    assert rows.min() == 20 and len(rows) == 40
    assert (index.row("film-7"), index.row("film-99")) == (7, None)


def test_the_map_keeps_groups_together(index):
    places = index.spaces["made-up"].places
    assert places.shape == (60, 2) and np.abs(places).max() == pytest.approx(1)
    apart = np.linalg.norm(places[:, None] - places[None], axis=-1)
    np.fill_diagonal(apart, np.inf)
    assert (apart.argmin(axis=1) // 20 == np.arange(60) // 20).all()


def test_the_index_comes_back_from_its_file(index, tmp_path):
    hidden = FilmMap(np.array("1" * 64), index.spaces["made-up"].places.astype(np.float16))
    FilmIndex(index.ids, index.spaces | {registry.IMAGENET: index.spaces["made-up"]}, {"paper": hidden}).save(
        tmp_path / "index.npz"
    )
    again = FilmIndex.load(tmp_path / "index.npz")
    assert (again.ids == index.ids).all() and list(again.spaces) == ["made-up", registry.IMAGENET]
    assert list(again.maps) == [registry.IMAGENET, "made-up", "paper"]
    np.testing.assert_array_equal(again.hidden["paper"].places, hidden.places)
    assert str(again.maps["paper"].weights) == "1" * 64
    for name, array in vars(index.spaces["made-up"]).items():
        np.testing.assert_array_equal(getattr(again.spaces["made-up"], name), array)


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"PK"), None])
def test_a_damaged_index_says_how_to_make_it(index, tmp_path, damage):
    path = tmp_path / "index.npz"
    (FilmIndex(index.ids[:5], index.spaces) if damage is None else index).save(path)
    if damage:
        damage(path)
    with pytest.raises(SimilarityError, match=r"index\.npz"):
        FilmIndex.load(path)


def test_what_neighbors_share(index, films):
    part = experiment.shared(index, "made-up", films)["all"]
    assert part["films"] == 60
    assert part["source"]["shared"].value == 1 and part["class"]["shared"].value == 1
    others = [[other for other in range(60) if other // 2 != film // 2] for film in range(60)]
    chance = np.mean([np.mean([(film < 20) == (other < 20) for other in rows]) for film, rows in enumerate(others)])
    assert part["source"]["chance"] == pytest.approx(chance)
    films = films.assign(source=config.CHILDREN)
    assert "adults" not in experiment.shared(index, "made-up", films)


def test_every_base_is_indexed_once(features, films, tmp_path, monkeypatch):
    class Store:
        def __init__(self, spec, data, vgg19, precision, work):
            asked.append((spec.name, vgg19))

        def get(self, ids):
            return None, features[: len(ids)]

    asked: list[tuple] = []
    specs = {
        name: SimpleNamespace(name=name, base=base, sha256=name * 8, head=registry.Head(pooling, 8, 0.0))
        for name, base, pooling in (
            ("own", "own", "flatten"), ("one", registry.IMAGENET, "average"), ("two", registry.IMAGENET, "flatten")
        )
    }  # fmt: skip
    monkeypatch.setattr(experiment, "hidden_layer", lambda spec, data, ids, base, work: features[: len(ids)] ** 2)
    monkeypatch.setattr(experiment, "OutputStore", Store)
    monkeypatch.setattr(registry, "names", lambda: list(specs))
    monkeypatch.setattr(registry, "spec", specs.get)
    trained = films.assign(split=["train"] * 4 + ["test"] * 56)
    path = experiment.index(SimpleNamespace(films=trained), {"one": "file"}.get, tmp_path, tmp_path / "index.npz")
    index, record = FilmIndex.load(path), json.loads(path.with_suffix(".json").read_text())
    assert asked == [("own", None), ("one", "file")]
    assert list(index.spaces) == ["own", registry.IMAGENET] and list(index.hidden) == ["two"]
    assert set(record["spaces"]) == {"own", registry.IMAGENET, "two"}
    assert index.maps["two"].places.shape == (56, 2) and str(index.maps["two"].weights) == "two" * 8
    assert [space_of(spec) for spec in specs.values()] == ["own", registry.IMAGENET, registry.IMAGENET]
    assert list(index.ids) == list(films.index[4:]) and record["films"] == 56
    sentence = text.overall(record, "own")
    assert holds(sentence, record["spaces"]["own"]["adults"]["films"], experiment.NEIGHBORS)
    assert text.overall({"spaces": {}}, "own") == ""
    assert len(sentence) > len(text.overall(record, registry.IMAGENET))  # the base is not compared with itself


def test_the_hidden_layer_is_the_models(tmp_path, monkeypatch):
    """As the whole network computes it, from the stored features of its base."""
    keras.utils.set_random_seed(0)
    head = registry.Head("flatten", 6, 0.0)
    model = vgg19.build(head, 64)
    digest = vgg19.save_weights(vgg19.get_weights(model, registry.IMAGENET), tmp_path / "paper.npz")
    vgg19.set_weights(vgg19.head_layers(model), vgg19.read_weights(tmp_path / "paper.npz"))
    spec = SimpleNamespace(
        weights="paper.npz", base=registry.IMAGENET, head=head, sha256=digest, preprocessing=Preprocessing(64)
    )
    pixels = to_input(np.stack([prepare(mock_networks.film(seed), spec.preprocessing) for seed in range(3)]))
    base, layer = (
        keras.Model(model.input, model.get_layer(name).output).predict(pixels) for name in ("block5_pool", "fc1")
    )
    monkeypatch.setattr(config, "NETWORKS", tmp_path)
    monkeypatch.setattr(training_features, "extract", lambda *given: base)
    monkeypatch.setattr(training_features, "FILMS_AT_ONCE", 2)
    found = training_features.hidden_layer(spec, None, ["a", "b", "c"], "imagenet")
    np.testing.assert_allclose(found, layer, rtol=1e-3, atol=1e-4)
    assert training_features.has_own_features(spec) and (found > 0).any()


def test_words_for_a_maps_probe():
    result = {"source": 0.9, "source_chance": 0.25, "class": 0.8, "class_chance": 0.5}
    records = {"paper": {"own": result, "frozen": result | {"source": 0.6}, "hidden": result | {"source": 0.7}}}
    records["fine-tuned"] = {"own": result, "frozen": None}
    for name, source in ((registry.IMAGENET, 60), ("paper", 70), ("fine-tuned", 90)):
        assert holds(text.probed(records, name), source, 25, 80, 50), name
    assert text.probed(records, "other") == text.probed({"paper": None}, registry.IMAGENET) == ""


@pytest.mark.measured
def test_a_query_takes_less_than_50_ms():
    index = FilmIndex.load()
    rng = np.random.default_rng(0)
    for name, space in index.spaces.items():
        seconds = []
        for _ in range(5):
            features = rng.uniform(0, 9, (1, len(space.center)))
            started = time.perf_counter()
            index.nearest(name, space.code(features)[0], 10)
            seconds.append(time.perf_counter() - started)
        assert min(seconds) < 0.05, name


def test_words_for_neighbors():
    films = pd.DataFrame({"source": ["nih", "nih", "cohen"], "covid": [0, 0, 1]})
    assert holds(text.neighbors(films, "cohen", 0), 3, 1, 2)
    assert holds(text.neighbors(films, None, None), 3, 2, 1) and "NIH" in text.neighbors(films, None, None)


def test_groups_of_the_map():
    films = pd.DataFrame(
        {"source": ["nih", "nih", "cohen", config.CHILDREN], "covid": [0, 1, 1, 0], "age": ["39", 65, None, None]}
    )
    assert text.groups(films, text.CLASS) == ["Non-COVID", "COVID-19", "COVID-19", "Non-COVID"]
    assert text.groups(films, text.AGE) == [text.AGES[0][1], text.AGES[2][1], text.NOT_STATED, text.CHILD]
    assert len(set(text.groups(films, text.SOURCE))) == 3 and text.groups(films, text.SCORE) is None


def test_the_map_is_drawn_with_every_film_once():
    places, names = np.arange(8.0).reshape(4, 2), [f"film-{number}" for number in range(4)]
    figure = charts.film_map(places, names, ["a", "b", "b", "<i>"], [0.1, 0.2, 0.3, 0.9], [1], (0, 0), lasso=True)
    assert [trace.name for trace in figure.data] == ["b (2)", "&lt;i&gt; (1)", "a (1)", "most similar", "this X-ray"]
    assert len({trace.marker.symbol for trace in figure.data[:3]}) == 3
    assert sorted(point[0] for trace in figure.data[:3] for point in trace.customdata) == names
    assert figure.layout.dragmode == "lasso"
    (scored,) = charts.film_map(places, names, None, [0.1, 0.2, 0.3, 0.9]).data
    assert list(scored.marker.color) == [0.1, 0.2, 0.3, 0.9]
    assert holds(charts.film_map_alt(["a", "b", "b"], 3), 3, 2, 1)


def test_a_selection_names_its_films():
    points = [{"customdata": ["film-1", "score 0.1"]}, {"customdata": ["film-1", ""]}, {}, {"customdata": ["film-2"]}]
    assert charts.selected(points) == ["film-1", "film-2"]
