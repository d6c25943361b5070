"""Deletion and insertion: what becomes of the score while a film is blurred, or sharpened, cell by cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from covid_model.charts import style
from covid_model.phrases import score_text

Curves = Mapping[str, Sequence[float]]  # mean scores (n,) by the order of the cells: MAP, RANDOM

MAP, RANDOM = "grad-cam", "random"
NAMES = {MAP: "by the map", RANDOM: "at random"}
DASHES = {MAP: "solid", RANDOM: "dot"}


def faithfulness(deletion: Curves, insertion: Curves, height: int = 340, ink: str | None = None) -> go.Figure:
    """Four lines over the share of the film that was changed: cells taken away and given back, each in both orders.

    (Deletion and insertion, Petsiuk, Das and Saenko 2018, "RISE".) Scores in [0, 1]; `ink` the CSS colour of the words.
    """
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [step / (len(curve) - 1) for step in range(len(curve))],
            "y": list(curve),
            "name": f"{title} {NAMES[order]}",
            "line": {"color": colour, "dash": DASHES[order], "width": 3},
            "customdata": style.score_labels(curve),
            "hovertemplate": f"{title} {NAMES[order]}<br>%{{x:.0%}} of the film: "
            "mean score %{customdata}<extra></extra>",
        }
        for title, curves, colour in (
            ("taken away", deletion, style.COVID_COLOUR),
            ("given back", insertion, style.OTHER_COLOUR),
        )
        for order, curve in curves.items()
    ]
    return style.figure(
        height,
        ink,
        traces,
        margin={"l": 8, "r": 8, "t": 60, "b": 8},
        legend=style.LEGEND_ABOVE,
        xaxis=style.axis("share of the film", (0, 1.02), ink, tickformat=".0%", dtick=0.25),
        yaxis=style.axis("mean score", (0, 1.02), ink, dtick=0.25),
    )


def faithfulness_alt(deletion: Curves, insertion: Curves) -> str:
    """Where each line stands half way, in a sentence."""
    parts = [
        f"{title} {NAMES[order]} {score_text(curve[len(curve) // 2])}"
        for title, curves in (("taken away", deletion), ("given back", insertion))
        for order, curve in curves.items()
    ]
    return f"Mean score with half of the film {', '.join(parts)}."
