"""The same network on several groups of films: how many of the COVID-19 films, and of the others, it calls positive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from covid_model.charts import style
from covid_model.evaluation import Estimate

ROW = 80  # pixels
AXIS = 70  # pixels for the axis below
LEGEND = 20  # pixels of an entry of the legend: on a phone, each one takes a line
APART = 0.13  # of a row: how far COVID-19 films stand above its middle, and others below


@dataclass(frozen=True)
class Group:
    """Films that belong together.

    Attributes:
        name: lines parted by <br>.
        found: share of its COVID-19 films called positive (sensitivity).
        alarms: share of its other films called positive (1 - specificity).
    """

    name: str
    found: Estimate
    alarms: Estimate


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
        height or ROW * len(rows) + AXIS + LEGEND * len(traces),
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
        "customdata": [_hover(estimate) for _, estimate in known],
        "hovertemplate": "%{customdata}<extra>" + name + "</extra>",
    }


def _hover(estimate: Estimate) -> str:
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
