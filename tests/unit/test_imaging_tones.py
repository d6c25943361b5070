"""Images: depth, color models, transparency, orientation, tones. Numbers are rows of the list of bad inputs."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from covid_model import imaging
from covid_model.data import dataset
from covid_model.imaging import Refusal, headers, image, raster
from tests.support import synthetic_images
from tests.support.decoding import refusal, scaled

FILM = synthetic_images.film()
DEEP = synthetic_images.deep_film()


# --- 13 to 15: depth and color models -------------------------------------------------------------
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("low, high", [(0, 65_535), (0, 4_095), (20_000, 20_900)])
def test_13_deep_gray_is_scaled_by_its_own_range(kind, low, high):
    deep = synthetic_images.deep_film(low, high)
    read = imaging.decode(synthetic_images.save(deep, kind))
    assert read.warnings == () and np.array_equal(read.pixels, scaled(deep))


@pytest.mark.parametrize("channels", [3, 4])
def test_13_deep_color_keeps_its_tones(channels):
    rgb = np.dstack([DEEP] * 3 + [np.full_like(DEEP, 65_535)] * (channels - 3))
    read = imaging.decode(synthetic_images.deep_color_png(rgb))
    assert read.warnings == () and np.abs(read.pixels.astype(int) - scaled(DEEP)).max() <= 1


def test_13_deep_color_tiff():
    import cv2

    read = imaging.decode(cv2.imencode(".tiff", np.dstack([DEEP] * 3))[1].tobytes())
    assert read.kind == "TIFF" and np.abs(read.pixels.astype(int) - scaled(DEEP)).max() <= 1


def test_13_deep_tiff_with_white_as_zero():
    file = synthetic_images.tiff(synthetic_images.gray_tags(160, 192, bits=16, photometric=0), (4095 - DEEP).tobytes())
    assert np.abs(imaging.decode(file).pixels.astype(int) - scaled(DEEP)).max() <= 1


def test_13_of_32_bits():
    assert np.array_equal(
        imaging.decode(synthetic_images.save(DEEP.astype(np.int32) * 1000, "TIFF")).pixels, scaled(DEEP)
    )


def test_14_float_is_scaled():
    read = imaging.decode(synthetic_images.save((DEEP / 4095).astype(np.float32), "TIFF"))
    assert np.abs(read.pixels.astype(int) - scaled(DEEP)).max() <= 1


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_14_not_a_number(bad):
    values = (DEEP / 4095).astype(np.float32)
    values[150, 70] = bad
    assert refusal(synthetic_images.save(values, "TIFF")) == Refusal.NOT_FINITE


@pytest.mark.parametrize(
    "kind, mode", [("TIFF", "CMYK"), ("JPEG", "CMYK"), ("PNG", "P"), ("TIFF", "P"), ("PNG", "RGB")]
)
def test_15_other_color_models(kind, mode):
    gray = Image.fromarray(FILM)
    image = gray.convert("P") if mode == "P" else gray.convert("RGB").convert(mode)
    read = imaging.decode(synthetic_images.save(image, kind))
    assert read.warnings == ()
    assert np.abs(read.pixels.astype(int) - FILM).mean() < 6


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_15_one_bit(kind):
    black_and_white = FILM > 120
    read = imaging.decode(synthetic_images.save(Image.fromarray(black_and_white), kind))
    assert np.array_equal(read.pixels, black_and_white * np.uint8(255))


# --- 16 to 20: alpha, turning, tones -----------------------------------------------------------------
@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_16_alpha_is_composited_on_black(mode):
    alpha = np.full_like(FILM, 255)
    alpha[:, :40] = 0
    alpha[:, 40:80] = 128
    image = Image.merge("LA", [Image.fromarray(FILM), Image.fromarray(alpha)]).convert(mode)
    read = imaging.decode(synthetic_images.save(image))
    assert read.warnings == (raster.ALPHA,)
    assert not read.pixels[:, :40].any()
    assert np.array_equal(read.pixels[:, 40:80], np.rint(FILM[:, 40:80] * (128 / 255)).astype(np.uint8))
    assert np.array_equal(read.pixels[:, 80:], FILM[:, 80:])


def test_16_opaque_alpha_changes_nothing():
    read = imaging.decode(synthetic_images.save(Image.fromarray(FILM).convert("LA")))
    assert read.warnings == () and np.array_equal(read.pixels, FILM)


def test_16_deep_alpha():
    rgba = np.dstack([DEEP * 16] * 3 + [np.full_like(DEEP, 65_535)])
    rgba[:, :40, 3] = 0
    read = imaging.decode(synthetic_images.deep_color_png(rgba))
    assert read.warnings == (raster.ALPHA,) and not read.pixels[:, :40].any()


def test_16_a_transparent_tone():
    read = imaging.decode(synthetic_images.save(FILM, transparency=int(FILM[100, 80])))
    assert read.warnings == (raster.ALPHA,) and read.pixels[100, 80] == 0


@pytest.mark.parametrize("orientation", range(1, 9))
def test_17_exif_turning(orientation):
    read = imaging.decode(synthetic_images.turned_jpeg(FILM, orientation))
    assert read.pixels.shape == FILM.shape
    assert np.abs(read.pixels.astype(int) - FILM).max() <= 6


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_17_png_and_tiff_turning(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    lying = np.ascontiguousarray(np.rot90(FILM, {1: 0, 3: 2, 6: 1, 8: -1}[orientation]))
    assert np.array_equal(imaging.decode(synthetic_images.save(lying, exif=exif)).pixels, FILM)
    tags = synthetic_images.gray_tags(lying.shape[1], lying.shape[0], orientation=orientation)
    assert np.array_equal(imaging.decode(synthetic_images.tiff(tags, lying.tobytes())).pixels, FILM)


@pytest.mark.parametrize("broken", [b"", b"II*\0\xff\xff\xff\xff", b"garbage" * 9, b"MM\0*\0\0\0\x08\xff\xff"])
def test_17_broken_exif_is_read(broken):
    assert (
        imaging.decode(synthetic_images.save(FILM, "JPEG", quality=95, exif=b"Exif\0\0" + broken)).pixels.shape
        == FILM.shape
    )
    assert np.array_equal(
        imaging.decode(synthetic_images.with_chunk(synthetic_images.save(FILM), b"eXIf", broken)).pixels, FILM
    )


def test_17_nonsense_orientation():
    assert np.array_equal(
        imaging.decode(
            synthetic_images.tiff(synthetic_images.gray_tags(160, 192, orientation=77), FILM.tobytes())
        ).pixels,
        FILM,
    )
    assert headers.orientation(synthetic_images.tiff(synthetic_images.gray_tags(160, 192, orientation=77))) == 1


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_18_constant(kind, value):
    assert refusal(synthetic_images.save(np.full((100, 100), value, np.uint8), kind)) == Refusal.ONE_TONE


@pytest.mark.parametrize("values", [np.full((99, 99), 700, np.uint16), np.full((99, 99), 0.5, np.float32)])
def test_18_constant_and_deep(values):
    assert refusal(synthetic_images.save(values, "TIFF")) == Refusal.ONE_TONE


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_19_color_is_warned_of(kind):
    assert imaging.decode(synthetic_images.save(synthetic_images.color(), kind)).in_color


def test_20_inverted_is_warned_of():
    assert imaging.decode(synthetic_images.save(255 - FILM)).warnings == (image.INVERTED,)


@pytest.mark.films
def test_20_few_real_films_are_called_inverted(data_folder):
    """Under 1 % of films in every source; the whole folder was measured once, here every 15th film stands for it."""
    table = dataset.load(data_folder)
    wrong, missed, counted = {}, 0, 0
    for name, row in table.films.iloc[::15].iterrows():
        pixels = imaging.read(table.path(name)).pixels
        wrong.setdefault(row["source"], []).append(image.looks_inverted(pixels))
        missed += not image.looks_inverted(255 - pixels)
        counted += 1
    assert max(np.mean(of_source) for of_source in wrong.values()) < 0.01
    assert missed / counted < 0.03
