"""Charts of dataset bias and its effect on the score, for the page Can you trust it?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from covid_model.charts import style
from covid_model.evaluation import Estimate, check
from covid_model.evaluation.subgroups import AgeRow, Group
from covid_model.formatting import counted, percent
from covid_model.verdict import is_positive

ACCENT = "#009E73"  # Okabe and Ito's green: neither class's color
BAR = 0.62  # of a row's height
ROW = 58  # pixels
NAME = 16  # letters of a bar's name on one line
LABEL = 0.14  # share of the axis that a bar's figure takes
HALVES = (0, 0.5, 1)  # labels on an axis of shares: few enough for a narrow screen
MARGIN = 64  # pixels on the right, for the figure of a full bar on a narrow screen


@dataclass(frozen=True)
class Share:
    """A bar: its name (lines separated by <br>), length in [0, 1] with an interval, and whether it is highlighted."""

    name: str
    estimate: Estimate
    strong: bool = False


def shares(
    rows: Sequence[Share],
    title: str,
    mark: tuple[float, str] | None = None,
    as_percent: bool = True,
    height: int | None = None,
    ink: str | None = None,
) -> go.Figure:
    """Draw bars from 0 to 1, the first on top, each with its interval as a thin line and its figure after it.

    Args:
        rows: the bars; a row without a value gets a dash and no bar.
        title: of the axis.
        mark: a reference value and its label.
        as_percent: whether figures are percentages, else decimals with three places.
        height: in pixels; ROW per bar if None.
        ink: CSS color of the text.
    """
    places = list(range(len(rows)))[::-1]  # the first on top
    values = [row.estimate.value or 0.0 for row in rows]
    names = [row.name if "<br>" in row.name or len(row.name) <= NAME else _two_lines(row.name) for row in rows]
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": values,
        "y": places,
        "width": BAR,
        "marker": {
            "color": [ACCENT if row.strong else style.faded(style.GRAY, 0.55) for row in rows],
            "line": {"width": [2 if row.strong else 1 for row in rows], "color": ink or style.GRAY},
        },
        "customdata": [_hover(row, as_percent) for row in rows],
        "hovertemplate": "%{customdata}<extra></extra>",
        "showlegend": False,
    }
    notes, lines = [], []
    for row, place, value in zip(rows, places, values, strict=True):
        text = _figure(row.estimate.value, as_percent)
        end = max(value, row.estimate.high or 0.0)
        if mark and end < mark[0] < end + LABEL:
            end = mark[0]  # so that the mark does not run through the figure
        notes.append(style.note(end, place, f"<b>{text}</b>", ink, 14, xanchor="left", xshift=6))
        if row.estimate.low is not None and row.estimate.high is not None:
            lines.append(style.line(row.estimate.low, place, row.estimate.high, place, "solid", 3, ink or style.GRAY))
    if mark:
        lines.append(style.line(mark[0], -0.5, mark[0], len(rows) - 0.35, "dash", 2, ink or style.GRAY))
        notes.append(style.note(mark[0], len(rows) - 0.3, mark[1], ink, xanchor="right", yanchor="bottom"))
    return style.figure(
        height or ROW * len(rows) + 70,
        ink,
        [bars],
        margin={"l": 8, "r": MARGIN, "t": 8, "b": 8},
        shapes=lines,
        annotations=notes,
        xaxis=style.share_axis(title, (0, 1.02), ink, HALVES)
        if as_percent
        else style.axis(title, (0, 1.02), ink, tickvals=HALVES, tickformat=".1f"),
        yaxis=style.axis(
            "",
            (-0.6, len(rows) - 0.1 if mark else len(rows) - 0.4),
            ink,
            tickvals=places,
            ticktext=[f"<b>{name}</b>" if row.strong else name for name, row in zip(names, rows, strict=True)],
            showgrid=False,
        ),
    )


def _figure(value: float | None, as_percent: bool) -> str:
    return percent(value) if as_percent or value is None else f"{value:.3f}"


def _hover(row: Share, as_percent: bool) -> str:
    estimate, name = row.estimate, row.name.replace("<br>", " ")
    text = f"{name}: {_figure(estimate.value, as_percent)}"
    if estimate.total:
        text += f"<br>{counted(estimate)}"
    if estimate.low is not None:
        text += f"<br>95 % CI {_figure(estimate.low, as_percent)} to {_figure(estimate.high, as_percent)}"
    return text


def shares_alt(rows: Sequence[Share], title: str, as_percent: bool = True) -> str:
    """Describe the bars in one sentence."""
    parts = [f"{row.name.replace('<br>', ' ')} {_figure(row.estimate.value, as_percent)}" for row in rows]
    return f"{title}: {', '.join(parts)}."


# --- One network on several groups of films: the share of each class that it predicts positive

GROUP_ROW = 80  # pixels
AXIS = 70  # pixels for the axis below
LEGEND = 24  # pixels per legend entry: on a phone, each takes a line
APART = 0.13  # of a row: the distance of COVID-19 above its middle, and of non-COVID below


def groups(
    rows: Sequence[Group],
    ghosts: Sequence[Group] = (),
    ghost: str = "the other network",
    ink: str | None = None,
) -> go.Figure:
    """Draw one row per group. For a good network, the diamond is far right and the circle far left.

    Args:
        rows: the groups, the first on top; a group without films of a class lacks that class's symbol.
        ghosts: the same groups for another network, as hollow symbols.
        ghost: that network's name.
        ink: CSS color of the text.
    """
    places = list(range(len(rows)))[::-1]
    traces, notes, lines = [], [], []
    for row, place in zip(rows, places, strict=True):
        if row.sensitivity and row.false_positive_rate:
            ends = row.false_positive_rate.value, place, row.sensitivity.value, place
            lines.append(style.line(*ends, "solid", 8, style.faded(style.GRAY, 0.35)))
    looks = (
        ("sensitivity", style.COVID_LABEL, style.COVID_COLOR, style.COVID_SYMBOL, 1, "bottom"),
        ("false_positive_rate", style.OTHER_LABEL, style.OTHER_COLOR, style.OTHER_SYMBOL, -1, "top"),
    )
    for part, label, color, symbol, side, anchor in looks:
        known = [
            (place + side * APART, getattr(row, part))
            for row, place in zip(rows, places, strict=True)
            if getattr(row, part)
        ]
        for y, estimate in known:
            if estimate.low is not None and estimate.high is not None:
                lines.append(style.line(estimate.low, y, estimate.high, y, "solid", 2, color))
            end = "left" if estimate.value < 0.12 else "right" if estimate.value > 0.88 else "center"
            notes.append(
                style.note(estimate.value, y, counted(estimate), ink, xanchor=end, yanchor=anchor, yshift=7 * side)
            )
        traces.append(_shapes(known, f"{label}: called positive", color, symbol, 13))
        hollow = [
            (place + side * APART, getattr(row, part))
            for row, place in zip(ghosts, places, strict=bool(ghosts))
            if getattr(row, part)
        ]
        if hollow:
            traces.append(_shapes(hollow, f"{label}: {ghost}", color, f"{symbol}-open", 11))
    return style.figure(
        GROUP_ROW * len(rows) + AXIS + LEGEND * len(traces),
        ink,
        traces,
        shapes=lines,
        annotations=notes,
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "bgcolor": style.CLEAR},
        xaxis=style.share_axis("share called positive", (-0.04, 1.04), ink, HALVES),
        yaxis=style.axis(
            "", (-0.6, len(rows) - 0.35), ink, tickvals=places, ticktext=[row.name for row in rows], showgrid=False
        ),
    )


def _shapes(known: Sequence[tuple[float, Estimate]], name: str, color: str, symbol: str, size: int) -> dict:
    """One truth's shapes: (height, share) of each group."""
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [estimate.value for _, estimate in known],
        "y": [y for y, _ in known],
        "marker": {
            "symbol": symbol,
            "size": size,
            "color": color,
            "line": {"width": 2 if symbol.endswith("open") else 1, "color": color if "open" in symbol else "white"},
        },
        "customdata": [_group_hover(estimate) for _, estimate in known],
        "hovertemplate": "%{customdata}<extra>" + name + "</extra>",
    }


def _group_hover(estimate: Estimate) -> str:
    text = f"{counted(estimate)}, {percent(estimate.value)}"
    if estimate.low is not None:
        text += f"<br>95 % CI {percent(estimate.low)} to {percent(estimate.high)}"
    return text


def groups_alt(rows: Sequence[Group]) -> str:
    """Describe the rows in one sentence."""
    parts = []
    for row in rows:
        classes = [
            f"{counted(estimate)} {label} X-rays"
            for estimate, label in ((row.sensitivity, style.COVID_LABEL), (row.false_positive_rate, style.OTHER_LABEL))
            if estimate
        ]
        parts.append(f"{row.name.replace('<br>', ' ')}: {' and '.join(classes) or 'none'}")
    return f"X-rays called positive, by group. {'; '.join(parts)}."


# --- Age pyramid of the data: COVID-19 to the left, non-COVID to the right ---

AGE_ROW = 36  # pixels
AGE_MARGIN = 44  # pixels at both ends, for the count beside a full bar
AGE_AIR = 0.15  # share of a class beyond the longest bar


def ages(rows: Sequence[AgeRow], ink: str | None = None) -> go.Figure:
    """Draw each class as shares of its own films, so that 73 films compare with 1,079. The first row is on top.

    Both sides have the same scale, and each ends a little beyond its longest bar.

    Args:
        rows: the age groups; every film is in exactly one.
        ink: CSS color of the text.
    """
    places = list(range(len(rows)))[::-1]
    traces, notes, ends = [], [], []
    sides = (
        (-1, style.COVID_LABEL, style.COVID_COLOR, [row.covid for row in rows], "◆"),
        (1, style.OTHER_LABEL, style.OTHER_COLOR, [row.other for row in rows], "●"),
    )
    for side, label, color, counts, shape in sides:
        total = sum(counts)
        shares = [count / total if total else 0.0 for count in counts]
        ends.append(side * min(1.02, max(shares, default=0.0) + AGE_AIR))
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "x": [side * share for share in shares],
                "y": places,
                "width": 0.8,
                "marker": {
                    "color": style.faded(color, 0.85),
                    "line": {"width": 0},
                    "pattern": {
                        "shape": "/" if side < 0 else "",
                        "size": 7,
                        "solidity": 0.2,
                        "fillmode": "overlay",
                        "fgcolor": "white",
                        "fgopacity": 0.6,
                    },
                },
                "customdata": [[count, percent(share)] for count, share in zip(counts, shares, strict=True)],
                "hovertemplate": f"{label}: %{{customdata[0]:,}} X-rays, %{{customdata[1]}}<extra></extra>",
                "showlegend": False,
            }
        )
        anchor = "right" if side < 0 else "left"
        for place, share, count in zip(places, shares, counts, strict=True):
            if count:
                notes.append(style.note(side * share, place, f"<b>{count:,}</b>", ink, xanchor=anchor, xshift=side * 5))
        heading = f"<b>{shape} {label}</b><br>{total:,} X-rays"
        place = {"xanchor": anchor, "align": anchor, "yanchor": "bottom", "xshift": side * 8}
        notes.append(style.note(0, len(rows) - 0.35, heading, ink, **place))
    return style.figure(
        AGE_ROW * len(rows) + 110,
        ink,
        traces,
        barmode="overlay",
        margin={"l": 8, "r": AGE_MARGIN, "t": 8, "b": 8},
        shapes=[style.line(0, -0.6, 0, len(rows) - 0.4, "solid", 1, ink or style.GRAY)],
        annotations=notes,
        xaxis=style.axis(
            "share of the class",
            ends,
            ink,
            tickvals=[-1, -0.5, 0, 0.5, 1],
            ticktext=["100 %", "50 %", "0", "50 %", "100 %"],
            tickangle=0,
        ),
        yaxis=style.axis(
            "",
            (-0.6, len(rows) + 0.9),
            ink,
            tickvals=places,
            ticktext=[row.name for row in rows],
            showgrid=False,
            ticks="outside",
            ticklen=AGE_MARGIN,
            tickcolor=style.CLEAR,  # invisible: keeps the names away from the bars' numbers
        ),
    )


def ages_alt(rows: Sequence[AgeRow]) -> str:
    """Describe the pyramid in one sentence."""
    parts = [f"{row.name.replace('<br>', ' ')} {row.covid:,} and {row.other:,}" for row in rows]
    return f"X-rays by age group, {style.COVID_LABEL} and {style.OTHER_LABEL}: {'; '.join(parts)}."


# --- Score against severity: the logit of each film over the experts' rating ---

ROOM = 1.15  # times the highest rating: where the axis ends, to leave room for the label there


def severity(
    rating: ArrayLike,
    logits: ArrayLike,
    title: str,
    ids: Sequence[str] | None = None,
    height: int = 340,
    ink: str | None = None,
) -> go.Figure:
    """Draw one diamond per film.

    Args:
        rating: by experts, (n,).
        logits: (n,).
        title: what was rated.
        ids: of the films (n,), for `clicked_film`; None for none.
        height: in pixels.
        ink: CSS color of the text.
    """
    rating, logits = np.asarray(rating, float), np.asarray(logits, float)
    end = ROOM * float(rating.max(initial=1))
    points = {
        "type": "scatter",
        "mode": "markers",
        "x": rating,
        "y": logits,
        "marker": {"symbol": style.COVID_SYMBOL, "size": 9, "color": style.faded(style.COVID_COLOR, 0.7)},
        "customdata": [
            [f"rating {rated:.1f}, logit {logit:.1f}", film]
            for rated, logit, film in zip(rating, logits, ids or [""] * rating.size, strict=True)
        ],
        "hovertemplate": "%{customdata[1]}<br>%{customdata[0]}<extra></extra>",
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
    """Describe the cloud in one sentence. `correlation`: Spearman's, in [-1, 1]; None if undefined."""
    result = "no rank correlation" if correlation is None else f"a rank correlation of {correlation:.2f}"
    return f"Logit against the experts' rating of {np.size(rating)} COVID-19 X-rays: {result}."


# --- Effect of erasing on each film's score: one line per film, from the original to the erased film ---

_LEFT, _RIGHT = 0.0, 1.0  # x of a film's two scores in its panel
_PANEL = 1.9  # distance from one panel to the next
_SPREAD = 0.05  # most that films with similar scores are spread sideways


def slopes(
    whole: ArrayLike,
    changed: ArrayLike,
    covid: ArrayLike,
    threshold: float,
    name: str,
    ids: Sequence[str] | None = None,
    ink: str | None = None,
) -> go.Figure:
    """Draw two panels, COVID-19 and non-COVID; in each, the scores before (left) and after (right).

    Args:
        whole: scores (n,) in [0, 1] of the original films.
        changed: scores (n,) of the same films, erased.
        covid: ground truth (n,).
        threshold: a line across; the number of films above it is written over each end.
        name: of the change, such as "lungs erased".
        ids: of the films (n,), for `clicked_film`; None for none.
        ink: CSS color of the text.
    """
    whole, truth = check(whole, covid)
    changed, _ = check(changed, covid)
    films = np.asarray(ids if ids is not None else [""] * whole.size, dtype=object)
    side = np.random.default_rng(0).uniform(-_SPREAD, _SPREAD, whole.size)
    traces, notes, ticks = [], [], {}
    looks = (
        (True, 0.0, style.COVID_LABEL, style.COVID_COLOR, style.COVID_SYMBOL, "◆"),
        (False, _PANEL, style.OTHER_LABEL, style.OTHER_COLOR, style.OTHER_SYMBOL, "●"),
    )
    for flag, foot, label, color, symbol, shape in looks:
        own = truth == flag
        x = np.stack([foot + _LEFT + side[own], foot + _RIGHT + side[own]], axis=1)  # (films, 2)
        y = np.stack([whole[own], changed[own]], axis=1)
        gap = np.full((int(own.sum()), 1), np.nan)  # separates one film's line from the next
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": np.hstack([x, gap]).ravel(),
                "y": np.hstack([y, gap]).ravel(),
                "connectgaps": False,
                "line": {"color": style.faded(color, 0.4), "width": 1.5},
                "marker": {"symbol": symbol, "size": 9, "color": style.faded(color, 0.85)},
                "customdata": [
                    [text, film]
                    for pair, film in zip(y, films[own], strict=True)
                    for text in (*style.score_labels(pair), "")
                ],
                "hovertemplate": "%{customdata[1]} %{customdata[0]}<extra>" + label + "</extra>",
                "showlegend": False,
            }
        )
        notes.append(style.note(foot + 0.5, 1.2, f"<b>{shape} {label}</b>", ink, 14))
        for at, scores in ((_LEFT, whole[own]), (_RIGHT, changed[own])):
            above = f"<b>{int(is_positive(scores, threshold).sum())}</b> of {scores.size}"
            notes.append(style.note(foot + at, 1.1, above, ink))
        ticks |= {foot + _LEFT: "whole<br>X-ray", foot + _RIGHT: _two_lines(name)}
    end = _PANEL + _RIGHT + 0.25
    notes.append(style.note((_RIGHT + _PANEL) / 2, threshold, f"{threshold:.2f}", ink, yanchor="bottom"))
    return style.figure(
        430,
        ink,
        traces,
        shapes=[style.line(-0.25, threshold, end, threshold, "dash", 2, ink or style.GRAY)],
        annotations=notes,
        xaxis=style.axis("", (-0.45, end), ink, tickvals=list(ticks), ticktext=list(ticks.values()), showgrid=False),
        yaxis=style.axis("score", (-0.05, 1.27), ink, tickvals=[0, 0.2, 0.4, 0.6, 0.8, 1], tickformat=".1f"),
    )


def _two_lines(name: str) -> str:
    """Break `name` at the space nearest to its middle: on a phone, four such names share a row."""
    spaces = [at for at, letter in enumerate(name) if letter == " "]
    if not spaces:
        return name
    at = min(spaces, key=lambda at: abs(at - len(name) / 2))
    return f"{name[:at]}<br>{name[at + 1 :]}"


def slopes_alt(whole: ArrayLike, changed: ArrayLike, covid: ArrayLike, threshold: float, name: str) -> str:
    """State how many films are above the threshold before and after, in one sentence."""
    whole, truth = check(whole, covid)
    changed, _ = check(changed, covid)
    parts = [
        f"of {int(own.sum())} {label} X-rays, {int(is_positive(whole[own], threshold).sum())} score above "
        f"{threshold:.2f} originally and {int(is_positive(changed[own], threshold).sum())} with {name}"
        for own, label in ((truth, style.COVID_LABEL), (~truth, style.OTHER_LABEL))
    ]
    return f"One line per X-ray: {'; '.join(parts)}."
