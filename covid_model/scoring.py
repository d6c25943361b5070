"""The scores of every film of a data folder, as the app would give them, into assets/results/scores.csv."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from covid_model import films, settings
from covid_model.dataset import Dataset
from covid_model.reading import Reader

COLUMNS = ["id", "split", "source", "covid", "network", "score"]
DECIMALS = 6


def run(name: str, data: Dataset, vgg19: str | None = None, to: Path = settings.SCORES_CSV) -> pd.DataFrame:
    """Score all films of `data` with the network `name` and replace its rows in the table at `to`."""
    reader = Reader(name, vgg19)
    scores = score_films(reader, data, list(data.films.index))
    return record(name, data.films, scores, to)


def score_films(reader: Reader, data: Dataset, ids: list[str]) -> np.ndarray:
    """The scores (n,) of the films `ids`, decoded by threads while the network works."""
    with ThreadPoolExecutor(settings.READ_AHEAD) as pool, tqdm(total=len(ids), unit="film", desc="scoring") as bar:
        scores = []
        for score in reader.scores(_decoded(pool, data, ids)):
            scores.append(score)
            bar.update()
    return np.array(scores)


def _decoded(pool: ThreadPoolExecutor, data: Dataset, ids: list[str]) -> Iterable[np.ndarray]:
    """The films' pixels in order, a batch of them decoded ahead."""
    waiting = iter(ids)
    while group := list(islice(waiting, settings.BATCH)):
        yield from pool.map(lambda film: films.read(data.path(film)).pixels, group)


def record(name: str, table: pd.DataFrame, scores: np.ndarray, to: Path = settings.SCORES_CSV) -> pd.DataFrame:
    """Put one network's scores, in the order of `table`, into the file at `to`; the other networks' rows stay.

    Raises:
        ValueError: as many scores as films were wanted, each of them in [0, 1].
    """
    scores = np.asarray(scores, np.float64)
    if scores.shape != (len(table),) or not np.all((scores >= 0) & (scores <= 1)):
        raise ValueError(
            f"Wanted {len(table)} scores in [0, 1]. Received: shape {scores.shape}, {scores.min()} at least."
        )
    new = table.reset_index()[["id", "split", "source", "covid"]].assign(network=name, score=scores.round(DECIMALS))
    if to.is_file():
        old = pd.read_csv(to, dtype={"id": str})
        new = pd.concat([old[old["network"] != name], new])
    order = {network: place for place, network in enumerate(settings.NETWORK_NAMES)}
    new = new.sort_values("network", key=lambda column: column.map(order), kind="stable")[COLUMNS]
    to.parent.mkdir(parents=True, exist_ok=True)
    new.to_csv(to, index=False, float_format=f"%.{DECIMALS}f")
    return new
