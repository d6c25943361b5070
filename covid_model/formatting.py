"""Format scores, verdicts and figures with their intervals, the same on a page, in a report and on the command line."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from covid_model.verdict import OutOfDistribution, is_positive

if TYPE_CHECKING:
    from covid_model.evaluation import Estimate
    from covid_model.model.predictor import Prediction

WHY_OUT = {  # why a film is out of distribution, as the user reads it
    OutOfDistribution.UNFAMILIAR: (
        "This does not look like a chest X-ray of the kind the network was trained on, so its score is not meaningful."
    ),
    OutOfDistribution.CHANGED: (
        "This X-ray looks rotated or inverted. The network was trained on upright X-rays with dark lungs, so its score "
        "is not meaningful."
    ),
    OutOfDistribution.COLOR: (
        "This image is in color. Chest X-rays are grayscale, so it may be a photograph or a screenshot of something "
        "else."
    ),
    OutOfDistribution.SIMULATED: (
        "This X-ray is simulated. Simulated X-rays lie outside the training data, so its score is not meaningful."
    ),
}

_BREAKABLE = re.compile(  # links and code first, which stay as they are
    r"(\]\([^)]*\)|`[^`]*`)|COVID\\?-19|[Nn]on\\?-COVID|X\\?-ray|VGG\\?-19|\d \\?%|\d × (?=\d)"
)
_UNBROKEN = {ord(" "): "\u00a0", ord("-"): "\u2011", ord("\\"): None}
MODEL_SCORE = "Model score"  # the label of a film's score
MEASURES = {  # title and definition
    "accuracy": ("Accuracy", "X-rays classified correctly"),
    "sensitivity": ("Sensitivity", "COVID-19 X-rays called positive"),
    "specificity": ("Specificity", "non-COVID X-rays called negative"),
    "ppv": ("PPV (precision)", "X-rays called positive that are COVID-19"),
    "npv": ("NPV", "X-rays called negative that are non-COVID"),
    "f1": ("F1", "harmonic mean of sensitivity and PPV"),
    "balanced_accuracy": ("Balanced accuracy", "mean of sensitivity and specificity"),
    "auc": ("AUC", "area under the ROC curve, over all thresholds"),
    "average_precision": ("Average precision", "area under the precision–recall curve, over all thresholds"),
}
AREAS = ("auc", "average_precision")  # shown as decimals, the custom for areas


def score_text(score: float) -> str:
    """Return a score in [0, 1] to three places. Rounding must not make it look certain: never "0.000" or "1.000"."""
    if score < 0.001:
        return "< 0.001"
    if score > 0.999:
        return "> 0.999"
    return f"{score:.3f}"


def verdict(score: float, threshold: float) -> str:
    """Return one sentence: on which side of the threshold the score is, and the verdict."""
    positive = is_positive(score, threshold)
    side = "Above" if positive else "Not above"
    return f"{side} the threshold of {threshold:.2f}: the network calls this X-ray {verdict_word(positive)}."


def unbroken(text: str) -> str:
    """Return plain text or Markdown with no line break inside "98 %", "7 × 7", "COVID-19", "VGG-19" or "X-ray".

    For the screen only: the hyphens and spaces that do not break are other characters. Links and code stay as they are.
    """
    return _BREAKABLE.sub(lambda part: part[1] or part[0].translate(_UNBROKEN), text)


def in_sentence(title: str, first: bool = False) -> str:
    """Return a network's title as a sentence names it: "the fine-tuned model"; `first`: where the sentence begins."""
    word = title.partition(" ")[0]
    name = title[:1].lower() + title[1:] if word[1:].islower() else title  # an acronym stays as it is
    named = name if word == "The" else f"the {name}"
    return named[:1].upper() + named[1:] if first else named


def verdict_word(positive: bool) -> str:
    """Return "positive" or "negative"."""
    return "positive" if positive else "negative"


def remarks(prediction: Prediction) -> tuple[str, ...]:
    """Return the warnings about a prediction as plain sentences, first why its film is out of distribution."""
    reasons = dict.fromkeys(filter(None, (prediction.reason, prediction.in_color and OutOfDistribution.COLOR)))
    return (*(WHY_OUT[reason] for reason in reasons), *prediction.warnings)


def percent(share: float | None) -> str:
    """Return a share in [0, 1] as "97.3 %"; a dash for None."""
    return "–" if share is None else f"{100 * share:.1f} %"


def decimal(area: float | None) -> str:
    """Return a figure to three places; a dash for None."""
    return "–" if area is None else f"{area:.3f}"


def interval(estimate: Estimate, number: Callable[[float | None], str] = percent) -> str:
    """Return "97.0 to 98.7 %"; "" if there is no interval."""
    return "" if estimate.low is None else f"{number(estimate.low).removesuffix(' %')} to {number(estimate.high)}"


def counted(estimate: Estimate) -> str:
    """Return "7 of 18"."""
    return f"{estimate.count:,} of {estimate.total:,}"


def intervals(by_patient: bool, draws: int) -> str:
    """Return sentences on how intervals are computed.

    Args:
        by_patient: whether patients were resampled; single films otherwise.
        draws: number of bootstrap samples.
    """
    unit = (
        "resampled by patient, because X-rays of one patient look alike"
        if by_patient
        else "resampled by X-ray, because the list of X-rays that names the patients is missing"
    )
    return (
        f"95 % confidence intervals, {unit} (bootstrap, {draws:,} samples). If all X-rays have the same outcome, it is "
        f"Wilson's interval for that number of {'patients' if by_patient else 'X-rays'}."
    )


def duration(seconds: object) -> str | None:
    """Return "42 s", "3 min 20 s" or "1 h 5 min"; None if `seconds` is not a number of seconds."""
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
