import numpy as np
import pytest

from covid_model.imaging.augment import Augmentation
from tests.support.mock_networks import film

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
