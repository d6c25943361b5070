"""A score, a verdict, a figure with its interval in words, the same on a page and on paper."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from covid_model.verdict import OutOfDistribution, is_positive

if TYPE_CHECKING:
    from covid_model.evaluation import Estimate
    from covid_model.model.predictor import Prediction

WHY_OUT = {  # why a film is out of distribution, as a visitor reads it
    OutOfDistribution.UNFAMILIAR: (
        "This does not look like a chest X-ray of the kind that the network was trained on, so its score is not "
        "meaningful."
    ),
    OutOfDistribution.CHANGED: (
        "This X-ray looks rotated or inverted. The network was trained on upright X-rays with dark lungs, so its score "
        "is not meaningful."
    ),
    OutOfDistribution.COLOUR: (
        "This is a colour picture; a chest X-ray is grey, so it may be a photograph or a screenshot of something else."
    ),
}

MODEL_SCORE = "Model score"  # the label of a film's score
MEASURES = {  # name and what it asks
    "accuracy": ("Accuracy", "films called as they are"),
    "sensitivity": ("Sensitivity", "COVID-19 films called positive"),
    "specificity": ("Specificity", "other films called negative"),
    "ppv": ("PPV, precision", "positive films that are COVID-19"),
    "npv": ("NPV", "negative films that are not"),
    "f1": ("F1", "harmonic mean of sensitivity and PPV"),
    "balanced_accuracy": ("Balanced accuracy", "mean of sensitivity and specificity"),
    "auc": ("AUC", "area under the ROC curve, at any threshold"),
    "average_precision": ("Average precision", "area under precision and recall, at any threshold"),
}
AREAS = ("auc", "average_precision")  # shown as decimals, the custom for areas


def score_text(score: float) -> str:
    """A score to three places. A network is never certain: 0 and 1 come of rounding and are not written so."""
    if score < 0.001:
        return "< 0.001"
    if score > 0.999:
        return "> 0.999"
    return f"{score:.3f}"


def verdict(score: float, threshold: float) -> str:
    """What the network makes of a film, in one sentence."""
    positive = is_positive(score, threshold)
    where = "Above" if positive else "Not above"
    return f"{where} the threshold of {threshold:.2f}: the network calls this film {verdict_word(positive)}."


def verdict_word(positive: bool) -> str:
    """The verdict as a word."""
    return "positive" if positive else "negative"


def remarks(reading: Prediction) -> tuple[str, ...]:
    """What to bear in mind about a score, in plain sentences: why the film is out of distribution comes first."""
    reasons = dict.fromkeys(filter(None, (reading.reason, reading.in_colour and OutOfDistribution.COLOUR)))
    return (*(WHY_OUT[reason] for reason in reasons), *reading.warnings)


def percent(share: float | None) -> str:
    """A share in [0, 1]: "97.3 %", or a dash."""
    return "–" if share is None else f"{100 * share:.1f} %"


def decimal(area: float | None) -> str:
    """A figure to three places, or a dash."""
    return "–" if area is None else f"{area:.3f}"


def interval(estimate: Estimate, number: Callable[[float | None], str] = percent) -> str:
    """ "97.0 to 98.7 %", or nothing where there is no interval."""
    return "" if estimate.low is None else f"{number(estimate.low).removesuffix(' %')} to {number(estimate.high)}"


def counted(estimate: Estimate) -> str:
    """ "7 of 18"."""
    return f"{estimate.count:,} of {estimate.total:,}"


def intervals(by_patient: bool, draws: int) -> str:
    """How intervals came about, in sentences."""
    whose = (
        "by patient: films of one patient look alike, so whole patients are drawn"
        if by_patient
        else "by film, as the list of films that tells whose they are is not here"
    )
    return (
        f"Intervals are 95 %, {whose} (bootstrap of {draws:,} samples). Where all films agree they are Wilson's, "
        f"for as many {'patients' if by_patient else 'films'}."
    )


def duration(seconds: object) -> str | None:
    """Seconds for people: "42 s", "3 min 20 s", "1 h 5 min"."""
    if not isinstance(seconds, int | float) or seconds != seconds or seconds < 0:
        return None
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.3g} s" if seconds < 10 else f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
