"""A chest film drawn in code, for where no film is at hand. It is a drawing: nobody's, and no radiograph."""

from __future__ import annotations

import numpy as np

WIDTH, HEIGHT = 448, 512  # pixels
SEED = 2021  # of the grain


def draw(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """(height, width) uint8, bright where dense: a body with two lungs, ribs, a spine, a heart and a diaphragm."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = 2 * x / width - 1, 2 * y / height - 1  # -1 to 1, from left to right and from top to bottom
    shoulders = np.clip(1.5 + 1.2 * y, 0.25, 0.92)  # half the body's width
    film = 165 * _inside(shoulders - np.abs(x), 0.05)
    lungs = np.zeros_like(film)
    for side in (-1, 1):
        across = (x - side * 0.42) / (0.3 - 0.05 * np.clip(-y, 0, 1))
        down = (y + 0.05) / 0.66
        lungs = np.maximum(lungs, _inside(1 - across**2 - down**2, 0.25))
    lungs *= _inside(0.5 - 0.12 * np.cos(3 * x) - y, 0.05)  # the diaphragm cuts them off below
    film -= 120 * lungs
    ribs = np.sin(16 * (y + 0.45 * x**2)) > 0.72
    film += 22 * lungs * ribs
    film += 45 * np.exp(-((x / 0.09) ** 2))  # spine
    heart = 1 - ((x - 0.14) / 0.34) ** 2 - ((y - 0.3) / 0.3) ** 2
    film += 75 * lungs * _inside(heart, 0.2)
    film += np.random.default_rng(SEED).normal(0, 3, film.shape)
    return np.clip(film, 0, 255).astype(np.uint8)


def _inside(distance: np.ndarray, soft: float) -> np.ndarray:
    """1 where `distance` is above 0, 0 where below, with a `soft` edge."""
    return np.clip(0.5 + distance / (2 * soft), 0, 1)
