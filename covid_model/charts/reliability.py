"""A reliability diagram: what scores say against what is true of the films that have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from covid_model.charts import style
from covid_model.evaluation import Bin
from covid_model.phrases import score_text

_SYMBOLS = ("circle", "diamond", "square", "triangle-up")
_SMALLEST, _LARGEST = 7, 22  # pixels across: a bin with one film, and the fullest one


def reliability(networks: Mapping[str, Sequence[Bin]], height: int = 400, ink: str | None = None) -> go.Figure:
    """Share of COVID-19 films over mean score, a point a bin, larger where more films are; bars are intervals.

    On the diagonal a score means what it says. `networks` may hold one network more than once, as in "after".
    """
    traces = []
    fullest = max([one.films for bins in networks.values() for one in bins], default=1)
    for number, (name, bins) in enumerate(networks.items()):
        colour, _ = style.network(number)
        known = [one for one in bins if one.films]
        share = np.array([one.covid.value for one in known])
        bars = {}
        if known and all(one.covid.low is not None for one in known):
            bars["error_y"] = {
                "type": "data",
                "symmetric": False,
                "array": np.array([one.covid.high for one in known]) - share,
                "arrayminus": share - np.array([one.covid.low for one in known]),
                "color": colour,
                "thickness": 1.5,
                "width": 4,
            }
        traces.append(
            {
                "type": "scatter",
                "x": [one.score for one in known],
                "y": share,
                "mode": "markers",
                "name": name,
                "marker": {
                    "symbol": _SYMBOLS[number % len(_SYMBOLS)],
                    "size": [_size(one.films, fullest) for one in known],
                    "color": colour,
                    "opacity": 1,
                    "line": {"color": "white", "width": 1},
                },
                "customdata": [[one.films, one.low, one.high, style.score_label(one.score)] for one in known],
                "hovertemplate": "%{customdata[0]:,} films from %{customdata[1]:.1f} to %{customdata[2]:.1f}<br>"
                f"mean score %{{customdata[3]}}, COVID-19 %{{y:.1%}}<extra>{name}</extra>",
            }
            | bars
        )
    notes = [style.note(0.6, 0.66, "a score that means what it says", ink, xanchor="right")]
    return style.figure(
        height,
        ink,
        traces,
        showlegend=len(networks) > 1,
        legend=style.LEGEND_ABOVE,
        shapes=[style.line(0, 0, 1, 1)],
        annotations=notes,
        xaxis=style.axis("mean score of the films in a bin", (-0.03, 1.04), ink, tickformat=".1f", dtick=0.2),
        yaxis=style.axis("of them COVID-19 films", (-0.04, 1.06), ink, tickformat=".0%", dtick=0.2),
    )


def _size(films: int, fullest: int) -> float:
    """Pixels across: by the logarithm, or a bin of a thousand films would hide the others."""
    return _SMALLEST + (_LARGEST - _SMALLEST) * float(np.log1p(films) / np.log1p(max(fullest, 1)))


def reliability_alt(networks: Mapping[str, Sequence[Bin]]) -> str:
    """What the highest bin of each says, in a sentence."""
    parts = []
    for name, bins in networks.items():
        known = [one for one in bins if one.films]
        if known:
            top = known[-1]
            parts.append(
                f"{name}: of the {top.films:,} films above {top.low:.1f}, mean score {score_text(top.score)}, "
                f"{style.percent(top.covid.value)} are COVID-19 films"
            )
    return f"Reliability diagram. {'; '.join(parts) or 'No films'}."
