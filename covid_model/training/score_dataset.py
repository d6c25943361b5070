"""Score every film of a data folder as the app does, and store the scores in assets/results/scores.csv."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from covid_model import config, imaging
from covid_model.data.dataset import SCORE_COLUMNS, Dataset
from covid_model.model import registry
from covid_model.model.predictor import Predictor

COLUMNS = list(SCORE_COLUMNS)
DECIMALS = 6


def run(name: str, data: Dataset, vgg19: str | None = None, to: Path | None = None, exact: bool = True) -> pd.DataFrame:
    """Score all films of `data` with the network `name` and replace its rows in the table at `to`; return the table.

    With `exact`, all films are scored in float32, as in the app. Without, only the reported ones are; films of the
    training splits are scored in bfloat16 where the processor has it (scores then differ by about 0.01).
    """
    to = config.SCORES_CSV if to is None else to
    trained_on = data.films["split"].isin(config.TRAINING_SPLITS)
    fast = config.fast_precision()
    if exact or fast == "float32":
        passes = {"float32": data.films}
    else:
        passes = {"float32": data.films[~trained_on], fast: data.films[trained_on]}
    for precision, films_of_pass in passes.items():
        predictor = Predictor(name, vgg19, precision)
        table = record(name, films_of_pass, score_films(predictor, data, list(films_of_pass.index)), to)
    return table


def score_films(predictor: Predictor, data: Dataset, ids: list[str]) -> np.ndarray:
    """Return the scores (n,) of the films `ids`, which threads decode while the network works."""
    with ThreadPoolExecutor(config.READ_AHEAD) as pool, tqdm(total=len(ids), unit="film", desc="scoring") as bar:
        scores = []
        for score in predictor.scores(_decoded(pool, data, ids)):
            scores.append(score)
            bar.update()
    return np.array(scores)


def _decoded(pool: ThreadPoolExecutor, data: Dataset, ids: list[str]) -> Iterable[np.ndarray]:
    """Yield the films' pixels in order, decoding a batch ahead."""
    remaining = iter(ids)
    while group := list(islice(remaining, config.BATCH)):
        yield from pool.map(lambda film: imaging.read(data.path(film)).pixels, group)


def record(name: str, table: pd.DataFrame, scores: np.ndarray, to: Path | None = None) -> pd.DataFrame:
    """Store one network's scores (n,) of the films of `table` (n rows) in the file at `to`; all other rows stay.

    Raises:
        ValueError: the scores are not n numbers in [0, 1].
    """
    to = config.SCORES_CSV if to is None else to
    scores = np.asarray(scores, np.float64)
    if scores.shape != (len(table),) or not np.all((scores >= 0) & (scores <= 1)):
        raise ValueError(
            f"Expected {len(table)} scores in [0, 1]. Received: shape {scores.shape}, "
            f"from {scores.min()} to {scores.max()}."
        )
    new = table.reset_index()[["id", "split", "source", "covid"]].assign(network=name, score=scores.round(DECIMALS))
    new["covid"] = new["covid"].astype("Int64")  # 1, 0 or empty, and never 1.0
    if to.is_file():
        old = pd.read_csv(to, dtype={"id": str, "covid": "Int64"})
        replaced = (old["network"] == name) & old["id"].isin(new["id"])
        new = pd.concat([old[~replaced], new])
    place = {network: number for number, network in enumerate(registry.names())}
    new = new.assign(place=new["network"].map(place)).sort_values(["place", "id"], kind="stable")[COLUMNS]
    to.parent.mkdir(parents=True, exist_ok=True)
    new.to_csv(to, index=False, float_format=f"%.{DECIMALS}f")
    return new
