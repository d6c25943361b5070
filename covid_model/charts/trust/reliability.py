"""Reliability diagram: the share of COVID-19 films among those that scored alike, before and after calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from covid_model.charts import style

SMALLEST, LARGEST = 7, 26  # pixels across, of a bin with one film and of the fullest one
SYMBOLS = ("square", "triangle-up")

Bins = Sequence[Mapping[str, float | None]]  # of each bin: films, score (their mean), covid (their share of COVID-19)


def reliability(curves: Mapping[str, Bins], height: int = 380, ink: str | None = None) -> go.Figure:
    """`curves` by name: bins with films; the diagonal is a score that means what it says. Larger points, more films."""
    fullest = max((one["films"] for bins in curves.values() for one in bins), default=1) or 1
    traces = []
    for at, (name, bins) in enumerate(curves.items()):
        known = [one for one in bins if one["films"]]
        colour = style.LINE_COLOURS[2 + at % 2]  # the other two are the truths' colours
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": name,
                "x": [one["score"] for one in known],
                "y": [one["covid"] for one in known],
                "line": {"color": colour, "width": 2, "dash": style.DASHES[at % len(style.DASHES)]},
                "marker": {
                    "symbol": SYMBOLS[at % len(SYMBOLS)],
                    "size": [SMALLEST + (LARGEST - SMALLEST) * (one["films"] / fullest) ** 0.5 for one in known],
                    "color": style.faded(colour, 0.8),
                },
                "customdata": [one["films"] for one in known],
                "hovertemplate": "%{customdata:,} films, mean score %{x:.2f}: %{y:.1%} COVID-19<extra>"
                + name
                + "</extra>",
            }
        )
    return style.figure(
        height,
        ink,
        traces,
        shapes=[style.line(0, 0, 1, 1)],
        annotations=[style.note(0.84, 0.88, "means what it says", ink, xanchor="right")],
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "bgcolor": style.CLEAR},
        xaxis=style.axis("mean score", (-0.04, 1.06), ink, dtick=0.25, tickformat=".2f"),
        yaxis=style.axis("of them COVID-19", (-0.06, 1.08), ink, dtick=0.25, tickformat=".0%"),
    )


def reliability_alt(curves: Mapping[str, Bins]) -> str:
    """The highest bin of each curve, in a sentence."""
    parts = []
    for name, bins in curves.items():
        known = [one for one in bins if one["films"]]
        if known:
            last = known[-1]
            parts.append(
                f"{name}, {last['films']:,} films with a mean score of {last['score']:.2f} are COVID-19 in "
                f"{style.percent(last['covid'])}"
            )
    return f"Reliability diagram: {'; '.join(parts) or 'no films'}."
