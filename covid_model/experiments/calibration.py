"""Calibration: whether a score of 0.8 means four films in five, before and after temperature scaling.

Temperature scaling (Guo et al. 2017, arXiv 1706.04599) divides the logit by a temperature that is fitted on the
validation films. The order of the scores and the verdicts at 0.5 stay; the confidence changes.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from covid_model import config, evaluation
from covid_model.data import dataset
from covid_model.evaluation.metrics import mean, to_json
from covid_model.experiments.context import ExperimentContext
from covid_model.experiments.lung_erasure import recipe_of
from covid_model.model import registry
from covid_model.model.predictor import sigmoid
from covid_model.model.registry import Calibration
from covid_model.training.frozen_head import training_features

CLIP = 5e-7  # scores are stored with six decimals: 0 and 1 are taken to be this far from the end
MEASURED_ON = ("test", "extra-test", "external")
LIMITS = (0.05, 20.0)  # of the search for the temperature


def run(context: ExperimentContext) -> dict[str, Any]:
    """Fit a temperature on the validation films and measure its effect on every reported split.

    Writes both into the network's JSON, where the app reads them.
    """
    held_out, origin = validation_scores(context)
    temperature = fit(held_out["score"], held_out["covid"])
    table = context.scores
    parts = {split: table[table["split"] == split] for split in MEASURED_ON}
    parts["adults"] = table[~table["split"].isin(config.TRAINING_SPLITS) & (table["source"] != config.CHILDREN)]
    record = {
        "temperature": temperature,
        "fitted_on": {"films": len(held_out), "covid": int(held_out["covid"].sum()), "scores": origin},
        "validation": compare(held_out, temperature),
        "splits": {name: compare(part, temperature) for name, part in parts.items() if len(part)},
    }
    calibrated = Calibration.from_record(to_json(record))
    replace(registry.spec(context.name, context.networks), calibration=calibrated).save(context.networks)
    return record


def validation_scores(context: ExperimentContext) -> tuple[pd.DataFrame, str]:
    """Return the validation films with scores of a network not trained on them, and a note on where these come from.

    A network whose final training included the validation films is overconfident on them, so its head is trained once
    more without them.
    """
    part = context.training[context.validation]
    if context.spec.holds_out or context.spec.base == registry.STORED:
        return part.assign(
            score=context.scores.loc[part.index, "score"]
        ), "the network's own, which never saw these films"
    return part.assign(score=refit(context)), "of a head trained alike on the other films, as the network saw these"


def refit(context: ExperimentContext) -> np.ndarray:
    """Return the validation films' scores (n,) by a head trained without them, by the recipe without augmentation."""
    from covid_model.training import frozen_head

    seen = training_features(
        context.spec.head.pooling, context.data, context.training, dataset.weights_file(context.vgg19), context.work
    )
    held_out, truth = context.validation.to_numpy(), context.training["covid"].to_numpy()
    head, _ = frozen_head.fit([seen[~held_out]], truth[~held_out], recipe_of(context.spec), seed=0)
    return frozen_head.scores(head, seen[held_out])


def logits(scores: ArrayLike) -> np.ndarray:
    """Return the logits of scores, after clipping these to [CLIP, 1 - CLIP]."""
    inner = np.clip(np.asarray(scores, np.float64), CLIP, 1 - CLIP)
    return np.log(inner / (1 - inner))


def at(scores: ArrayLike, temperature: float) -> np.ndarray:
    """Return the scores at a temperature: above 1 they move toward 0.5, below 1 away from it."""
    return sigmoid(logits(scores) / temperature)


def fit(scores: ArrayLike, covid: ArrayLike) -> float:
    """Return the temperature within LIMITS that has the lowest binary cross-entropy."""
    from scipy.optimize import minimize_scalar
    from sklearn.metrics import log_loss

    truth, z = np.asarray(covid, int), logits(scores)
    optimum = minimize_scalar(
        lambda log: log_loss(truth, sigmoid(z / np.exp(log)), labels=(0, 1)),
        bounds=np.log(LIMITS),
        method="bounded",
        options={"xatol": 1e-5},
    )
    return float(np.exp(optimum.x))


def measure(scores: ArrayLike, covid: ArrayLike) -> dict[str, Any]:
    """Return the ECE, Brier score and binary cross-entropy (lower is better), and the reliability diagram's bins."""
    from sklearn.metrics import log_loss

    truth = np.asarray(covid, int)
    bins = evaluation.reliability(scores, truth, draws=0)
    return {
        "ece": evaluation.calibration_error(bins),
        "brier": evaluation.brier(scores, truth),
        "log_loss": float(log_loss(truth, np.clip(scores, CLIP, 1 - CLIP), labels=(0, 1))),
        "bins": [asdict(row) | {"covid": row.covid.value} for row in bins],
    }


def compare(part: pd.DataFrame, temperature: float) -> dict[str, Any]:
    """Compare films (columns score, covid, patient) before and after scaling by a temperature.

    Returns:
        Counts and figures; `change`, the mean change in cross-entropy per film with its interval by patient; and
        whether the temperature `helps`: even the upper end of that interval is below 0.
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
    """Return the binary cross-entropy of each film."""
    right = np.where(truth == 1, scores, 1 - scores)
    return -np.log(np.clip(right, CLIP, 1))
