"""Charts of scores: their distribution by true class, and those of perturbed copies of one film."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from covid_model.charts import style
from covid_model.evaluation import check
from covid_model.formatting import percent, score_text
from covid_model.verdict import is_positive

BINS = 50
MOST_POINTS = 1500  # per class; the columns behind them count every film
_COUNTS = 1.07  # height of a row's counts above its baseline
_CLEAR = 0.1  # gap above and below the counts, kept free of this film's line
_STEP = 1.2  # distance between the baselines of the two rows; the highest column has height 1


def score_distribution(
    scores: ArrayLike,
    covid: ArrayLike,
    threshold: float,
    mark: float | None = None,
    ids: Sequence[str] | None = None,
    mark_label: str = "this X-ray",
    ink: str | None = None,
) -> go.Figure:
    """Draw two rows, COVID-19 above non-COVID: a histogram on a log scale, and its films as points in the columns.

    Scores (n,) in [0, 1]. On a log scale, 73 films remain visible beside 1,079. Misclassified films are solid; the
    others are faint, and no more than MOST_POINTS of them are drawn. `mark` is one more score, drawn as a line with
    `mark_label`; `ids` (n,) are the films' names on hover; `ink` is the CSS color of the text.
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
    lines = [style.line(threshold, 0, threshold, 2 * _STEP, width=2, color=ink or style.GRAY)]
    notes.append(
        style.note(threshold, 2 * _STEP + 0.06, f"threshold {threshold:.2f}", ink, xanchor=style.side(threshold))
    )
    if mark is not None:
        mark = float(mark)
        for low in (-0.06, _COUNTS + _CLEAR):  # in two parts, so that it crosses no count
            high = _COUNTS - _CLEAR + (_STEP if low > 0 else 0)
            lines.append(style.line(mark, low, mark, high, "solid", 2, ink or style.GRAY))
        label = f"▲ <b>{mark_label} {style.score_label(mark)}</b>"
        notes.append(style.note(mark, -0.12, label, ink, xanchor=style.side(mark)))
    labels = [
        f"<b>{name}</b><br>n = {int((truth == flag).sum()):,}"
        for name, flag in ((style.OTHER_LABEL, False), (style.COVID_LABEL, True))
    ]
    limits = (-0.2 if mark is not None else -0.04, 2 * _STEP + 0.14)
    bare = {"showgrid": False, "ticks": "", "showline": False}
    return style.figure(
        340,
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
        return style.COVID_LABEL, style.COVID_COLOR, style.COVID_SYMBOL
    return style.OTHER_LABEL, style.OTHER_COLOR, style.OTHER_SYMBOL


def _columns(flag: bool, foot: float, counts: np.ndarray, fullest: float) -> dict:
    """Draw one class's histogram on a log scale: `foot` is its baseline; `fullest` of both classes has height 1."""
    label, color, _ = _look(flag)
    edges = np.linspace(0, 1, BINS + 1)
    return {
        "type": "bar",
        "x": (edges[:-1] + edges[1:]) / 2,
        "y": np.log1p(counts) / fullest,
        "base": foot,
        "width": 1 / BINS,
        "marker": {"color": style.faded(color, 0.25), "line": {"width": 0}},
        "customdata": np.stack([edges[:-1], edges[1:], counts], axis=1),
        "hovertemplate": f"{label}: %{{customdata[2]:,}} X-rays from %{{customdata[0]:.2f}} to %{{customdata[1]:.2f}}"
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
    """Draw one class's films as points in its columns: correctly classified ones faint, misclassified ones solid."""
    label, color, symbol = _look(flag)
    generator = np.random.default_rng(scores.size)  # independent of the threshold: no point jumps when the slider moves
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
                "color": style.faded(color, alpha),
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
    """Count one class's films on either side of the threshold."""
    above = int(is_positive(scores, threshold).sum())
    share = percent(above / scores.size if scores.size else None)
    return [
        style.note(1, foot + _COUNTS, f"above: {above:,} ({share})", ink, xanchor="right"),
        style.note(0, foot + _COUNTS, f"not above: {scores.size - above:,}", ink, xanchor="left"),
    ]


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
