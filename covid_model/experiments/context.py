"""What an experiment is made on: one network, its scores, and a data folder. Loaded only when asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from covid_model import config, imaging
from covid_model.data import dataset
from covid_model.model import network_spec
from covid_model.model.predictor import Predictor


class ExperimentError(RuntimeError):
    """An experiment cannot be made. The message says what is missing and how to get it."""


@dataclass(frozen=True)
class ExperimentContext:
    """One network under audit.

    Attributes:
        name: of the network.
        data: a data folder.
        vgg19: where a network on the frozen base takes VGG-19's weights from; None for the environment's, else Keras'.
        work: where features are kept between runs.
        scores_csv: the scores of all films, by network.
        networks: the folder of the networks.
        seed: of every draw.
    """

    name: str
    data: dataset.Dataset
    vgg19: str | None = None
    work: Path = field(default_factory=lambda: config.WORK)
    scores_csv: Path = field(default_factory=lambda: config.SCORES_CSV)
    networks: Path = field(default_factory=lambda: config.NETWORKS)
    seed: int = field(default_factory=lambda: config.SEED)

    @cached_property
    def spec(self) -> network_spec.NetworkSpec:
        return network_spec.spec(self.name, self.networks)

    @cached_property
    def predictor(self) -> Predictor:
        """The network as the app runs it: float32."""
        return Predictor(self.name, self.vgg19)

    @cached_property
    def trained_on(self) -> tuple[str, ...]:
        """The splits that the network was trained on."""
        return self.spec.trained_on

    @cached_property
    def training(self) -> pd.DataFrame:
        """The labelled films of those splits, less those of patients with a reported film."""
        return dataset.labelled_training_films(self.data.films, *self.trained_on)

    @cached_property
    def validation(self) -> pd.Series:
        """Of `training`, the held-out part: True where a film is in it. The same part as in training."""
        return dataset.validation_films(self.data.films, *self.trained_on)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """The manifest's labelled rows with this network's `score`, indexed by id, in the manifest's order.

        Raises:
            ExperimentError: there is no table of scores, or it lacks films of the data folder.
        """
        again = f"python -m covid_model evaluate --network {self.name}"
        if not self.scores_csv.is_file():
            raise ExperimentError(f"{self.scores_csv} is missing. Make it: {again}.")
        table = dataset.read_scores(self.scores_csv)
        own = table[table["network"] == self.name].set_index("id")["score"]
        known = dataset.labelled(self.data.films)
        joined = known.assign(score=own.reindex(known.index))
        missing = int(joined["score"].isna().sum())
        if missing:
            raise ExperimentError(f"{self.scores_csv} lacks {missing} films of the network {self.name!r}. Run {again}.")
        return joined

    def pixels(self, film_id: str) -> np.ndarray:
        """One film, (height, width) uint8."""
        return imaging.read(self.data.path(film_id)).pixels
