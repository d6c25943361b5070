"""Synthetic playground features: a list of films, and a few numbers per film that tell COVID-19 and adults apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from covid_model import config
from covid_model.training.playground import features as playground_features

NUMBERS = 12
GROUPS = [  # split, source, covid, films
    ("train", "cohen", 1, 40),
    ("train", "cohen", 0, 2),
    ("train", "kermany", 0, 120),
    ("test", "cohen", 1, 20),
    ("test", "cohen", 0, 8),
    ("test", "kermany", 0, 60),
    ("extra", "nih", 0, 50),
    ("extra", "radiography", 1, 30),
    ("extra", "siim", 1, 12),
    ("extra", "siim", 0, 10),
    ("extra", "siim", None, 6),
    ("extra-test", "nih", 0, 30),
    ("external", "figure1", 1, 5),
    ("graded", "siim", None, 4),
]


def films() -> pd.DataFrame:
    """Return the list; the first film of `extra` is of a patient with a film in `extra-test`."""
    rows = []
    for split, source, covid, many in GROUPS:
        for number in range(many):
            film = f"{split}-{source}-{covid}-{number}"
            rows.append({"id": film, "path": f"{film}.png", "split": split, "covid": covid, "source": source})
    table = pd.DataFrame(rows).assign(finding="", sha256="0")
    table["patient"] = table["id"]
    table.loc[table["id"] == "extra-nih-0-0", "patient"] = "extra-test-nih-0-0"
    return table


def features(table: pd.DataFrame) -> np.ndarray:
    """Return (films, NUMBERS) float32: the first number rises with COVID-19, the second with being an adult."""
    made = np.random.default_rng(7).normal(size=(len(table), NUMBERS)).astype(np.float32)
    made[:, 0] += 3 * table["covid"].fillna(0).to_numpy(float)
    made[:, 1] += 4 * (table["source"] != config.CHILDREN).to_numpy()
    return made


@pytest.fixture
def made_up_lab(tmp_path, monkeypatch) -> Path:
    """Set up a synthetic list of films and assets/lab; return the folder of the latter."""
    table = films()
    table.to_csv(tmp_path / "dataset.csv", index=False)
    monkeypatch.setattr(config, "DATASET_CSV", tmp_path / "dataset.csv")
    monkeypatch.setattr(config, "LAB", tmp_path / "lab")
    useless = np.random.default_rng(8).normal(size=(len(table), 5))
    playground_features.save(config.LAB, table["id"], features(table), useless, {})
    return config.LAB
