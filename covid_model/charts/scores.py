"""Charts of scores: their distribution by true class, and those of perturbed copies of one film."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from covid_model.charts import style
from covid_model.evaluation import check
from covid_model.formatting import score_text
from covid_model.verdict import is_positive


def score_distribution_alt(scores: ArrayLike, covid: ArrayLike, threshold: float, mark: float | None = None) -> str:
    """Describe the distribution in one sentence."""
    scores, truth = check(scores, covid)
    above = is_positive(scores, threshold)
    sentence = (
        f"Score distribution by true class: {int((above & truth).sum()):,} of {int(truth.sum()):,} COVID-19 X-rays and "
        f"{int((above & ~truth).sum()):,} of {int((~truth).sum()):,} non-COVID X-rays score above the threshold of "
        f"{threshold:.2f}"
    )
    return sentence + (f"; this X-ray scores {score_text(mark)}." if mark is not None else ".")


# --- Scores of a film and of its perturbed copies, on one line from 0 to 1 ---

_SEED = 0  # of the points' heights, which carry no meaning and keep points apart


def score_strip(
    scores: ArrayLike, score: float, threshold: float, height: int = 150, ink: str | None = None
) -> go.Figure:
    """Draw scores (n,) of copies as points, colored and shaped by verdict; `score` and `threshold` as lines."""
    scores, _ = check(scores, np.zeros(np.shape(scores)))
    heights = np.random.default_rng(_SEED).uniform(0.15, 0.85, scores.size)
    traces = []
    for positive in (True, False):
        which = is_positive(scores, threshold) == positive
        color, symbol, label = (
            (style.COVID_COLOR, style.COVID_SYMBOL, "positive")
            if positive
            else (style.OTHER_COLOR, style.OTHER_SYMBOL, "negative")
        )
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": scores[which],
                "y": heights[which],
                "marker": {"color": style.faded(color, 0.8), "symbol": symbol, "size": 10},
                "customdata": style.score_labels(scores[which]),
                "hovertemplate": f"copy: %{{customdata}}, {label}<extra></extra>",
            }
        )
    lines = [
        style.line(threshold, 0, threshold, 1, width=2, color=ink or style.GRAY),
        style.line(score, 0, score, 1, "solid", 2, ink or style.GRAY),
    ]
    notes = [
        style.note(threshold, 1.13, f"threshold {threshold:.2f}", ink, xanchor=style.side(threshold)),
        style.note(score, -0.13, f"▲ <b>this X-ray {style.score_label(score)}</b>", ink, xanchor=style.side(score)),
    ]
    bare = {"showgrid": False, "ticks": "", "showline": False, "showticklabels": False}
    return style.figure(
        height,
        ink,
        traces,
        showlegend=False,
        shapes=lines,
        annotations=notes,
        xaxis=style.axis("", (-0.02, 1.02), ink, tickvals=[0, 0.2, 0.4, 0.6, 0.8, 1], tickformat=".1f"),
        yaxis=style.axis("", (-0.3, 1.3), ink, **bare),
    )


def score_strip_alt(scores: ArrayLike, score: float, threshold: float) -> str:
    """Describe the strip in one sentence."""
    scores, _ = check(scores, np.zeros(np.shape(scores)))
    return (
        f"{scores.size} copies score from {score_text(float(scores.min()))} to {score_text(float(scores.max()))}, "
        f"{int(is_positive(scores, threshold).sum())} of them above the threshold of {threshold:.2f}; the X-ray "
        f"itself scores {score_text(score)}."
    )
