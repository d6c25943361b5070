"""Predictions and Grad-CAM, on a mock network."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from covid_model import config
from covid_model.imaging import Film
from covid_model.imaging.preprocessing import prepare, to_input
from covid_model.model import registry, vgg19
from covid_model.model.gradcam import make_gradcam_heatmap, normalize
from covid_model.model.predictor import PredictionError, Predictor, sigmoid
from tests.support import mock_networks


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    mock_networks.save(folder)
    return folder


@pytest.fixture(scope="module")
def predictor(folder):
    """A predictor of the mock network, loaded like the real one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry.spec, "__defaults__", (folder,))
        patch.setattr(vgg19.load, "__defaults__", (None, folder, "float32"))
        yield Predictor("fine-tuned")


def film(seed=0, warnings=()):
    return Film(mock_networks.film(seed), warnings, "PNG")


def test_a_prediction_has_the_documented_shapes_and_ranges(predictor):
    done = predictor.predict(film(warnings=("odd",)))
    assert 0 < done.score < 1
    assert done.score == pytest.approx(sigmoid(done.logit))
    assert done.heatmap.shape == (2, 2) and np.abs(done.heatmap).max() == pytest.approx(1)
    assert done.box == (0.1, 0.1, 0.9, 0.9)
    assert done.warnings == ("odd",)
    assert done.milliseconds > 0


def test_score_and_map_agree_with_a_plain_gradient_tape(predictor, folder):
    import keras
    import tensorflow as tf

    model = vgg19.load("fine-tuned", folder=folder)
    inputs = to_input(prepare(film().pixels, predictor.spec.preprocessing)[None])
    both = keras.Model(model.input, [model.get_layer(config.LAST_CONV).output, model.get_layer("logit").output])
    with tf.GradientTape() as tape:
        features, logit = both(inputs)
    weights = tape.gradient(logit, features)[0].numpy().mean((0, 1))
    expected = features[0].numpy() @ weights
    done = predictor.predict(film())
    assert done.score == pytest.approx(model(inputs).numpy()[0, 0], abs=1e-5)
    np.testing.assert_allclose(done.heatmap, expected / np.abs(expected).max(), atol=1e-3)


def test_a_batch_scores_like_single_films(predictor):
    films = [film(seed) for seed in range(5)]
    together = list(predictor.scores((item.pixels for item in films), batch=2))
    assert together == pytest.approx([predictor.predict(item).score for item in films], abs=1e-5)


def test_arrays_that_are_no_film_are_rejected(predictor):
    with pytest.raises(ValueError):
        predictor.predict(Film(np.zeros((80, 64, 3), np.uint8), (), "PNG"))
    assert predictor.predict(film(2)).score == pytest.approx(next(predictor.scores([film(2).pixels])), abs=1e-5)


def test_a_film_without_a_number_is_refused_alone(predictor, monkeypatch):
    explain = predictor.explain
    alone = predictor.predict(film(2)).score

    def broken(inputs):
        logits, *others = explain(inputs)
        return logits * np.float32(np.nan), *others

    with monkeypatch.context() as patch:
        patch.setattr(predictor, "explain", broken)
        with pytest.raises(PredictionError, match="nan"):
            predictor.predict(film(1))
    assert predictor.predict(film(2)).score == alone


def test_concurrent_sessions_get_their_own_scores(predictor):
    expected = [predictor.predict(film(seed)).score for seed in range(6)]
    result = [None] * 6

    def session(number):
        result[number] = predictor.predict(film(number)).score

    threads = [threading.Thread(target=session, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert result == pytest.approx(expected)


def test_40_a_network_that_gives_no_number_gives_no_score(predictor, monkeypatch):
    import tensorflow as tf

    broken = (tf.constant([[np.nan]]), tf.zeros((1, 2, 2, 3)), tf.zeros((1, 2, 2, 3)), tf.zeros((1, 3)))
    monkeypatch.setattr(predictor, "explain", lambda inputs: broken)
    with pytest.raises(PredictionError, match="nan"):
        predictor.predict(film())


@pytest.mark.parametrize(("logit", "score"), [(0, 0.5), (800, 1), (-800, 0), (0.4054651081, 0.6)])
def test_the_sigmoid_does_not_overflow(logit, score):
    with np.errstate(all="raise"):
        assert sigmoid(logit) == pytest.approx(score)


def test_the_map_is_the_sum_of_features_weighted_by_their_mean_gradient():
    features = np.zeros((2, 2, 2), np.float32)
    features[0, 0, 0], features[1, 1, 1] = 3, 5
    gradients = np.stack([np.full((2, 2), 2.0), np.full((2, 2), -1.0)], axis=-1)
    np.testing.assert_allclose(make_gradcam_heatmap(features, gradients), [[6, 0], [0, -5]])


def test_only_the_mean_of_a_gradient_counts():
    features = np.random.default_rng(0).random((3, 4, 5))
    uneven = np.random.default_rng(1).random((3, 4, 5))
    even = np.broadcast_to(uneven.mean((0, 1)), uneven.shape)
    np.testing.assert_allclose(make_gradcam_heatmap(features, uneven), make_gradcam_heatmap(features, even), rtol=1e-5)


@pytest.mark.parametrize("shape", [(14, 14, 512), (7, 7, 3), (1, 1, 1)])
def test_shapes(shape):
    item = np.ones(shape, np.float32)
    assert make_gradcam_heatmap(item, item).shape == shape[:2]


def test_unlike_shapes_are_refused():
    with pytest.raises(ValueError, match="Received"):
        make_gradcam_heatmap(np.ones((2, 2, 3)), np.ones((2, 2, 4)))


def test_scaled_maps_keep_their_sign_and_reach_one():
    np.testing.assert_allclose(normalize(np.array([[2.0, -4.0]])), [[0.5, -1.0]])
    assert not normalize(np.zeros((2, 2))).any()
