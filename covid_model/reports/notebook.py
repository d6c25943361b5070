"""Generate assets/transfer_learning.ipynb: the paper's recipe from data folder to confusion matrix, with this package.

A notebook is JSON, so nothing is needed to write one. tests/unit/test_notebook.py runs it on made-up data.
"""

from __future__ import annotations

import json

from covid_model import config

PATH = config.ASSETS / "transfer_learning.ipynb"
MARKDOWN, CODE = "markdown", "code"
CELLS = (
    (
        MARKDOWN,
        f"""
# Transfer learning on chest X-rays

The recipe of Amini, Menhaj and Talebi (2021, [doi:10.17352/2455-5479.000154](https://doi.org/10.17352/2455-5479.000154)),
from a folder of X-rays to the confusion matrix: VGG-19 with its ImageNet weights frozen, and two new dense layers. It
uses the Python package `covid_model`, whose app shows the same network and asks whether to trust it.

*{config.NOTICE}*
""",
    ),
    (
        CODE,
        """
import importlib.util
import sys

REPOSITORY = ""  # where the package is not installed, as on Colab: the address of its git repository

if importlib.util.find_spec("covid_model") is None:
    if not REPOSITORY:
        raise SystemExit("The package covid_model is not installed: set REPOSITORY and run this cell again.")
    !git clone --quiet --depth 1 {REPOSITORY} covid_model_repository
    %pip install --quiet --requirement covid_model_repository/requirements.txt
    sys.path.insert(0, "covid_model_repository")
""",
    ),
    (
        MARKDOWN,
        f"""
## 1. The data folder

`python -m covid_model fetch --to data` downloads the paper's X-rays from their public sources. A folder of your own
needs `manifest.csv` with the columns `id`, `path`, `split` (here `train` and `test`), `covid` (1 or 0), `source`,
`finding` and `patient`, and the images. The environment variable `{config.DATA_VARIABLE}` names the folder.
""",
    ),
    (
        CODE,
        """
import os
from pathlib import Path

import pandas as pd

from covid_model import config
from covid_model.data import dataset

data = dataset.load(Path(os.environ.get(config.DATA_VARIABLE) or "data"))
train, test = dataset.labeled_training_films(data.films, "train"), data.split("test")
truth = data.films["covid"].map({1: "COVID-19", 0: "non-COVID"}).fillna("unlabeled")
pd.crosstab(data.films["split"], truth)
""",
    ),
    (
        MARKDOWN,
        """
## 2. Preprocessing

The paper only resizes an X-ray to a square. Three X-rays with COVID-19, then three without:
""",
    ),
    (
        CODE,
        """
import numpy as np
from PIL import Image

from covid_model import imaging
from covid_model.imaging.preprocessing import prepare
from covid_model.model import registry

spec = registry.spec("paper")  # the settings of this project's network, made by the same recipe
examples = pd.concat([train[train["covid"] == covid].head(3) for covid in (1, 0)])
squares = [prepare(imaging.read(data.path(film)).pixels, spec.preprocessing) for film in examples.index]
Image.fromarray(np.hstack(squares))
""",
    ),
    (
        MARKDOWN,
        f"""
## 3. Features of the frozen layers

The convolutional layers are not trained, so each X-ray passes through them once. The features are kept in
`~/.cache/covid_model`. VGG-19's weights are downloaded, unless `{config.VGG19_VARIABLE}` names a file.
""",
    ),
    (
        CODE,
        """
from covid_model.training import features

job = features.FeatureJob(dataset.weights_file(), spec.preprocessing)
train_features = features.extract(data, list(train.index), job)
test_features = features.extract(data, list(test.index), job)
train_features.shape, test_features.shape
""",
    ),
    (
        MARKDOWN,
        """
## 4. Two dense layers

What the paper leaves open (units, learning rate, batch size) is as in this project's network, whose settings were
chosen on held-out patients. Data augmentation is left out here.
""",
    ),
    (
        CODE,
        """
from covid_model.training import frozen_head

ours = spec.recipe["ours"]
recipe = frozen_head.HeadRecipe(spec.head, ours["learning_rate"], ours["batch"], ours["epochs"])
head, history = frozen_head.fit([train_features], train["covid"].to_numpy(), recipe, seed=0)
pd.DataFrame(history).set_index("epoch")
""",
    ),
    (
        MARKDOWN,
        """
## 5. The confusion matrix

A model score above the threshold is positive.
""",
    ),
    (
        CODE,
        """
from covid_model import evaluation

scores = frozen_head.scores(head, test_features)
matrix = evaluation.confusion(scores, test["covid"], config.THRESHOLD)
rows = {"COVID-19": (matrix.tp, matrix.fn), "non-COVID": (matrix.fp, matrix.tn)}
pd.DataFrame.from_dict(rows, orient="index", columns=["called positive", "called negative"])
""",
    ),
    (
        MARKDOWN,
        """
## 6. What the accuracy hides

Compare with the baseline that always answers negative. And in the paper's data, most X-rays without COVID-19 show
children: how often are adults without COVID-19 called positive?
""",
    ),
    (
        CODE,
        """
always_negative = np.zeros(len(test))
adults = evaluation.adults_without_covid(scores, test["covid"], test["source"], config.THRESHOLD)
print(f"Adults without COVID-19 called positive: {adults.count} of {adults.total}")
columns = {"this network": scores, "always negative": always_negative}
pd.DataFrame({name: evaluation.rates(s, test["covid"], config.THRESHOLD) for name, s in columns.items()})
""",
    ),
)


def generate() -> str:
    """Return the notebook, without outputs, as the text of its file."""
    cells = []
    for number, (kind, text) in enumerate(CELLS, 1):
        cell = {"cell_type": kind, "id": f"cell-{number:02d}", "metadata": {}}
        if kind == CODE:
            cell |= {"execution_count": None, "outputs": []}
        cells.append(cell | {"source": text.strip("\n").splitlines(keepends=True)})
    notebook = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
