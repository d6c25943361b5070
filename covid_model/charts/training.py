"""Charts of training runs and of growing cost: histories, comparisons, and the runs of the playground."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from covid_model import config
from covid_model.charts import style
from covid_model.charts.evaluation import confusion_matrix
from covid_model.evaluation import CELLS, Confusion
from covid_model.formatting import percent

# --- A recorded training run, in epochs or in steps; and several runs in one figure ---

ACROSS = ("epoch", "step")  # units of the x axis
_NAMES = {
    "loss": "training",
    "val_loss": "validation",
    "covid_loss": "training, COVID-19",
    "abnormal_loss": "training, anything abnormal",
    "accuracy": "accuracy, training",
    "val_accuracy": "accuracy, validation",
    "auc": "AUC, training",
    "val_auc": "AUC, validation",
    "within": "AUC within sources, mean",
}
_RUN_SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "x", "star", "pentagon")
_PLOT, _AXIS, _LEGEND_LINE = 210, 52, 24  # pixels: of the plots, of the axis below them, of a legend's line
Records = Sequence[Mapping[str, float]]


def run(history: Records, ink: str | None = None) -> go.Figure:
    """Draw losses (left) and accuracies and AUCs (right) over epochs or steps, whichever the records have.

    Other recorded values (shares of single sources) are not drawn.
    """
    unit = counted_in(history)
    keys = [
        key
        for key in dict.fromkeys(key for row in history for key in row)
        if any(_valid(row.get(key)) for row in history)
    ]
    losses = [key for key in keys if "loss" in key]
    shares = [key for key in keys if (key in _NAMES and "loss" not in key) or key.startswith("auc ")]
    title_of_shares = "accuracy, AUC" if any("accuracy" in key for key in shares) else "AUC"
    traces, axes, notes = [], {}, []
    for side, (title, chosen) in enumerate((("loss", losses), (title_of_shares, shares))):
        name, across = ("", (0, 0.44)) if side == 0 else ("2", (0.56, 1))
        for number, key in enumerate(chosen):
            traces.append(_line(history, key, unit, number, name, "legend" + name))
        axes[f"xaxis{name}"] = style.axis(unit, None, ink, domain=across, anchor=f"y{name}", showgrid=False)
        axes[f"yaxis{name}"] = style.axis("", None, ink, anchor=f"x{name}", rangemode="normal" if side else "tozero")
        paper = {"xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom"}
        notes.append(style.note(across[0], 1.02, f"<b>{title}</b>", ink, **paper))
        heading = {"text": f"<b>{title}</b>", "font": {"size": style.FONT_SIZE}}
        axes[f"legend{name}"] = {"x": 0, "yanchor": "top", "bgcolor": style.CLEAR, "title": heading}
    # The legends are below, one under the other with an entry a line; the plots keep their height.
    first, second = (_LEGEND_LINE * (len(chosen) + 1) for chosen in (losses, shares))
    inner = _PLOT + _AXIS + first + second
    for name, below in (("", _AXIS), ("2", _AXIS + first)):
        axes[f"yaxis{name}"]["domain"] = (1 - _PLOT / inner, 1)
        axes[f"legend{name}"]["y"] = 1 - (_PLOT + below) / inner
    height = inner + 38  # with the margins
    return style.figure(height, ink, traces, margin={"l": 8, "r": 8, "t": 30, "b": 8}, annotations=notes, **axes)


def comparison(runs: Mapping[str, Records], key: str, title: str, ink: str | None = None):
    """Draw one recorded value (`key`) of several runs, by name, over epochs or steps."""
    traces = [
        _line(history, key, counted_in(history), number, "", "legend") | {"name": name}
        for number, (name, history) in enumerate(runs.items())
    ]
    unit = counted_in(next(iter(runs.values()), ()))
    return style.figure(
        340,
        ink,
        traces,
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": -0.25, "yanchor": "top"},
        xaxis=style.axis(unit, None, ink, showgrid=False),
        yaxis=style.axis(title, None, ink),
    )


def _values(history: Sequence[Mapping[str, float]], key: str, unit: str) -> list[tuple[float, float]]:
    """Return the recorded values of `key` with their epoch or step; rows that do not name it are counted from 1."""
    return [(row.get(unit, count), row[key]) for count, row in enumerate(history, start=1) if _valid(row.get(key))]


def _valid(value: object) -> bool:
    """Tell whether a recorded value is a number and not NaN."""
    return isinstance(value, int | float) and value == value


def _line(history: Records, key: str, unit: str, number: int, axis: str, legend: str) -> dict:
    known = _values(history, key, unit)
    label = _run_label(key)
    return {
        "type": "scatter",
        "x": [x for x, _ in known],
        "y": [y for _, y in known],
        "mode": "lines+markers",
        "name": label,
        "line": {
            "color": style.LINE_COLORS[number % len(style.LINE_COLORS)],
            "dash": style.DASHES[(number // len(style.LINE_COLORS) + number) % len(style.DASHES)],
            "width": 2.5,
        },
        "marker": {"symbol": _RUN_SYMBOLS[number % len(_RUN_SYMBOLS)], "size": 7},
        "xaxis": f"x{axis}",
        "yaxis": f"y{axis}",
        "legend": legend,
        "hovertemplate": f"{label}, {unit} %{{x}}: %{{y:.4f}}<extra></extra>",
    }


def _run_label(key: str) -> str:
    """Return the label of a recorded value: "auc cohen" is the AUC within that source."""
    source = key.removeprefix("auc ")
    return _NAMES.get(key) or (key if source == key else f"AUC within {config.SOURCE_SHORT.get(source, source)}")


def counted_in(history: Records) -> str:
    """Return the unit of the records, "epoch" or "step"; "epoch" if they name none."""
    return next((unit for unit in ACROSS if any(unit in row for row in history)), "epoch")


def run_alt(history: Records) -> str:
    """State the final figures of the run in one sentence."""
    if not history:
        return "Training run: nothing recorded."
    last = history[-1]
    unit = counted_in(history)
    ends = [
        f"{'loss, ' if 'loss' in key else ''}{_run_label(key)} {value:.4f}"
        for key, value in last.items()
        if _valid(value) and (key in _NAMES or key.startswith("auc "))
    ]
    return f"Training run over {last.get(unit, len(history)):g} {unit}s, ending at {'; '.join(ends)}."


def comparison_alt(runs: Mapping[str, Records], key: str, title: str) -> str:
    """State the final figure of each run in one sentence."""
    ends = [
        f"{name} {history[-1][key]:.4f}" for name, history in runs.items() if history and _valid(history[-1].get(key))
    ]
    return f"{title} of {len(runs)} runs, ending at: {'; '.join(ends)}."


# --- Runs of the playground: one small chart per measure, one line per run, growing epoch by epoch ---

_MANY = 15  # epochs; longer lines have no points
_APART = 14  # pixels between the numbers of runs with similar final values
_SHARE_TICKS = 3  # labels on an axis of percentages
_AROUND = 60  # pixels, about, of a chart's height for its axis and margins
_ROOM = 1.06  # times the last epoch: room for the run's number at the line's end


def learning_curve(
    lines: Mapping[int, Sequence[float]],
    epochs: int,
    limits: tuple[float, float] | None = (0.0, 1.0),
    floor: tuple[float, str] | None = None,
    height: int = 200,
    ink: str | None = None,
) -> go.Figure:
    """Draw one measure of several runs.

    Args:
        lines: by the run's number (1, 2, 3 ...), one value per epoch; runs may have none yet.
        epochs: the end of the x axis, which stays fixed while lines grow.
        limits: of the values, shares in [0, 1] shown as percentages (widened if a value is outside); None for
            values from 0 on, such as a loss.
        floor: a reference value and its label.
        height: in pixels.
        ink: CSS color of the text.
    """
    traces, notes = [], []
    last = max([epochs, *(len(values) for values in lines.values())])
    for number, values in lines.items():
        if not len(values):
            continue
        color, dash = run_look(number)
        places = list(range(1, len(values) + 1))
        traces.append(
            {
                "type": "scatter",
                "x": places,
                "y": list(values),
                "mode": "lines+markers" if last <= _MANY or len(values) == 1 else "lines",
                "line": {"color": color, "dash": dash, "width": 2.5},
                "marker": {"size": 5},
                "name": f"run {number}",
                "customdata": style.percents(values) if limits else [f"{value:.3f}" for value in values],
                "hovertemplate": f"epoch %{{x}}: %{{customdata}}<extra>run {number}</extra>",
            }
        )
    shown = [value for values in lines.values() for value in values] + ([floor[0]] if floor else [])
    shapes = []
    if floor:
        shapes.append(style.line(1, floor[0], last, floor[0]))
        notes.append(style.note(1, floor[0], floor[1], ink, xanchor="left", yanchor="bottom"))
    if limits:
        down, up = min([limits[0], *shown]), limits[1]
        down = max(0.0, math.floor(down * 10) / 10)
        room = 0.03 * (up - down)
        low, high = down - room, up + 2 * room
        values_axis = style.share_axis("", (low, high), ink, np.linspace(down, up, _SHARE_TICKS))
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
    """Write each run's number at its line's end, spread where runs have similar final values.

    Args:
        high: the upper end of the axis; no number is above it.
        pixel: height of a pixel in units of the axis.
    """
    notes = []
    for epoch in dict.fromkeys(len(values) for values in lines.values() if len(values)):
        ends = sorted((values[-1], number) for number, values in lines.items() if len(values) == epoch)
        for (value, number), place in zip(ends, _spread([end for end, _ in ends], high, _APART * pixel), strict=True):
            more = {"xanchor": "left", "xshift": 6, "yshift": round((place - value) / pixel)}
            notes.append(style.note(epoch, value, f"<b>{number}</b>", ink, **more))
    return notes


def _spread(values: Sequence[float], high: float, apart: float) -> list[float]:
    """Move `values`, in ascending order, so that they are at least `apart` and none is above `high`."""
    places, floor = [], -math.inf
    for value in values:
        places.append(max(value, floor))
        floor = places[-1] + apart
    for index in reversed(range(len(places))):
        places[index] = min(places[index], high)
        high = places[index] - apart
    return places


def learning_curve_alt(title: str, lines: Mapping[int, Sequence[float]], share: bool = True) -> str:
    """State the latest value of each run in one sentence."""
    ends = [
        f"run {number} is at {percent(values[-1]) if share else f'{values[-1]:.3f}'} after epoch {len(values)}"
        for number, values in lines.items()
        if len(values)
    ]
    return f"{title} by epoch: {', '.join(ends) or 'no run yet'}."


def run_look(number: int) -> tuple[str, str]:
    """Return the color and dash of run 1, 2, 3, ...; each run differs from the two before it."""
    return style.network((number - 1) % len(style.LINE_COLORS))


def small_confusion_matrix(matrix: Confusion, ink: str | None = None) -> go.Figure:
    """Draw a confusion matrix without clicks, and with little text, for a third of a page."""
    figure = confusion_matrix(matrix, height=220, ink=ink)
    figure.update_traces(hoverinfo="skip", hovertemplate=None, hovertext=None)
    places = zip(CELLS, figure.data[0].x, (1, 1, 0, 0), strict=True)
    notes = [
        style.note(x, y, f"<b>{matrix.count(cell):,}</b><br>{percent(matrix.row_share(cell))}", ink, 15)
        for cell, x, y in places
    ]
    return figure.update_layout(annotations=notes, clickmode="none")
