"""Score against severity: each rated film's logit over what experts made of it."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from covid_model.charts import style

ROOM = 1.15  # of the highest rating: how far the axis reaches, for the words at its end


def severity(rating: ArrayLike, logits: ArrayLike, title: str, height: int = 340, ink: str | None = None) -> go.Figure:
    """A diamond a film. `rating` (n,) as the experts gave it, `logits` (n,); `title` says what was rated."""
    rating, logits = np.asarray(rating, float), np.asarray(logits, float)
    end = ROOM * float(rating.max(initial=1))
    points = {
        "type": "scatter",
        "mode": "markers",
        "x": rating,
        "y": logits,
        "marker": {"symbol": style.COVID_SYMBOL, "size": 9, "color": style.faded(style.COVID_COLOUR, 0.7)},
        "hovertemplate": "rating %{x:.1f}, logit %{y:.1f}<extra></extra>",
        "showlegend": False,
    }
    return style.figure(
        height,
        ink,
        [points],
        shapes=[style.line(0, 0, end, 0)],
        annotations=[style.note(end, 0, "score 0.5", ink, xanchor="right", yanchor="bottom")],
        xaxis=style.axis(title, (-0.04 * end, 1.02 * end), ink, nticks=8),
        yaxis=style.axis("logit", None, ink, nticks=6),
    )


def severity_alt(rating: ArrayLike, correlation: float | None) -> str:
    """The cloud in a sentence. `correlation`: Spearman's, in [-1, 1]; None where there is none."""
    said = "no rank correlation" if correlation is None else f"a rank correlation of {correlation:.2f}"
    return f"The network's logit over the experts' rating of {np.size(rating)} COVID-19 films: {said}."
