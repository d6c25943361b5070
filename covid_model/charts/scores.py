"""Every film's score, by truth, against the threshold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from covid_model.charts import style
from covid_model.evaluation import check
from covid_model.formatting import score_text
from covid_model.verdict import is_positive

BINS = 50
MOST_POINTS = 1500  # a truth; the columns behind them always count every film
_COUNTS = 1.07  # above a row's foot: the middle of its counts
_CLEAR = 0.1  # above and below them, which this film's line leaves free
_STEP = 1.2  # from the foot of one row to the foot of the next; a column is 1 high at most


def score_distribution(
    scores: ArrayLike,
    covid: ArrayLike,
    threshold: float,
    mark: float | None = None,
    ids: Sequence[str] | None = None,
    mark_label: str = "this film",
    height: int = 340,
    ink: str | None = None,
) -> go.Figure:
    """Two rows, COVID-19 above others: columns of films on a log scale, and in each column its films as points.

    Scores (n,) in [0, 1]. A logarithm lets 73 films be read beside 1,079. Films on the wrong side of the threshold
    are solid, the others faint and drawn only as far as MOST_POINTS go. `mark` is one more score, drawn as a line
    with `mark_label`; `ids` (n,) name the films under the pointer; `ink` colours the words.
    """
    scores, truth = check(scores, covid)
    names = np.asarray(ids, dtype=object) if ids is not None else None
    counts = {flag: np.histogram(scores[truth == flag], BINS, (0, 1))[0] for flag in (True, False)}
    fullest = np.log1p(max(1, *(count.max() for count in counts.values())))
    traces, notes = [], []
    for flag, foot in ((True, _STEP), (False, 0.0)):
        member = truth == flag
        traces.append(_columns(flag, foot, counts[flag], fullest))
        known = None if names is None else names[member]
        traces += _points(flag, foot, scores[member], threshold, counts[flag], fullest, known)
        notes += _shares(foot, scores[member], threshold, ink)
    lines = [style.line(threshold, 0, threshold, 2 * _STEP, width=2, colour=ink or style.GREY)]
    notes.append(
        style.note(threshold, 2 * _STEP + 0.06, f"threshold {threshold:.2f}", ink, xanchor=style.side(threshold))
    )
    if mark is not None:
        mark = float(mark)
        for low in (-0.06, _COUNTS + _CLEAR):  # in two parts, so that it runs through no count
            high = _COUNTS - _CLEAR + (_STEP if low > 0 else 0)
            lines.append(style.line(mark, low, mark, high, "solid", 2, ink or style.GREY))
        label = f"▲ <b>{mark_label} {style.score_label(mark)}</b>"
        notes.append(style.note(mark, -0.12, label, ink, xanchor=style.side(mark)))
    labels = [
        f"<b>{name}</b><br>{int((truth == flag).sum()):,} films"
        for name, flag in ((style.OTHER_LABEL, False), (style.COVID_LABEL, True))
    ]
    limits = (-0.2 if mark is not None else -0.04, 2 * _STEP + 0.14)
    bare = {"showgrid": False, "ticks": "", "showline": False}
    return style.figure(
        height,
        ink,
        traces,
        showlegend=False,
        bargap=0,
        barmode="overlay",
        shapes=lines,
        annotations=notes,
        xaxis=style.axis("score", (-0.02, 1.02), ink, tickvals=[0, 0.2, 0.4, 0.6, 0.8, 1], tickformat=".1f"),
        yaxis=style.axis("", limits, ink, tickvals=[0.4, _STEP + 0.4], ticktext=labels, **bare),
    )


def _look(flag: bool) -> tuple[str, str, str]:
    if flag:
        return style.COVID_LABEL, style.COVID_COLOUR, style.COVID_SYMBOL
    return style.OTHER_LABEL, style.OTHER_COLOUR, style.OTHER_SYMBOL


def _columns(flag: bool, foot: float, counts: np.ndarray, fullest: float) -> dict:
    """One truth's films a bin, on a log scale: `foot` is where the columns stand, the fullest of both truths is 1."""
    label, colour, _ = _look(flag)
    edges = np.linspace(0, 1, BINS + 1)
    return {
        "type": "bar",
        "x": (edges[:-1] + edges[1:]) / 2,
        "y": np.log1p(counts) / fullest,
        "base": foot,
        "width": 1 / BINS,
        "marker": {"color": style.faded(colour, 0.25), "line": {"width": 0}},
        "customdata": np.stack([edges[:-1], edges[1:], counts], axis=1),
        "hovertemplate": f"{label}: %{{customdata[2]:,}} films from %{{customdata[0]:.2f}} to %{{customdata[1]:.2f}}"
        "<extra></extra>",
    }


def _points(
    flag: bool,
    foot: float,
    scores: np.ndarray,
    threshold: float,
    counts: np.ndarray,
    fullest: float,
    names: np.ndarray | None,
) -> list[dict]:
    """One truth's films as points inside its columns: the right ones faint, the wrong ones solid."""
    label, colour, symbol = _look(flag)
    generator = np.random.default_rng(scores.size)  # by film, not by threshold: nothing hops when the slider moves
    column = np.minimum((scores * BINS).astype(int), BINS - 1)
    heights = foot + generator.uniform(0.06, 0.94, scores.size) * np.log1p(counts)[column] / fullest
    wrong = is_positive(scores, threshold) != flag
    shown = wrong | (generator.permutation(scores.size) < MOST_POINTS)
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "x": scores[which],
            "y": heights[which],
            "marker": {
                "color": style.faded(colour, alpha),
                "symbol": symbol,
                "size": size,
                "line": {"width": edge, "color": "white"},
            },
            "text": names[which] if names is not None else label,
            "customdata": style.score_labels(scores[which]),
            "hovertemplate": "%{text}: %{customdata}<extra></extra>",
        }
        for which, alpha, size, edge in ((shown & ~wrong, 0.6, 5, 0), (wrong, 1.0, 8, 1))
    ]


def _shares(foot: float, scores: np.ndarray, threshold: float, ink: str | None) -> list[dict]:
    """How many of a truth's films lie on either side."""
    above = int(is_positive(scores, threshold).sum())
    share = style.percent(above / scores.size if scores.size else None)
    return [
        style.note(1, foot + _COUNTS, f"above: {above:,} ({share})", ink, xanchor="right"),
        style.note(0, foot + _COUNTS, f"at or below: {scores.size - above:,}", ink, xanchor="left"),
    ]


def score_distribution_alt(scores: ArrayLike, covid: ArrayLike, threshold: float, mark: float | None = None) -> str:
    """What the distribution says, in a sentence."""
    scores, truth = check(scores, covid)
    above = is_positive(scores, threshold)
    sentence = (
        f"Scores by truth: {int((above & truth).sum()):,} of {int(truth.sum()):,} COVID-19 films and "
        f"{int((above & ~truth).sum()):,} of {int((~truth).sum()):,} other films lie above the threshold "
        f"{threshold:.2f}"
    )
    return sentence + (f"; this film lies at {score_text(mark)}." if mark is not None else ".")


# --- A film's score and those of its copies, on one line from 0 to 1 ---

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
