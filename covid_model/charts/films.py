"""Charts with a point per film: the score distribution, the scores of a film's perturbed copies, the map of films.

The distribution itself is a component (`app/components/distribution/`); here is its alternative text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

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


# --- The map: films with similar features are close together ---

PALETTE = ("#009E73", "#B0699A", "#C9A227", "#7A6FF0", "#808495", "#3E8E9E", "#A65628")  # none of them a class's
CLASSES = {  # color and symbol, as in every chart
    style.COVID_LABEL: (style.COVID_COLOR, style.COVID_SYMBOL),
    style.OTHER_LABEL: (style.OTHER_COLOR, style.OTHER_SYMBOL),
}
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "x", "star")  # groups differ without color, too
POINT, MARK = 5, 17  # pixels


def film_map(
    places: ArrayLike,
    ids: Sequence[str],
    groups: Sequence[str] | None = None,
    scores: ArrayLike | None = None,
    near: Sequence[int] = (),
    mark: tuple[float, float] | None = None,
    lasso: bool = False,
    height: int = 480,
    ink: str | None = None,
) -> go.Figure:
    """Draw the films at `places` (n, 2), one color and symbol for each of their `groups` (n,), or by score.

    Args:
        ids: (n,), each point's customdata and its name on hover.
        groups: (n,), named in the legend, the largest first. Without them, `scores` color the points.
        scores: (n,) in [0, 1], written on hover.
        near: rows of films drawn with a ring.
        mark: place of one more film, drawn as a star.
        lasso: whether dragging selects films.
        ink: CSS color of the text.
    """
    places, names = np.asarray(places, np.float64), np.asarray(ids, dtype=object)
    values = None if scores is None else np.asarray(scores, np.float64)
    labels = None if values is None else style.score_labels(values)
    traces = []
    for number, (title, rows) in enumerate(_members(groups, len(places)).items()):
        color, symbol = CLASSES.get(title, (PALETTE[number % len(PALETTE)], SYMBOLS[number % len(SYMBOLS)]))
        marker = {"size": POINT, "opacity": 0.75, "symbol": symbol}
        if groups is None and values is not None:
            bar = {"title": "Score", "thickness": 12, "len": 0.7, "outlinewidth": 0}
            marker |= {"color": values[rows], "cmin": 0, "cmax": 1, "colorbar": bar, "symbol": "circle"}
            marker |= {"colorscale": [[0, style.OTHER_COLOR], [1, style.COVID_COLOR]]}
        else:
            marker["color"] = color
        traces.append(
            {
                "type": "scattergl",
                "mode": "markers",
                "name": f"{escape(title)} ({len(rows):,})",
                "x": places[rows, 0],
                "y": places[rows, 1],
                "marker": marker,
                "customdata": [[names[row], "" if labels is None else f"score {labels[row]}"] for row in rows],
                "hovertemplate": f"%{{customdata[0]}}<br>{escape(title)}<br>%{{customdata[1]}}<extra></extra>",
                "unselected": {"marker": {"opacity": 0.12}},
            }
        )
    rings = np.asarray(near, int)
    if rings.size:
        traces.append(_above(places[rings], "most similar", "circle-open", 11, ink))
    if mark is not None:
        traces.append(_above(np.asarray([mark]), "this X-ray", "star", MARK, ink))
    hidden = {"visible": False, "fixedrange": True}
    return style.figure(
        height,
        ink,
        traces,
        xaxis=hidden,
        yaxis=hidden | {"scaleanchor": "x"},
        dragmode="lasso" if lasso else False,
        showlegend=groups is not None,
        legend={"orientation": "h", "x": 0, "y": 0, "yanchor": "top", "bgcolor": style.CLEAR, "itemsizing": "constant"},
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
    )


def film_map_alt(groups: Sequence[str] | None, count: int) -> str:
    """Return the alternative text of `film_map`."""
    start = f"A map of {count:,} X-rays; those with similar features are close together"
    if groups is None:
        return f"{start}. Color: model score."
    named = ", ".join(f"{title} {len(rows):,}" for title, rows in _members(groups, count).items())
    return f"{start}. Color: {named}."


def selected(points: Sequence[Mapping]) -> list[str]:
    """Return the ids of the films of a selection of points, as Streamlit reports it."""
    known = [point.get("customdata") for point in points]
    return list(dict.fromkeys(str(data[0]) for data in known if isinstance(data, (list, tuple)) and data))


def _members(groups: Sequence[str] | None, count: int) -> dict[str, np.ndarray]:
    """Return the rows of each group, the largest group first; one group "All" without groups."""
    if groups is None:
        return {"All": np.arange(count)}
    named = np.asarray(groups, dtype=object)
    titles, sizes = np.unique(named.astype(str), return_counts=True)
    return {str(title): np.flatnonzero(named == title) for title in titles[np.argsort(-sizes, kind="stable")]}


def _above(places: np.ndarray, name: str, symbol: str, size: int, ink: str | None) -> dict:
    color = ink or style.GRAY
    return {
        "type": "scattergl",
        "mode": "markers",
        "name": name,
        "x": places[:, 0],
        "y": places[:, 1],
        "marker": {"symbol": symbol, "size": size, "color": color, "line": {"width": 2, "color": color}},
        "hovertemplate": f"{name}<extra></extra>",
    }
