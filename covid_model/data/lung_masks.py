"""Load the lung masks of a data folder."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from covid_model import config
from covid_model.data import dataset


def with_mask(data: dataset.Dataset, *splits: str) -> pd.DataFrame:
    """Return the films of `splits` that have a lung mask."""
    table = data.split(*splits)
    return table[table["lung_mask"].notna()] if "lung_mask" in table else table.iloc[:0]


def read_mask(data: dataset.Dataset, film: str, shape: tuple[int, int]) -> np.ndarray:
    """Load the lung mask of `film`, scaled to the film's `shape` (height, width): bool, True in the lungs."""
    return read_mask_file(data.folder / data.films.at[film, "lung_mask"], shape)


def read_mask_file(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """Load a mask, white in the lungs, scaled to `shape` (height, width): bool. Raises DataError if unreadable."""
    mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)  # 1 bit per pixel becomes 0 and 255
    if mask is None:
        raise dataset.DataError(f"The lung mask {path} is missing or damaged.")
    return cv2.resize(mask, shape[::-1], interpolation=cv2.INTER_AREA) > config.GRAY_LEVELS / 2
