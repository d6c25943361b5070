"""Stored predictions of the sample films: written, looked up by file, image and network, and never stale."""

from __future__ import annotations

import dataclasses
import hashlib
import io

import numpy as np
import pytest
from PIL import Image

from covid_model import config, imaging
from covid_model.data import samples
from covid_model.imaging import Film
from covid_model.model import gradcam, readings, registry
from covid_model.model.predictor import Prediction
from covid_model.training import score_dataset as maker
from covid_model.verdict import OutOfDistribution
from tests.support import mock_networks, synthetic_images

FILMS = {"a": 1, "b": 2, "c": 3}  # id: seed
HEAT = np.linspace(-1, 1, 16, dtype=np.float32).reshape(4, 4)


@pytest.fixture
def spec(tmp_path, monkeypatch):
    """A network without weights, in a folder of its own."""
    monkeypatch.setattr(config, "NETWORKS", tmp_path)
    monkeypatch.setattr(config, "READINGS_NPZ", tmp_path / "readings.npz")
    mock_networks.describe(tmp_path, "net", "Net", 0)
    return registry.spec("net")


def pixels(seed: int) -> np.ndarray:
    """A film that differs with `seed`: it is brighter toward one side or the other, and its mirror image is not it."""
    film = synthetic_images.film().astype(float)
    ramp = np.linspace(0, 20 * seed, film.shape[1])
    return np.uint8(np.clip(film * 0.8 + ramp, 0, 255))


def stored(spec) -> readings.Readings:
    """Write a prediction of each of FILMS and load them."""
    films = [(film, f"{seed:064d}", pixels(seed)) for film, seed in FILMS.items()]
    made = [
        Prediction("net", 0.5, seed - 2.0, HEAT / seed, (0, 0, 1, 1), (), 9.0, distance, reason)
        for seed, distance, reason in ((1, None, None), (2, 0.5, None), (3, 1.5, OutOfDistribution.CHANGED))
    ]
    readings.save(films, {readings.key(spec): made})
    return readings.load(spec)


def test_stored_predictions_are_looked_up_by_file(spec):
    loaded = stored(spec)
    film = Film(pixels(3), ("a warning",), "PNG", True)
    result = loaded.prediction(loaded.find(f"{3:064d}"), film)
    assert result.network == "net" and result.stored and result.box == spec.preprocessing.box
    assert result.score == pytest.approx(1 / (1 + np.exp(-1.0))) and result.logit == pytest.approx(1.0)
    assert np.allclose(result.heatmap, HEAT / 3, atol=1e-3) and result.heatmap.dtype == np.float32
    assert (result.ood_distance, result.ood_reason) == (1.5, OutOfDistribution.CHANGED)
    assert (result.warnings, result.in_color) == (film.warnings, True)
    first = loaded.prediction(0, Film(pixels(1), (), "PNG", False))
    assert first.ood_distance is None and not first.out_of_distribution
    assert loaded.find("f" * 64) is None


def test_a_reencoded_image_matches_and_another_film_does_not(spec):
    loaded = stored(spec)
    coded = io.BytesIO()
    Image.fromarray(pixels(1)).save(coded, "JPEG", quality=70)
    again = imaging.decode(coded.getvalue()).pixels
    assert (again != pixels(1)).any() and loaded.find_picture("a", again) == 0
    assert loaded.find_picture("a", np.ascontiguousarray(pixels(1)[:, ::-1])) is None  # its mirror image
    assert loaded.find_picture("unknown", again) is None


def test_a_changed_network_has_no_stored_predictions(spec):
    assert stored(spec).ids == tuple(FILMS)
    assert readings.load(dataclasses.replace(spec, sha256="1" * 64)).ids == ()
    other = dataclasses.replace(spec.preprocessing, border=0.2)
    assert readings.load(dataclasses.replace(spec, preprocessing=other)).ids == ()
    (config.NETWORKS / "net-novelty.npz").write_bytes(b"another detector")
    assert readings.load(spec).ids == ()


@pytest.mark.parametrize("damage", ["missing", "cut", "empty", "text"])
def test_a_damaged_file_counts_as_missing(spec, damage):
    stored(spec)
    content = config.READINGS_NPZ.read_bytes()
    config.READINGS_NPZ.unlink()
    if damage != "missing":
        config.READINGS_NPZ.write_bytes({"cut": content[: len(content) // 2], "empty": b"", "text": b"no zip"}[damage])
    assert readings.load(spec).ids == ()


def test_columns_of_different_lengths_are_not_used(spec):
    stored(spec)
    with np.load(config.READINGS_NPZ) as file:
        arrays = dict(file)
    arrays["ids"] = arrays["ids"][:2]
    np.savez(config.READINGS_NPZ, **arrays)
    assert readings.load(spec).ids == ()


def test_the_command_stores_what_the_networks_predict(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "NETWORKS", tmp_path)
    monkeypatch.setattr(config, "REAL_FILMS", tmp_path / "none")
    for number, name in enumerate(("one", "two", "three")):
        mock_networks.save(tmp_path, name, seed=number)
    few = samples.samples()[:2]
    monkeypatch.setattr(samples, "samples", lambda: few)
    report = maker.store_readings(to=tmp_path / "readings.npz")
    assert (report.films, report.networks) == (2, 3) and set(report.missing) == set(samples.real_films())
    from covid_model.model.predictor import Predictor

    for name in ("one", "two", "three"):
        predictor, film = Predictor(name), imaging.read(few[1].path)
        loaded = readings.load(predictor.spec, tmp_path / "readings.npz")
        row = loaded.find(hashlib.sha256(few[1].path.read_bytes()).hexdigest())
        expected, result = predictor.predict(film), loaded.prediction(row, film)
        assert result.score == pytest.approx(expected.score, abs=1e-5)
        assert np.allclose(result.heatmap, expected.heatmap, atol=2e-3)
        assert loaded.scores()[few[1].id] == pytest.approx(expected.score, abs=1e-5)


# --- The committed file ---


@pytest.mark.parametrize("name", registry.names())
def test_every_sample_film_is_stored_for_every_network(name):
    """Fails after a network is trained again: then run `python -m covid_model readings`."""
    loaded = readings.load(registry.spec(name))
    assert {sample.id for sample in samples.samples()} | set(samples.real_films()) == set(loaded.ids)
    for sample in samples.samples():
        row = loaded.find(registry.sha256(sample.path))
        assert loaded.ids[row] == sample.id
    for film in samples.real_films().values():
        assert loaded.ids[loaded.find(film.sha256)] == film.id
    assert np.abs(loaded.heatmaps.astype(np.float32)).max(axis=(1, 2)) == pytest.approx(1.0, abs=1e-3)
    assert config.READINGS_NPZ.stat().st_size < 2**20


# --- How much of the heat lies on a marker ---


def test_heat_share():
    heat = np.zeros((10, 10), np.float32)
    heat[2, 7] = 1.0
    heat[8, 1] = -1.0  # lowers the score: does not count
    on, area = gradcam.heat_share(heat, (0, 0, 1, 1), [(0.7, 0.2, 0.8, 0.3)])
    assert on > 0.7 and area == pytest.approx(0.04, abs=0.005)  # 0.2 x 0.2 with half a cell on each side
    assert gradcam.heat_share(heat, (0, 0, 1, 1), [(0.1, 0.8, 0.2, 0.9)])[0] == 0
    # The part that the network sees may be smaller than the film.
    inner = (0.1, 0.1, 0.9, 0.9)
    assert gradcam.heat_share(heat, inner, [(0.66, 0.26, 0.74, 0.34)])[0] > 0.7
    assert gradcam.heat_share(heat, inner, [(0.92, 0.0, 1.0, 0.08)]) == (0, 0)
    assert gradcam.heat_share(np.zeros((4, 4)), (0, 0, 1, 1), [(0, 0, 1, 1)]) == (0, 1)
