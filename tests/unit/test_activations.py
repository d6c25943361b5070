"""Activations: graph, feature maps, the head's numbers, loss and Grad-CAM's steps agree with the network itself."""

from __future__ import annotations

import math

import numpy as np
import pytest

from covid_model import config
from covid_model.imaging import Film, preprocessing
from covid_model.imaging.preprocessing import Preprocessing, input_ranges, prepare
from covid_model.model import activations, gradcam, registry, vgg19
from covid_model.model.predictor import Predictor
from tests.support import mock_networks


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    mock_networks.save(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry.spec, "__defaults__", (folder,))
        patch.setattr(vgg19.load, "__defaults__", (None, folder, "float32"))
        yield Predictor("fine-tuned")


@pytest.fixture(scope="module")
def film():
    return Film(mock_networks.film(), (), "PNG")


@pytest.fixture(scope="module")
def walk(predictor, film):
    return activations.trace(predictor, film)


def test_trace_and_prediction_agree(predictor, film, walk):
    done = predictor.predict(film)
    assert walk.head.score == pytest.approx(done.score, abs=1e-6)
    assert walk.head.logit == pytest.approx(done.logit, abs=1e-5)
    np.testing.assert_allclose(gradcam.normalize(walk.gradcam.summed), done.heatmap, atol=1e-4)
    assert walk.box == done.box


def test_blocks_match_the_graph(predictor, walk):
    assert [block.name for block in walk.blocks] == [
        "input", "block1", "block2", "block3", "block4", "block5", "features", "fc1", "score",
    ]  # fmt: skip
    with predictor.exclusive() as model:
        assert sum(block.parameters for block in walk.blocks) == model.count_params()
        assert sum(len(block.layers) for block in walk.blocks) == len(model.layers)
        frozen = activations.blocks(model, registry.IMAGENET)
    assert [block.trained for block in walk.blocks] == [None, True, True, True, True, True, None, True, True]
    assert [block.trained for block in frozen] == [None, False, False, False, False, False, None, True, True]
    first, last = walk.blocks[1], walk.blocks[5]
    assert (first.title, first.shape, first.parameters) == ("Block 1", (16, 16, 64), 1792 + 36928)
    assert [layer.kind for layer in first.layers] == ["convolution", "convolution", "pooling"]
    sees = {layer.name: layer.receptive_field for block in walk.blocks for layer in block.layers}
    assert (sees["block1_conv1"], sees["block1_conv2"], sees["block1_pool"]) == (3, 5, 6)
    assert (sees[config.LAST_CONV], sees["fc1"]) == (252, None)
    assert len(last.layers) == 5


def test_every_layer_of_the_base_has_its_strongest_maps(walk):
    assert len(walk.maps) == 16 + 5
    for name, result in walk.maps.items():
        assert len(result.channels) == len(result.pictures) == activations.STRONGEST and result.layer == name
        assert list(result.means) == sorted(result.means, reverse=True)
        assert result.pictures.dtype == np.uint8 and 0 <= result.silent < result.total
    assert walk.filters.keys() == {"block1_conv1", "block1_conv2"}


def test_head_adds_up(walk):
    head = walk.head
    assert head.features.size == 512 and head.units.size == 8
    assert head.positive_sum + head.negative_sum + head.bias == pytest.approx(head.logit, abs=1e-5)
    assert head.active == np.count_nonzero(head.units)
    parts = head.contributions[head.largest(5)]
    assert list(parts) == sorted(parts, reverse=True)


def test_gradcam_steps_add_up():
    rng = np.random.default_rng(0)
    features, gradients = (draw(size=(3, 3, gradcam.TOP_CHANNELS)) for draw in (rng.random, rng.normal))
    cam = gradcam.gradcam_steps(features, gradients)
    np.testing.assert_allclose(cam.weighted.sum(axis=0), cam.summed, rtol=1e-4)
    assert sorted(cam.channels) == list(range(gradcam.TOP_CHANNELS))
    assert (cam.positive >= 0).all() and cam.positive.max() == pytest.approx(max(cam.summed.max(), 0))
    sizes = np.abs(cam.weighted).sum(axis=(1, 2))
    assert list(sizes) == sorted(sizes, reverse=True)


def test_a_silent_layer_is_black():
    result = activations.strongest("x", np.zeros((4, 4, 20), np.float32))
    assert result.silent == result.total == 20 and not result.pictures.any()


@pytest.mark.parametrize("into", [3, 64])
def test_filters_are_a_sheet_with_gray_at_zero(into):
    kernel = np.zeros((3, 3, into, 10), np.float32)
    kernel[0, 0, 0, 0] = -2
    sheet = activations.filters(kernel, columns=4)
    assert sheet.shape == (3 * 27 + 3, 4 * 27 + 3, 3) and sheet.dtype == np.uint8
    tile = sheet[3:27, 3:27]
    assert tuple(tile[-1, -1]) == (128, 128, 128)
    assert tuple(tile[0, 0]) == ((128, 128, 0) if into == 3 else (0, 0, 0))  # channels come in blue first


@pytest.mark.parametrize("logit", [-800.0, -2.0, 0.0, 3.0, 800.0])
def test_loss_is_equation_1_and_its_slope(logit):
    assert activations.binary_crossentropy(logit, True) == pytest.approx(activations.binary_crossentropy(-logit, False))
    assert math.isfinite(activations.binary_crossentropy(logit, False))
    if abs(logit) < 10:
        score = 1 / (1 + math.exp(-logit))
        assert activations.binary_crossentropy(logit, True) == pytest.approx(-math.log(score))
        assert activations.crossentropy_slope(logit, True) == pytest.approx(score - 1)
        assert activations.crossentropy_slope(logit, False) == pytest.approx(score)


@pytest.mark.parametrize(
    ("options", "count"),
    [(Preprocessing(size=32), 2), (Preprocessing(size=32, border=0.1, blur=1.0, equalize=True), 5)],
)
def test_preprocessing_ends_with_the_networks_input(options, count):
    pixels = mock_networks.film()
    steps = preprocessing.preparation(pixels, options)
    assert len(steps) == count
    np.testing.assert_array_equal(steps[-1].picture, prepare(pixels, options))
    low, high = input_ranges(pixels, options)["red"]
    assert -123.68 <= low + 0.01 < high <= 255 - 123.68 + 0.01
