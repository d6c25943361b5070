"""Growth of cost with the size of a film and with the number of test films behind a page."""

from __future__ import annotations

import cv2
import numpy as np

from covid_model import config, evaluation, imaging
from covid_model.tools.benchmark.subject import Subject
from covid_model.tools.benchmark.timing import Row, interleaved

SIDES = (256, 512, 1024, 2048, 4096)  # pixels
COUNTS = (1_000, 2_000, 4_000, 8_000, 16_000)  # test films
LINEAR = 1.1  # exponents up to this count as linear growth, as timings are noisy


def rows(subject: Subject, rounds: int) -> tuple[list[Row], dict]:
    """Measure; return rows with the exponents of growth, and the curves."""
    curves = {
        "megapixels of a film": _sizes(subject, rounds),
        "test films behind a page": _counts(rounds),
    }
    measured = [
        Row(
            f"Cost against {name}: exponent of growth",
            exponent(curve["size"], curve["seconds"]),
            "",
            most=LINEAR,
            detail=f"{curve['size'][0]:g} to {curve['size'][-1]:g}: {1000 * curve['seconds'][0]:.0f} to "
            f"{1000 * curve['seconds'][-1]:.0f} ms",
            note="1 is linear growth, 0 is none.",
        )
        for name, curve in curves.items()
    ]
    return measured, curves


def exponent(sizes: list[float], seconds: list[float]) -> float:
    """Return p of cost = c * size ** p between the last two sizes, where fixed costs matter least."""
    return float(np.log(seconds[-1] / seconds[-2]) / np.log(sizes[-1] / sizes[-2]))


def _curve(sizes: list[float], candidates: dict, rounds: int) -> dict[str, list[float]]:
    timed = interleaved(candidates, rounds)
    return {"size": sizes, "seconds": [timed.median(name) for name in candidates]}


def _sizes(subject: Subject, rounds: int) -> dict[str, list[float]]:
    candidates = {}
    for side in SIDES:
        picture = cv2.resize(subject.film.pixels, (side, side), interpolation=cv2.INTER_LINEAR)
        data = cv2.imencode(".png", picture)[1].tobytes()
        candidates[str(side)] = lambda data=data: subject.predictor.predict(imaging.decode(data))
    return _curve([side * side / 1e6 for side in SIDES], candidates, rounds)


def _counts(rounds: int) -> dict[str, list[float]]:
    """Time the computations of the page Results for a move of its slider."""
    rng = np.random.default_rng(0)
    candidates = {}
    for count in COUNTS:
        covid = (rng.uniform(size=count) < 0.06).astype(int)
        scores = np.clip(rng.normal(0.2 + 0.6 * covid, 0.2), 0, 1)
        candidates[str(count)] = lambda scores=scores, covid=covid: _page(scores, covid)
    return _curve([float(count) for count in COUNTS], candidates, rounds)


def _page(scores: np.ndarray, covid: np.ndarray) -> None:
    evaluation.confusion(scores, covid, config.THRESHOLD)
    evaluation.rates(scores, covid, config.THRESHOLD)
    evaluation.cells(scores, covid, config.THRESHOLD)
    evaluation.roc(scores, covid)
