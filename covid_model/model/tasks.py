"""Name what the app asks of a network about one film, so that it can be asked of a service on another computer too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from covid_model.imaging import Film
from covid_model.model import activations, attribution, robustness
from covid_model.model.predictor import Predictor

PREDICT = "predict"  # the task that the queue's pace is measured by
EXPLAIN = "explain"  # the only one with an option: methods, a list


def _features(predictor: Predictor, film: Film) -> np.ndarray:
    return next(predictor.outputs([film.pixels]))[1]


TASKS: dict[str, Callable[..., Any]] = {
    PREDICT: lambda predictor, film: predictor.predict(film),
    "trace": lambda predictor, film: activations.trace(predictor, film),
    EXPLAIN: lambda predictor, film, methods: attribution.explain(predictor, film.pixels, tuple(methods)),
    "randomized": lambda predictor, film: attribution.randomized(predictor, film.pixels),
    "robustness": lambda predictor, film: robustness.spread(predictor, film.pixels),
    "features": _features,
}


@dataclass(frozen=True)
class Task:
    """One question about one film. Called with a predictor, it returns the answer.

    Attributes:
        name: A key of TASKS.
        film: The film. A service gets its pixels only.
        options: Further arguments of the task, plain values that JSON can hold.
    """

    name: str
    film: Film
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        if self.name not in TASKS:
            raise ValueError(f"The task must be one of {', '.join(TASKS)}. Received: {self.name!r}.")
        methods = self.options.get("methods") if self.name == EXPLAIN else []
        if set(self.options) != ({"methods"} if self.name == EXPLAIN else set()) or not isinstance(methods, list):
            raise ValueError(f"Expected a list of methods for {EXPLAIN}, nothing else. Received: {self.options!r}.")
        if unknown := [method for method in methods if method not in attribution.METHODS]:
            raise ValueError(f"The methods must be of {', '.join(attribution.METHODS)}. Received: {unknown!r}.")

    def __call__(self, predictor: Predictor) -> Any:
        return TASKS[self.name](predictor, self.film, **self.options)

    def completed(self, answer: Any) -> Any:
        """Return the answer to the pixels alone with what the film is known to be besides."""
        if self.name != PREDICT:
            return answer
        return replace(answer, warnings=self.film.warnings, in_color=self.film.in_color)


def of_pixels(name: str, pixels: np.ndarray, **options: Any) -> Task:
    """Return the task `name` about a film of these pixels, (height, width) uint8."""
    return Task(name, Film(pixels, (), "PNG"), options)
