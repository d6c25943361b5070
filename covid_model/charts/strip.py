"""A film's score and those of its copies, on one line from 0 to 1."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from covid_model.charts import style
from covid_model.evaluation import check
from covid_model.phrases import score_text
from covid_model.verdict import is_positive

_SEED = 0  # of how high each point is drawn: it says nothing, and keeps points apart


def score_strip(
    scores: ArrayLike, score: float, threshold: float, height: int = 150, ink: str | None = None
) -> go.Figure:
    """Scores (n,) of copies as points, each coloured and shaped by its verdict; `score` and `threshold` as lines."""
    scores, _ = check(scores, np.zeros(np.shape(scores)))
    heights = np.random.default_rng(_SEED).uniform(0.15, 0.85, scores.size)
    traces = []
    for positive in (True, False):
        which = is_positive(scores, threshold) == positive
        colour, symbol, label = (
            (style.COVID_COLOUR, style.COVID_SYMBOL, "positive")
            if positive
            else (style.OTHER_COLOUR, style.OTHER_SYMBOL, "negative")
        )
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": scores[which],
                "y": heights[which],
                "marker": {"color": style.faded(colour, 0.8), "symbol": symbol, "size": 10},
                "customdata": style.score_labels(scores[which]),
                "hovertemplate": f"a copy: %{{customdata}}, {label}<extra></extra>",
            }
        )
    lines = [
        style.line(threshold, 0, threshold, 1, width=2, colour=ink or style.GREY),
        style.line(score, 0, score, 1, "solid", 2, ink or style.GREY),
    ]
    notes = [
        style.note(threshold, 1.13, f"threshold {threshold:.2f}", ink, xanchor=style.side(threshold)),
        style.note(score, -0.13, f"▲ <b>this film {style.score_label(score)}</b>", ink, xanchor=style.side(score)),
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
    """What the strip says, in a sentence."""
    scores, _ = check(scores, np.zeros(np.shape(scores)))
    return (
        f"{scores.size} copies score from {score_text(float(scores.min()))} to {score_text(float(scores.max()))}, "
        f"{int(is_positive(scores, threshold).sum())} of them above the threshold {threshold:.2f}; the film itself "
        f"{score_text(score)}."
    )
