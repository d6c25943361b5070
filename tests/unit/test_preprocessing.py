import numpy as np
import pytest

from covid_model.imaging.preprocessing import Preprocessing, batches, prepare, to_input


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
