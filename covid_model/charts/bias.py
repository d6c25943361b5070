"""Charts of what the accuracy is made of, for the page Can you trust it?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from covid_model.charts import style
from covid_model.evaluation import Estimate, check
from covid_model.evaluation.ages import Row
from covid_model.evaluation.groups_of_films import Group
from covid_model.verdict import is_positive

ACCENT = "#009E73"  # Okabe and Ito's green: neither truth's colour
BAR = 0.62  # of a row's height
ROW = 58  # pixels
LABEL = 0.14  # of the axis: how much room a bar's figure takes
MARGIN = 64  # pixels on the right for the figure of a full bar, however narrow the axis is


@dataclass(frozen=True)
class Share:
    """A bar: its name (lines parted by <br>), its length in [0, 1] with an interval, and whether it stands out."""

    name: str
    estimate: Estimate
    strong: bool = False


def shares(
    rows: Sequence[Share],
    title: str,
    mark: tuple[float, str] | None = None,
    percent: bool = True,
    height: int | None = None,
    ink: str | None = None,
) -> go.Figure:
    """Bars from 0 to 1, the first on top, each with its interval as a thin line and its figure behind it.

    Args:
        rows: the bars; one without a value has none, and a dash for a figure.
        title: of the axis.
        mark: a value that all are read against, and its name.
        percent: whether figures are written as per cent, else with three places.
        height: in pixels; ROW a bar where None.
        ink: CSS colour of the words.
    """
    places = list(range(len(rows)))[::-1]  # the first on top
    values = [row.estimate.value or 0.0 for row in rows]
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": values,
        "y": places,
        "width": BAR,
        "marker": {
            "color": [ACCENT if row.strong else style.faded(style.GREY, 0.55) for row in rows],
            "line": {"width": [2 if row.strong else 1 for row in rows], "color": ink or style.GREY},
        },
        "customdata": [_hover(row, percent) for row in rows],
        "hovertemplate": "%{customdata}<extra></extra>",
        "showlegend": False,
    }
    notes, lines = [], []
    for row, place, value in zip(rows, places, values, strict=True):
        text = _figure(row.estimate.value, percent)
        end = max(value, row.estimate.high or 0.0)
        if mark and end < mark[0] < end + LABEL:
            end = mark[0]  # so that the mark does not run through the figure
        notes.append(style.note(end, place, f"<b>{text}</b>", ink, 14, xanchor="left", xshift=6))
        if row.estimate.low is not None and row.estimate.high is not None:
            lines.append(style.line(row.estimate.low, place, row.estimate.high, place, "solid", 3, ink or style.GREY))
    if mark:
        lines.append(style.line(mark[0], -0.5, mark[0], len(rows) - 0.35, "dash", 2, ink or style.GREY))
        notes.append(style.note(mark[0], len(rows) - 0.3, mark[1], ink, xanchor="right", yanchor="bottom"))
    return style.figure(
        height or ROW * len(rows) + 70,
        ink,
        [bars],
        margin={"l": 8, "r": MARGIN, "t": 8, "b": 8},
        shapes=lines,
        annotations=notes,
        xaxis=style.axis(
            title, (0, 1.02), ink, tickvals=[0, 0.25, 0.5, 0.75, 1], tickformat=".0%" if percent else ".2f"
        ),
        yaxis=style.axis(
            "",
            (-0.6, len(rows) - 0.1 if mark else len(rows) - 0.4),
            ink,
            tickvals=places,
            ticktext=[f"<b>{row.name}</b>" if row.strong else row.name for row in rows],
            showgrid=False,
        ),
    )


def _figure(value: float | None, percent: bool) -> str:
    return style.percent(value) if percent or value is None else f"{value:.3f}"


def _hover(row: Share, percent: bool) -> str:
    estimate, name = row.estimate, row.name.replace("<br>", " ")
    found = f"{name}: {_figure(estimate.value, percent)}"
    if estimate.total:
        found += f"<br>{estimate.count:,} of {estimate.total:,}"
    if estimate.low is not None:
        found += f"<br>95 %: {_figure(estimate.low, percent)} to {_figure(estimate.high, percent)}"
    return found


def shares_alt(rows: Sequence[Share], title: str, percent: bool = True) -> str:
    """The bars in a sentence."""
    parts = [f"{row.name.replace('<br>', ' ')} {_figure(row.estimate.value, percent)}" for row in rows]
    return f"{title}: {', '.join(parts)}."


# --- The same network on several groups of films: how many of the COVID-19 films, and of the others, it calls positive

GROUP_ROW = 80  # pixels
AXIS = 70  # pixels for the axis below
LEGEND = 20  # pixels of an entry of the legend: on a phone, each one takes a line
APART = 0.13  # of a row: how far COVID-19 films stand above its middle, and others below


def groups(
    rows: Sequence[Group],
    ghosts: Sequence[Group] = (),
    ghost: str = "the other network",
    height: int | None = None,
    ink: str | None = None,
) -> go.Figure:
    """A row a group. Of a good network the diamond is far right and the circle far left.

    Args:
        rows: what is shown, the first on top; a group without films of a class lacks its shape.
        ghosts: the same groups by another network, as hollow shapes to compare with.
        ghost: that network's name.
        height: in pixels; ROW a group where None.
        ink: CSS colour of the words.
    """
    places = list(range(len(rows)))[::-1]
    traces, notes, lines = [], [], []
    for row, place in zip(rows, places, strict=True):
        if row.found and row.alarms:
            ends = row.alarms.value, place, row.found.value, place
            lines.append(style.line(*ends, "solid", 8, style.faded(style.GREY, 0.35)))
    looks = (
        ("found", style.COVID_LABEL, style.COVID_COLOUR, style.COVID_SYMBOL, 1, "bottom"),
        ("alarms", style.OTHER_LABEL, style.OTHER_COLOUR, style.OTHER_SYMBOL, -1, "top"),
    )
    for part, label, colour, symbol, side, anchor in looks:
        known = [
            (place + side * APART, getattr(row, part))
            for row, place in zip(rows, places, strict=True)
            if getattr(row, part)
        ]
        for y, estimate in known:
            if estimate.low is not None and estimate.high is not None:
                lines.append(style.line(estimate.low, y, estimate.high, y, "solid", 2, colour))
            counted = f"{estimate.count:,} of {estimate.total:,}"
            end = "left" if estimate.value < 0.12 else "right" if estimate.value > 0.88 else "center"
            notes.append(style.note(estimate.value, y, counted, ink, 12, xanchor=end, yanchor=anchor, yshift=7 * side))
        traces.append(_shapes(known, f"{label} films called positive", colour, symbol, 13))
        hollow = [
            (place + side * APART, getattr(row, part))
            for row, place in zip(ghosts, places, strict=bool(ghosts))
            if getattr(row, part)
        ]
        if hollow:
            traces.append(_shapes(hollow, f"{label} films, by {ghost}", colour, f"{symbol}-open", 11))
    return style.figure(
        height or GROUP_ROW * len(rows) + AXIS + LEGEND * len(traces),
        ink,
        traces,
        shapes=lines,
        annotations=notes,
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "bgcolor": style.CLEAR},
        xaxis=style.axis("share called positive", (-0.04, 1.04), ink, tickformat=".0%", dtick=0.25),
        yaxis=style.axis(
            "", (-0.6, len(rows) - 0.35), ink, tickvals=places, ticktext=[row.name for row in rows], showgrid=False
        ),
    )


def _shapes(known: Sequence[tuple[float, Estimate]], name: str, colour: str, symbol: str, size: int) -> dict:
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
            "color": colour,
            "line": {"width": 2 if symbol.endswith("open") else 1, "color": colour if "open" in symbol else "white"},
        },
        "customdata": [_group_hover(estimate) for _, estimate in known],
        "hovertemplate": "%{customdata}<extra>" + name + "</extra>",
    }


def _group_hover(estimate: Estimate) -> str:
    found = f"{estimate.count:,} of {estimate.total:,}, {style.percent(estimate.value)}"
    if estimate.low is not None:
        found += f"<br>95 %: {style.percent(estimate.low)} to {style.percent(estimate.high)}"
    return found


def groups_alt(rows: Sequence[Group]) -> str:
    """The rows in a sentence."""
    parts = []
    for row in rows:
        of = [
            f"{estimate.count:,} of {estimate.total:,} {films}"
            for estimate, films in ((row.found, "COVID-19 films"), (row.alarms, "other films"))
            if estimate
        ]
        parts.append(f"{row.name.replace('<br>', ' ')}: {' and '.join(of) or 'none'}")
    return f"Films called positive. {'; '.join(parts)}."


# --- Who is in the data: a pyramid of ages, COVID-19 films to the left and the others to the right ---

AGE_ROW = 36  # pixels
AGE_MARGIN = 44  # pixels at both ends, for the number of films beside a full bar


def ages(rows: Sequence[Row], height: int | None = None, ink: str | None = None) -> go.Figure:
    """Each class as shares of its own films, so that 73 films can be read beside 1,079. The first row on top.

    Args:
        rows: the groups of people; every film stands in one of them.
        height: in pixels; ROW a group where None.
        ink: CSS colour of the words.
    """
    places = list(range(len(rows)))[::-1]
    traces, notes = [], []
    sides = (
        (-1, style.COVID_LABEL, style.COVID_COLOUR, [row.covid for row in rows], "◆"),
        (1, style.OTHER_LABEL, style.OTHER_COLOUR, [row.other for row in rows], "●"),
    )
    for side, label, colour, counts, shape in sides:
        total = sum(counts)
        shares = [count / total if total else 0.0 for count in counts]
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "x": [side * share for share in shares],
                "y": places,
                "width": 0.8,
                "marker": {
                    "color": style.faded(colour, 0.85),
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
                "customdata": [[count, style.percent(share)] for count, share in zip(counts, shares, strict=True)],
                "hovertemplate": f"{label}: %{{customdata[0]:,}} films, %{{customdata[1]}}<extra></extra>",
                "showlegend": False,
            }
        )
        anchor = "right" if side < 0 else "left"
        for place, share, count in zip(places, shares, counts, strict=True):
            if count:
                notes.append(
                    style.note(side * share, place, f"<b>{count:,}</b>", ink, 13, xanchor=anchor, xshift=side * 5)
                )
        films = f"<b>{shape} {label}</b><br>{total:,} films"
        notes.append(style.note(side * 0.6, len(rows) - 0.35, films, ink, 13, yanchor="bottom"))
    return style.figure(
        height or AGE_ROW * len(rows) + 110,
        ink,
        traces,
        barmode="overlay",
        margin={"l": 8, "r": AGE_MARGIN, "t": 8, "b": 8},
        shapes=[style.line(0, -0.6, 0, len(rows) - 0.4, "solid", 1, ink or style.GREY)],
        annotations=notes,
        xaxis=style.axis(
            "share of the class’s films",
            (-1.02, 1.02),
            ink,
            tickvals=[-1, 0, 1],
            ticktext=["100%", "0", "100%"],
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
            tickcolor=style.CLEAR,  # unseen, it keeps the names away from the bars' numbers
        ),
    )


def ages_alt(rows: Sequence[Row]) -> str:
    """The pyramid in a sentence."""
    parts = [f"{row.name.replace('<br>', ' ')} {row.covid:,} and {row.other:,}" for row in rows]
    return f"COVID-19 films and other films by age: {'; '.join(parts)}."


# --- Score against severity: each rated film's logit over what experts made of it ---

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


# --- What erasing does to each film's score: a line a film, from the film as it is to the film erased ---

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


# --- Figures of the page that asks whether a score can be trusted: one a screen of its story, and one a further check

__all__ = [
    "Share",
    "ages",
    "ages_alt",
    "groups",
    "groups_alt",
    "severity",
    "severity_alt",
    "shares",
    "shares_alt",
    "slopes",
    "slopes_alt",
]
