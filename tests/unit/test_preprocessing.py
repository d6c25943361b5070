"""Preprocessing and augmentation."""

from __future__ import annotations

import numpy as np
import pytest

from covid_model.imaging.augment import Augmentation
from covid_model.imaging.preprocessing import Preprocessing, batches, prepare, to_input
from tests.support.mock_networks import film


def test_plain_preprocessing_only_resizes():
    pixels = np.repeat(np.repeat(np.array([[10, 200], [60, 90]], np.uint8), 100, 0), 150, 1)  # (200, 300)
    done = prepare(pixels, Preprocessing(size=4))
    assert done.dtype == np.uint8
    assert done.tolist() == [[10, 10, 200, 200], [10, 10, 200, 200], [60, 60, 90, 90], [60, 60, 90, 90]]


def test_a_border_is_cut_off_before_anything_else():
    pixels = np.full((100, 50), 255, np.uint8)
    pixels[10:90, 5:45] = 7
    options = Preprocessing(size=8, border=0.1)
    assert (prepare(pixels, options) == 7).all()
    assert options.box == (0.1, 0.1, 0.9, 0.9)


def test_equalized_films_hide_their_tone_curve():
    rng = np.random.default_rng(0)
    film = rng.integers(40, 120, (64, 64)).astype(np.uint8)
    brighter = (film.astype(np.float32) * 1.7 + 12).astype(np.uint8)  # another tone curve, still one to one
    options = Preprocessing(size=64, equalize=True)
    assert np.abs(prepare(film, options).astype(int) - prepare(brighter, options)).max() <= 1


def test_blur_lowers_the_grain():
    grain = np.random.default_rng(0).integers(0, 255, (64, 64)).astype(np.uint8)
    assert prepare(grain, Preprocessing(size=64, blur=2.0)).std() < 0.3 * grain.std()


@pytest.mark.parametrize("wrong", [np.zeros((4, 4), np.float32), np.zeros((4, 4, 3), np.uint8)])
def test_only_gray_films_of_eight_bits_are_prepared(wrong):
    with pytest.raises(ValueError, match="Received"):
        prepare(wrong, Preprocessing())


def test_the_input_matches_keras_preprocessing_of_three_equal_channels():
    from keras.applications.vgg19 import preprocess_input

    gray = np.random.default_rng(0).integers(0, 256, (2, 5, 5)).astype(np.uint8)
    expected = preprocess_input(np.repeat(gray[..., None], 3, axis=-1).astype(np.float32))
    np.testing.assert_allclose(to_input(gray), expected, atol=1e-4)


def test_batches_keep_order_and_every_film():
    items = [np.full(2, number) for number in range(7)]
    assert [len(group) for group in batches(iter(items), 3)] == [3, 3, 1]
    assert np.concatenate(list(batches(items, 3)))[:, 0].tolist() == list(range(7))
    assert list(batches([], 3)) == []


STRONG = Augmentation(10, 0.1, 0.1, 0.1, 0.5, 0.5, 6.0, 1.0, 10.0, 30, 0.5)


def test_no_augmentation_changes_nothing():
    pixels = film()
    assert (Augmentation()(pixels, np.random.default_rng(0)) == pixels).all()


def test_the_seed_determines_the_film():
    first, again, other = (STRONG(film(), np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.dtype == np.uint8
    assert (first == again).all()
    assert first.shape != other.shape or (first != other).any()


@pytest.mark.parametrize("seed", range(20))
def test_a_strongly_augmented_film_is_still_a_film(seed):
    done = STRONG(film(seed), np.random.default_rng(seed))
    assert done.ndim == 2 and done.dtype == np.uint8
    assert done.std() > 5
    assert min(done.shape) >= 0.75 * 64


def test_a_flip_mirrors_the_film():
    pixels = film()
    assert (Augmentation(flip=1.0)(pixels, np.random.default_rng(0)) == pixels[:, ::-1]).all()


def test_a_shift_stays_within_its_limit():
    pixels = np.zeros((100, 100), np.uint8)
    pixels[50, 50] = 255
    for seed in range(10):
        row, column = np.argwhere(Augmentation(shift=0.1)(pixels, np.random.default_rng(seed)) > 20).mean(axis=0)
        assert abs(row - 50) <= 11 and abs(column - 50) <= 11


def test_tone_keeps_the_order_of_gray_levels():
    ramp = np.tile(np.arange(256, dtype=np.uint8), (4, 1))
    for seed in range(10):
        assert (
            np.diff(Augmentation(gamma=1.0, contrast=1.0)(ramp, np.random.default_rng(seed)).astype(int)) >= 0
        ).all()
