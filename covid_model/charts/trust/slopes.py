"""What erasing does to each film's score: a line a film, from the film as it is to the film erased."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from covid_model.charts import style
from covid_model.evaluation import check
from covid_model.verdict import is_positive

_LEFT, _RIGHT = 0.0, 1.0  # where the two scores of a film stand in its panel
_PANEL = 1.9  # from one panel to the next
_SPREAD = 0.05  # films that score alike are spread sideways by up to this much


def slopes(
    whole: ArrayLike,
    changed: ArrayLike,
    covid: ArrayLike,
    threshold: float,
    name: str,
    height: int = 430,
    ink: str | None = None,
) -> go.Figure:
    """Two panels, COVID-19 films and others; in each the scores before (left) and after (right).

    Args:
        whole: scores (n,) in [0, 1] of the films as they are.
        changed: scores (n,) of the same films, erased.
        covid: truth (n,).
        threshold: drawn across; above each end stands how many films lie over it.
        name: of the change, such as "lungs erased".
        height: in pixels.
        ink: CSS colour of the words.
    """
    whole, truth = check(whole, covid)
    changed, _ = check(changed, covid)
    side = np.random.default_rng(0).uniform(-_SPREAD, _SPREAD, whole.size)
    traces, notes, ticks = [], [], {}
    looks = (
        (True, 0.0, style.COVID_LABEL, style.COVID_COLOUR, style.COVID_SYMBOL, "◆"),
        (False, _PANEL, style.OTHER_LABEL, style.OTHER_COLOUR, style.OTHER_SYMBOL, "●"),
    )
    for flag, foot, label, colour, symbol, shape in looks:
        own = truth == flag
        x = np.stack([foot + _LEFT + side[own], foot + _RIGHT + side[own]], axis=1)  # (films, 2)
        y = np.stack([whole[own], changed[own]], axis=1)
        gap = np.full((int(own.sum()), 1), np.nan)  # parts one film's line from the next
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": np.hstack([x, gap]).ravel(),
                "y": np.hstack([y, gap]).ravel(),
                "connectgaps": False,
                "line": {"color": style.faded(colour, 0.4), "width": 1.5},
                "marker": {"symbol": symbol, "size": 9, "color": style.faded(colour, 0.85)},
                "customdata": [label for pair in y for label in (*style.score_labels(pair), "")],
                "hovertemplate": "%{customdata}<extra>" + label + "</extra>",
                "showlegend": False,
            }
        )
        notes.append(style.note(foot + 0.5, 1.2, f"<b>{shape} {label}</b>", ink, 14))
        for at, scores in ((_LEFT, whole[own]), (_RIGHT, changed[own])):
            above = f"<b>{int(is_positive(scores, threshold).sum())}</b> of {scores.size}"
            notes.append(style.note(foot + at, 1.1, above, ink, 13))
        ticks |= {foot + _LEFT: "whole<br>film", foot + _RIGHT: _two_lines(name)}
    end = _PANEL + _RIGHT + 0.25
    notes.append(style.note((_RIGHT + _PANEL) / 2, threshold, f"{threshold:.2f}", ink, 12, yanchor="bottom"))
    return style.figure(
        height,
        ink,
        traces,
        shapes=[style.line(-0.25, threshold, end, threshold, "dash", 2, ink or style.GREY)],
        annotations=notes,
        xaxis=style.axis("", (-0.45, end), ink, tickvals=list(ticks), ticktext=list(ticks.values()), showgrid=False),
        yaxis=style.axis("score", (-0.05, 1.27), ink, tickvals=[0, 0.2, 0.4, 0.6, 0.8, 1], tickformat=".1f"),
    )


def _two_lines(name: str) -> str:
    """`name` broken at the space nearest to its middle: on a phone, four such names stand side by side."""
    spaces = [at for at, letter in enumerate(name) if letter == " "]
    if not spaces:
        return name
    at = min(spaces, key=lambda at: abs(at - len(name) / 2))
    return f"{name[:at]}<br>{name[at + 1 :]}"


def slopes_alt(whole: ArrayLike, changed: ArrayLike, covid: ArrayLike, threshold: float, name: str) -> str:
    """How many films lie above the threshold before and after, in a sentence."""
    whole, truth = check(whole, covid)
    changed, _ = check(changed, covid)
    parts = [
        f"of {int(own.sum())} {label} films {int(is_positive(whole[own], threshold).sum())} score above "
        f"{threshold:.2f} as they are and {int(is_positive(changed[own], threshold).sum())} with {name}"
        for own, label in ((truth, style.COVID_LABEL), (~truth, "other"))
    ]
    return f"A line a film: {'; '.join(parts)}."
