"""Heatmaps over films: colors, positions, directions."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from covid_model import config
from covid_model.imaging import heatmap as imaging_heatmap
from tests.support import synthetic_images

WHOLE = (0.0, 0.0, 1.0, 1.0)
FLAT = np.full((40, 60), 100, np.uint8)


@pytest.mark.parametrize("direction", config.OVERLAY_DIRECTIONS)
@pytest.mark.parametrize("opacity, value", [(0, 1.0), (1, 0.0)])
def test_no_opacity_or_no_evidence_leaves_the_gray_film(direction, opacity, value):
    film = synthetic_images.film()
    seen = imaging_heatmap.blend(film, np.full((14, 14), value), WHOLE, opacity, direction)
    assert seen.dtype == np.uint8
    assert np.array_equal(seen, np.dstack([film] * 3))


@pytest.mark.parametrize(
    "value, direction, expected",
    [
        (1.0, "for", imaging_heatmap.RAMPS["for"][-1]),
        (-1.0, "for", (100, 100, 100)),
        (1.0, "against", (100, 100, 100)),
        (-1.0, "against", imaging_heatmap.RAMPS["against"][-1]),
        (1.0, "both", imaging_heatmap.RAMPS["for"][-1]),
        (-1.0, "both", imaging_heatmap.RAMPS["against"][-1]),
        (0.5, "for", [(100 + color) / 2 for color in imaging_heatmap.RAMPS["for"][2]]),
    ],
)
def test_known_colors(value, direction, expected):
    seen = imaging_heatmap.blend(FLAT, np.full((3, 3), value), WHOLE, 1.0, direction)
    assert seen.shape == (40, 60, 3)
    assert np.abs(seen.astype(float) - np.array(expected)).max() <= 0.5


def test_only_the_box_is_painted():
    seen = imaging_heatmap.blend(FLAT, np.ones((2, 2)), (0.5, 0.25, 1.0, 0.75), 1.0)
    painted = (seen != 100).any(-1)
    expected = np.zeros_like(painted)
    expected[10:30, 30:60] = True
    assert np.array_equal(painted, expected)


def test_evidence_stays_where_it_is():
    heatmap = np.zeros((14, 14))
    heatmap[3, 10] = 1
    seen = imaging_heatmap.blend(FLAT, heatmap, WHOLE, 1.0)
    row, column = np.unravel_index(np.argmax(np.abs(seen.astype(int) - 100).sum(-1)), FLAT.shape)
    assert abs(row - 3.5 / 14 * 40) <= 1.5 and abs(column - 10.5 / 14 * 60) <= 2.5


@pytest.mark.parametrize("side", ["for", "against"])
def test_stronger_is_lighter(side):
    levels = imaging_heatmap._ramp(side)[:, 0]
    lightness = cv2.cvtColor(levels[None], cv2.COLOR_RGB2LAB)[0, :, 0].astype(int)
    assert (np.diff(lightness) >= 0).all()
    assert lightness[-1] - lightness[0] > 150  # of 255


def test_warm_is_for_and_cool_is_against():
    warm, cool = (imaging_heatmap.legend(side)[0, 60:].astype(int) for side in ("for", "against"))
    assert (warm[:, 0] > warm[:, 2]).all() and (cool[:, 2] > cool[:, 0]).all()


@pytest.mark.parametrize("direction", config.OVERLAY_DIRECTIONS)
def test_legend(direction):
    strip = imaging_heatmap.legend(direction)
    width, height = imaging_heatmap.LEGEND_SIZE
    assert strip.shape == (height, width, 3) and strip.dtype == np.uint8
    ground = (imaging_heatmap.LEGEND_GROUND,) * 3
    start = imaging_heatmap.RAMPS["against"][-1] if direction == "both" else ground
    assert tuple(strip[0, 0]) == start
    assert tuple(strip[0, -1]) == imaging_heatmap.RAMPS["against" if direction == "against" else "for"][-1]


@pytest.mark.parametrize("side", ["for", "against"])
def test_a_layer_over_the_film_is_the_overlay(side):
    heatmap = np.random.default_rng(0).uniform(-1, 1, (4, 4)).astype(np.float32)
    length = imaging_heatmap.LAYER_SIDE
    film = np.full((length, length), 100, np.uint8)
    layer = imaging_heatmap.layer(heatmap, side, film.shape).astype(float)
    opacity = layer[..., 3:] / 255
    laid = (1 - opacity) * film[..., None] + opacity * layer[..., :3]
    assert np.abs(laid - imaging_heatmap.blend(film, heatmap, WHOLE, 1.0, side)).max() <= 1.5


@pytest.mark.parametrize("shape", [(1024, 512), (20, 60), (1, 1000)])
def test_a_layer_has_the_shape_of_the_part_that_it_covers(shape):
    layer = imaging_heatmap.layer(np.ones((2, 2)), "for", shape)
    assert max(layer.shape[:2]) == imaging_heatmap.LAYER_SIDE and layer.shape[2] == 4
    assert layer.shape[0] / layer.shape[1] == pytest.approx(shape[0] / shape[1], rel=0.01, abs=0.006)


@pytest.mark.parametrize("shape", [(64, 64), (64, 256), (3000, 1500), (1500, 3000), (1, 1)])
def test_any_size(shape):
    seen = imaging_heatmap.blend(np.full(shape, 100, np.uint8), np.ones((7, 7)), (0.1, 0.1, 0.9, 0.9))
    assert max(seen.shape) == min(config.OVERLAY_SIDE, max(*shape, 3))
    assert seen.shape[0] / seen.shape[1] == pytest.approx(shape[0] / shape[1], rel=0.01)


def test_png_bytes_are_the_picture():
    rgb = synthetic_images.color()
    assert np.array_equal(cv2.imdecode(np.frombuffer(imaging_heatmap.to_png(rgb), np.uint8), 1)[..., ::-1], rgb)
    rgba = np.dstack([rgb, rgb[..., 0]])
    decoded = cv2.imdecode(np.frombuffer(imaging_heatmap.to_png(rgba), np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(cv2.cvtColor(decoded, cv2.COLOR_BGRA2RGBA), rgba)


def test_the_film_is_not_changed():
    film = synthetic_images.film()
    film.setflags(write=False)
    imaging_heatmap.blend(film, np.ones((2, 2)), WHOLE, 1.0)
    assert np.array_equal(film, synthetic_images.film())


@pytest.mark.parametrize(
    "change",
    [
        {"pixels": np.zeros((4, 4), np.float32)},
        {"pixels": np.zeros((4, 4, 3), np.uint8)},
        {"heatmap": np.zeros(4)},
        {"heatmap": np.full((2, 2), np.nan)},
        {"box": (0.5, 0, 0.5, 1)},
        {"box": (0, 0, 1.2, 1)},
        {"opacity": 1.5},
        {"opacity": float("nan")},
        {"direction": "up"},
    ],
)
def test_wrong_arguments_are_named(change):
    arguments = {
        "pixels": FLAT,
        "heatmap": np.zeros((2, 2)),
        "box": WHOLE,
        "opacity": 0.5,
        "direction": "for",
        **change,
    }
    with pytest.raises(ValueError, match="Received: "):
        imaging_heatmap.blend(**arguments)
    if "direction" in change:
        with pytest.raises(ValueError, match="Received: "):
            imaging_heatmap.legend(**change)


def test_png_refuses_what_is_no_picture():
    with pytest.raises(ValueError, match="Received: "):
        imaging_heatmap.to_png(FLAT)
