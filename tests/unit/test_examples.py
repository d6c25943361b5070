"""The real films offered as examples: what a network does with each, and where its heat is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from covid_model.app import films
from covid_model.app.films import Kind
from covid_model.data.samples import Marker, RealFilm
from covid_model.model import readings, registry
from tests.support import mock_networks

ARROW = Marker("arrow", (0.0, 0.0, 0.1, 0.1))
ROWS = {  # id: ground truth, score of the network, of another one
    "sure": (1, 0.99, 0.9),
    "likely": (1, 0.8, 0.9),
    "missed": (1, 0.1, 0.9),
    "agreed": (0, 0.01, 0.2),
    "disputed": (0, 0.3, 0.9),
    "alarm": (0, 0.7, 0.1),
    "loud alarm": (0, 0.9, 0.1),
}


def listed(markers: tuple[Marker, ...] = ()) -> dict[str, RealFilm]:
    return {
        film: RealFilm(film, "url", film, "cohen", "credit", "license", "test", covid, "A film.", markers)
        for film, (covid, *_) in ROWS.items()
    }


def scores() -> pd.DataFrame:
    return pd.DataFrame({film: row[1:] for film, row in ROWS.items()}, index=["net", "other"]).T


def chosen(network: str = "net", threshold: float = 0.6, stored=None, markers=()) -> dict[Kind, str]:
    result = films.examples(listed(markers), scores(), network, threshold, stored)
    assert [example.kind for example in result] == sorted((example.kind for example in result), key=list(Kind).index)
    return {example.kind: example.film.id for example in result}


def test_the_clearest_film_of_each_kind():
    assert chosen() == {
        Kind.DETECTED: "sure", Kind.NEGATIVE: "disputed", Kind.MISSED: "missed", Kind.FALSE_ALARM: "loud alarm",
    }  # fmt: skip


def test_another_network_and_threshold_have_others():
    assert chosen("other") == {Kind.DETECTED: "sure", Kind.NEGATIVE: "alarm", Kind.FALSE_ALARM: "disputed"}
    assert chosen(threshold=0.0).keys() == {Kind.DETECTED, Kind.FALSE_ALARM}
    assert chosen("unknown") == {}


@pytest.fixture
def spec(tmp_path, monkeypatch):
    mock_networks.describe(tmp_path, "net", "Net", 0)
    return registry.spec("net", tmp_path)


def stored(spec, on_arrow: dict[str, float], outliers: tuple[str, ...] = ()) -> readings.Readings:
    """Predictions whose heat lies on the arrow for some films, with a share each, and elsewhere for the rest."""
    ids = tuple(ROWS)
    maps = np.zeros((len(ids), 10, 10), np.float16)
    for row, film in enumerate(ids):
        maps[row, 7, 7] = 1 - on_arrow.get(film, 0)
        maps[row, 0, 0] = 4 * on_arrow.get(film, 0)  # a corner spreads over a quarter of what a middle cell does
    distances = np.array([2.0 if film in outliers else 0.5 for film in ids], np.float32)
    logits = np.array([0.0] * len(ids), np.float32)
    return readings.Readings(
        spec, ids, ids, np.zeros(len(ids), np.uint64), logits, maps, distances, np.array([""] * len(ids))
    )


def test_heat_on_a_marker_is_a_kind_of_its_own(spec):
    result = chosen(stored=stored(spec, {"sure": 0.5, "alarm": 0.3}), markers=(ARROW,))
    assert result[Kind.MARKER] == "sure" and result[Kind.DETECTED] == "likely"  # each film once
    result = films.examples(listed((ARROW,)), scores(), "net", 0.6, stored(spec, {"alarm": 0.9}))[-1]
    assert (result.kind, result.marker) == (Kind.MARKER, "arrow") and result.share > 0.5 > result.area > 0


def test_a_little_heat_on_a_marker_is_none(spec):
    assert Kind.MARKER not in chosen(stored=stored(spec, {"sure": 0.005}), markers=(ARROW,))
    assert Kind.MARKER not in chosen(stored=stored(spec, {"sure": 0.9}))  # no marker is known on it
    large = Marker("label", (0.0, 0.0, 1.0, 0.6))
    assert Kind.MARKER not in chosen(stored=stored(spec, {"sure": 0.9}), markers=(large,))


def test_films_without_a_verdict_are_left_out(spec):
    result = chosen(stored=stored(spec, {}, outliers=("sure", "missed")))
    assert result[Kind.DETECTED] == "likely" and Kind.MISSED not in result
