"""Runs of the lab: one small chart a figure, a line a run, growing to the right epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from covid_model.charts import style
from covid_model.charts.confusion import confusion_matrix
from covid_model.evaluation import CELLS, Confusion

_MANY = 15  # epochs from which on a line has no points
_APART = 14  # pixels between the numbers of runs that end close together
_AROUND = 60  # pixels of a chart's height that its axis and margins take, about
_ROOM = 1.06  # of the axis of epochs, for the run's number at the line's end


def learning_curve(
    lines: Mapping[int, Sequence[float]],
    epochs: int,
    limits: tuple[float, float] | None = (0.0, 1.0),
    floor: tuple[float, str] | None = None,
    height: int = 200,
    ink: str | None = None,
) -> go.Figure:
    """One figure of several runs.

    Args:
        lines: by the run's number (1, 2, 3 ...), a value an epoch; runs may have none yet.
        epochs: how far the axis reaches, so that lines grow and the axis stands still.
        limits: of the values, shares in [0, 1] that are written as per cent (wider where a value lies outside);
            None for values from 0 on, such as a loss.
        floor: a value to read the lines against, and its name.
        height: in pixels.
        ink: CSS colour of the words.
    """
    traces, notes = [], []
    last = max([epochs, *(len(values) for values in lines.values())])
    for number, values in lines.items():
        if not len(values):
            continue
        colour, dash = run_look(number)
        places = list(range(1, len(values) + 1))
        traces.append(
            {
                "type": "scatter",
                "x": places,
                "y": list(values),
                "mode": "lines+markers" if last <= _MANY or len(values) == 1 else "lines",
                "line": {"color": colour, "dash": dash, "width": 2.5},
                "marker": {"size": 5},
                "name": f"run {number}",
                "hovertemplate": "epoch %{x}: %{y" + (":.1%}" if limits else ":.3f}") + f"<extra>run {number}</extra>",
            }
        )
    shown = [value for values in lines.values() for value in values] + ([floor[0]] if floor else [])
    shapes = []
    if floor:
        shapes.append(style.line(1, floor[0], last, floor[0]))
        notes.append(style.note(1, floor[0], floor[1], ink, 11, xanchor="left", yanchor="bottom"))
    if limits:
        down, up = min([limits[0], *shown]), limits[1]
        down = max(0.0, math.floor(down * 10) / 10)
        room = 0.03 * (up - down)
        low, high = down - room, up + 2 * room
        values_axis = style.axis("", (low, high), ink, tickformat=".0%", nticks=5)
    else:
        low, high = 0.0, _ROOM * max([*shown, 0.0])
        values_axis = style.axis("", None, ink, rangemode="tozero", nticks=5)
    notes += _numbers(lines, high, ((high - low) or 1.0) / max(1, height - _AROUND), ink)
    return style.figure(
        height,
        ink,
        traces,
        showlegend=False,
        shapes=shapes,
        annotations=notes,
        xaxis=style.axis("epoch", (0.5, max(2, last * _ROOM + 0.3)), ink, showgrid=False, nticks=6, tickformat="d"),
        yaxis=values_axis,
    )


def _numbers(lines: Mapping[int, Sequence[float]], high: float, pixel: float, ink: str | None) -> list[dict]:
    """Each run's number at its line's end; those of runs that end close together are spread.

    Args:
        high: the upper end of the axis, which no number stands above.
        pixel: how much of the axis a pixel takes.
    """
    notes = []
    for epoch in dict.fromkeys(len(values) for values in lines.values() if len(values)):
        ends = sorted((values[-1], number) for number, values in lines.items() if len(values) == epoch)
        for (value, number), place in zip(ends, _spread([end for end, _ in ends], high, _APART * pixel), strict=True):
            more = {"xanchor": "left", "xshift": 6, "yshift": round((place - value) / pixel)}
            notes.append(style.note(epoch, value, f"<b>{number}</b>", ink, 13, **more))
    return notes


def _spread(values: Sequence[float], high: float, apart: float) -> list[float]:
    """`values`, from the lowest up, moved so that they lie `apart` and none above `high`."""
    places, floor = [], -math.inf
    for value in values:
        places.append(max(value, floor))
        floor = places[-1] + apart
    for at in reversed(range(len(places))):
        places[at] = min(places[at], high)
        high = places[at] - apart
    return places


def learning_curve_alt(title: str, lines: Mapping[int, Sequence[float]], share: bool = True) -> str:
    """Where each run stands, in a sentence."""
    ends = [
        f"run {number} is at {style.percent(values[-1]) if share else f'{values[-1]:.3f}'} after epoch {len(values)}"
        for number, values in lines.items()
        if len(values)
    ]
    return f"{title} by epoch: {', '.join(ends) or 'no run yet'}."


def run_look(number: int) -> tuple[str, str]:
    """Colour and dash of run 1, 2, 3, ...; the next run looks unlike the two before it."""
    at = (number - 1) % len(style.LINE_COLOURS)
    return style.LINE_COLOURS[at], style.DASHES[at % len(style.DASHES)]


def small_confusion_matrix(matrix: Confusion, height: int = 220, ink: str | None = None) -> go.Figure:
    """The confusion matrix to be looked at, not clicked, with few enough words for a third of a page."""
    figure = confusion_matrix(matrix, height=height, ink=ink)
    figure.update_traces(hoverinfo="skip", hovertemplate=None, hovertext=None)
    places = zip(CELLS, figure.data[0].x, (1, 1, 0, 0), strict=True)
    notes = [
        style.note(x, y, f"<b>{matrix.count(cell):,}</b><br>{style.percent(matrix.row_share(cell))}", ink, 15)
        for cell, x, y in places
    ]
    return figure.update_layout(annotations=notes, clickmode="none")
