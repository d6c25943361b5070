"""Read the lung masks that come with a data folder."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from covid_model import config
from covid_model.data import dataset


def with_mask(data: dataset.Dataset, *splits: str) -> pd.DataFrame:
    """The films of `splits` that have a lung mask."""
    table = data.split(*splits)
    return table[table["lung_mask"].notna()] if "lung_mask" in table else table.iloc[:0]


def read_mask(data: dataset.Dataset, film: str, shape: tuple[int, int]) -> np.ndarray:
    """The lung mask of `film`, scaled to the film's (height, width): bool, True in the lungs."""
    return read_mask_file(data.folder / data.films.at[film, "lung_mask"], shape)


def read_mask_file(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """A mask, white in the lungs, scaled to (height, width): bool. Raises DataError where there is none."""
    drawn = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)  # 1 bit a pixel becomes 0 and 255
    if drawn is None:
        raise dataset.DataError(f"The lung mask {path} is missing or damaged.")
    return cv2.resize(drawn, shape[::-1], interpolation=cv2.INTER_AREA) > config.GREY_LEVELS / 2
