"""Shares, one a bar: what several answers reach, or how much of each kind of picture is flagged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from covid_model.charts import style
from covid_model.evaluation import Estimate

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
