"""Calibration: whether a score of 0.8 means four films in five, before and after one number sets it right.

Temperature scaling (Guo et al. 2017, arXiv 1706.04599): the logit divided by a temperature that is fitted on the
validation part. It changes no order of scores and no verdict at 0.5; what it can change is how sure they sound.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from covid_model import config, evaluation
from covid_model.data import dataset
from covid_model.evaluation.by_patient import mean, to_json
from covid_model.experiments.context import ExperimentContext
from covid_model.experiments.lung_erasure import recipe_of
from covid_model.model import network_spec
from covid_model.model.network_spec import Calibration
from covid_model.model.predictor import sigmoid
from covid_model.training import features

CLIP = 5e-7  # scores stand with six decimals in the table: 0 and 1 are taken for this far from the end
MEASURED_ON = ("test", "extra-test", "external")
LIMITS = (0.05, 20.0)  # between which the temperature is looked for


def run(case: ExperimentContext) -> dict[str, Any]:
    """A temperature fitted on the validation part, and what it does to every reported split.

    Leaves both in the network's JSON, from where the app has them.
    """
    held_out, how = validation_scores(case)
    temperature = fit(held_out["score"], held_out["covid"])
    table = case.scores
    parts = {split: table[table["split"] == split] for split in MEASURED_ON}
    parts["adults"] = table[~table["split"].isin(config.TRAINING_SPLITS) & (table["source"] != config.CHILDREN)]
    found = {
        "temperature": temperature,
        "fitted_on": {"films": len(held_out), "covid": int(held_out["covid"].sum()), "scores": how},
        "validation": compare(held_out, temperature),
        "splits": {name: compare(part, temperature) for name, part in parts.items() if len(part)},
    }
    calibrated = Calibration.from_record(to_json(found))
    replace(network_spec.spec(case.name, case.networks), calibration=calibrated).save(case.networks)
    return found


def validation_scores(case: ExperimentContext) -> tuple[pd.DataFrame, str]:
    """The validation part with a score of films that the scoring network was not trained on, and how that came.

    A network that was in the end trained on every film of its splits, the validation part too, is too sure of these.
    So its head is trained once more without them.
    """
    part = case.training[case.validation]
    if case.spec.holds_out or case.spec.base == network_spec.STORED:  # of the latter, no head can be trained alone
        return part.assign(score=case.scores.loc[part.index, "score"]), "the network's own, which never saw these films"
    return part.assign(score=refit(case)), "of a head trained alike on the other films, as the network saw these"


def refit(case: ExperimentContext) -> np.ndarray:
    """Scores (n,) of the validation part by a head trained without it: the network's recipe, films as they are."""
    from covid_model.training import heads

    others = case.data.films[case.data.films["split"].isin(config.TRAINING_SPLITS)]
    job = features.FeatureJob(
        dataset.weights_file(case.vgg19), case.spec.preprocessing, precision=config.fast_precision()
    )
    kept = features.extract(case.data, list(others.index), job, case.work)  # the same file as in training
    rows = others.index.get_indexer(case.training.index)
    held_out, truth = case.validation.to_numpy(), case.training["covid"].to_numpy()
    head, _ = heads.fit([np.array(kept[rows[~held_out]])], truth[~held_out], recipe_of(case.spec), seed=0)
    return heads.scores(head, kept[rows[held_out]])


def logits(scores: ArrayLike) -> np.ndarray:
    """The logits of scores, those at the ends taken for CLIP from them."""
    inner = np.clip(np.asarray(scores, np.float64), CLIP, 1 - CLIP)
    return np.log(inner / (1 - inner))


def at(scores: ArrayLike, temperature: float) -> np.ndarray:
    """Scores at a temperature: above 1 they move towards 0.5, below 1 away from it."""
    return sigmoid(logits(scores) / temperature)


def fit(scores: ArrayLike, covid: ArrayLike) -> float:
    """The temperature with the lowest binary cross-entropy, between LIMITS."""
    from scipy.optimize import minimize_scalar
    from sklearn.metrics import log_loss

    truth, z = np.asarray(covid, int), logits(scores)
    found = minimize_scalar(
        lambda log: log_loss(truth, sigmoid(z / np.exp(log)), labels=(0, 1)),
        bounds=np.log(LIMITS),
        method="bounded",
        options={"xatol": 1e-5},
    )
    return float(np.exp(found.x))


def measure(scores: ArrayLike, covid: ArrayLike) -> dict[str, Any]:
    """ECE, Brier score and binary cross-entropy (all: lower is better), and the reliability bins."""
    from sklearn.metrics import log_loss

    truth = np.asarray(covid, int)
    bins = evaluation.reliability(scores, truth, draws=0)
    return {
        "ece": evaluation.calibration_error(bins),
        "brier": evaluation.brier(scores, truth),
        "log_loss": float(log_loss(truth, np.clip(scores, CLIP, 1 - CLIP), labels=(0, 1))),
        "bins": [asdict(one) | {"covid": one.covid.value} for one in bins],
    }


def compare(part: pd.DataFrame, temperature: float) -> dict[str, Any]:
    """The films of `part` (columns score, covid, patient) before and after, and whether the temperature helps.

    `change` is that of the cross-entropy a film, with an interval by patient; the temperature `helps` where even its
    upper end is below 0.
    """
    truth, before = part["covid"].to_numpy(int), part["score"].to_numpy(np.float64)
    after = at(before, temperature)
    change = mean(_losses(after, truth) - _losses(before, truth), part["patient"])
    return {
        "films": len(part),
        "covid": int(truth.sum()),
        "before": measure(before, truth),
        "after": measure(after, truth),
        "change": change,
        "helps": change.high is not None and change.high < 0,
    }


def _losses(scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Binary cross-entropy of each film."""
    right = np.where(truth == 1, scores, 1 - scores)
    return -np.log(np.clip(right, CLIP, 1))
