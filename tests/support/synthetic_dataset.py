"""A synthetic data folder: small drawn films of every split and source, some with lung masks and ratings."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from covid_model.data import dataset
from tests.support import synthetic_images

WIDTH, HEIGHT = 72, 88
FILMS = (  # split, source, covid (None if unknown), films
    ("train", "cohen", 1, 16),
    ("train", "cohen", 0, 10),
    ("train", "kermany", 0, 16),
    ("extra", "radiography", 1, 10),
    ("extra", "nih", 0, 10),
    ("extra", "siim", 1, 8),
    ("extra", "siim", 0, 8),
    ("extra", "siim", None, 4),  # read as indeterminate
    ("test", "cohen", 1, 6),
    ("test", "cohen", 0, 4),
    ("test", "kermany", 0, 6),
    ("extra-test", "radiography", 1, 4),
    ("extra-test", "nih", 0, 4),
    ("extra-test", "siim", 1, 3),
    ("extra-test", "siim", 0, 3),
    ("graded", "siim", None, 2),
    ("external", "actualmed", 1, 3),
    ("external", "actualmed", 0, 3),
)


def lungs(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Return the lungs of `synthetic_images.film`: bool (height, width)."""
    y, x = np.mgrid[0:height, 0:width]
    x, y = x / width - 0.5, y / height - 0.5
    return np.any([((x - side * 0.19) / 0.13) ** 2 + ((y + 0.05) / 0.3) ** 2 < 1 for side in (-1, 1)], axis=0)


def film(covid: int | None, rng: np.random.Generator) -> np.ndarray:
    """Return a drawn film with grain; one of COVID-19 is a little brighter."""
    drawn = synthetic_images.film(WIDTH, HEIGHT).astype(float) + 25 * (covid or 0) + rng.normal(0, 8, (HEIGHT, WIDTH))
    return drawn.clip(0, 255).astype(np.uint8)


def save(folder: Path, seed: int = 0) -> dataset.Dataset:
    """Write the folder and load it. Two films a patient; cohen's films have masks, its COVID-19 films ratings."""
    rng, rows = np.random.default_rng(seed), []
    for name in ("images", "lung_masks"):
        (folder / name).mkdir(parents=True)
    cv2.imwrite(str(folder / "lung_masks/all.png"), np.where(lungs(160, 160), 255, 0).astype(np.uint8))
    for split, source, covid, films in FILMS:
        for number in range(films):
            truth = "unlabeled" if covid is None else covid
            name = f"{source}-{split}-{truth}-{number:02d}"
            path = folder / "images" / f"{name}.png"
            cv2.imwrite(str(path), film(covid, rng))
            rated = source == "cohen" and covid
            rows.append(
                {
                    "id": name,
                    "path": f"images/{name}.png",
                    "split": split,
                    "covid": covid,
                    "source": source,
                    "finding": {1: "COVID-19", 0: "No Finding", None: "Indeterminate appearance"}[covid],
                    "patient": f"{source}-{split}-{truth}-{number // 2}",
                    "lung_mask": "lung_masks/all.png" if source == "cohen" else None,
                    "opacity_mean": number % 7 if rated else None,
                    "geographic_mean": number % 9 if rated else None,
                    "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                }
            )
    pd.DataFrame(rows).to_csv(folder / "manifest.csv", index=False)
    return dataset.load(folder)
