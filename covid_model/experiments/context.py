"""What an experiment runs on: one network, its scores and a data folder, each loaded on first use."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from covid_model import config, imaging
from covid_model.data import dataset
from covid_model.model import registry
from covid_model.model.predictor import Predictor
from covid_model.training.score_dataset import OutputStore


class ExperimentError(RuntimeError):
    """An experiment cannot be run. The message says what is missing and how to get it."""


@dataclass(frozen=True)
class ExperimentContext:
    """One network under audit.

    Attributes:
        name: the network's.
        data: a data folder.
        vgg19: VGG-19's weights file, for a network on the frozen base; None for COVID_MODEL_VGG19's, else Keras'
            download.
        work: the folder in which features are kept between runs.
        scores_csv: the scores of all films, by network.
        networks: the folder of the networks.
        seed: of every random draw.
    """

    name: str
    data: dataset.Dataset
    vgg19: str | None = None
    work: Path = field(default_factory=lambda: config.WORK)
    scores_csv: Path = field(default_factory=lambda: config.SCORES_CSV)
    networks: Path = field(default_factory=lambda: config.NETWORKS)
    seed: int = field(default_factory=lambda: config.SEED)

    @cached_property
    def spec(self) -> registry.NetworkSpec:
        return registry.spec(self.name, self.networks)

    @cached_property
    def predictor(self) -> Predictor:
        """Return the network as the app runs it, in float32."""
        return Predictor(self.name, self.vgg19)

    @cached_property
    def trained_on(self) -> tuple[str, ...]:
        """Return the splits that the network was trained on."""
        return self.spec.trained_on

    @cached_property
    def training(self) -> pd.DataFrame:
        """Return the labeled films of those splits, without patients who have a film in a reported split."""
        return dataset.labeled_training_films(self.data.films, *self.trained_on)

    @cached_property
    def validation(self) -> pd.Series:
        """Return which films of `training` are held out (True), the same ones as in training."""
        return dataset.validation_films(self.data.films, *self.trained_on)

    def outputs(self, precision: str = "float32") -> OutputStore:
        """Return the network's stored logits and pooled features, computed where they are missing."""
        return OutputStore(self.spec, self.data, self.vgg19, precision, self.work)

    @cached_property
    def scored(self) -> pd.DataFrame:
        """Return the rows of the manifest that have a `score` by this network, indexed by id, in its order.

        Raises:
            ExperimentError: the table of scores, or the score of a reported film in the data folder, is missing.
        """
        command = f"python -m covid_model evaluate --network {self.name}"
        if not self.scores_csv.is_file():
            raise ExperimentError(f"{self.scores_csv} is missing. Create it with: {command}")
        table = dataset.read_scores(self.scores_csv)
        own = table[table["network"] == self.name].set_index("id")["score"]
        table = self.data.films.assign(score=own.reindex(self.data.films.index))
        missing = int((table["score"].isna() & ~table["split"].isin(config.TRAINING_SPLITS)).sum())
        if missing:
            raise ExperimentError(
                f"{self.scores_csv} lacks {missing} films of the network {self.name!r}. Add them with: {command}"
            )
        return table[table["score"].notna()]

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Return the rows of `scored` with a known ground truth, `covid` as integers."""
        return dataset.labeled(self.scored)

    def pixels(self, film_id: str) -> np.ndarray:
        """Return a decoded film, (height, width) uint8."""
        return imaging.read(self.data.path(film_id)).pixels
