"""Charts of training: histories, growth, and the runs of the playground."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from covid_model import config
from covid_model.charts import style
from covid_model.charts.evaluation import confusion_matrix
from covid_model.evaluation import CELLS, Confusion

# title, direction, and the lines of each panel: key in the history, label, colour, dash
_PANELS = (
    ("loss", (("loss", "training", 0), ("val_loss", "validation", 1))),
    (
        "accuracy, AUC",
        (("accuracy", "training", 0), ("val_accuracy", "validation", 1), ("val_auc", "validation AUC", 2)),
    ),
)
_SYMBOLS = ("circle", "diamond", "square")


def training_history(history: Sequence[Mapping[str, float]], height: int = 320, ink: str | None = None) -> go.Figure:
    """Loss on the left, accuracy and AUC on the right, over epochs, from a network's JSON (`history`).

    Each entry may hold epoch, loss, accuracy, val_loss, val_accuracy, val_auc; what is missing is not drawn.
    """
    traces, notes, axes = [], [], {}
    labelled: set[str] = set()
    for side, (title, lines) in enumerate(_PANELS):
        name, across = ("", (0, 0.46)) if side == 0 else ("2", (0.54, 1))
        for key, label, at in lines:
            known = [(entry.get("epoch", n + 1), entry[key]) for n, entry in enumerate(history) if _is(entry.get(key))]
            if not known:
                continue
            traces.append(
                {
                    "type": "scatter",
                    "x": [epoch for epoch, _ in known],
                    "y": [value for _, value in known],
                    "mode": "lines+markers" if len(known) <= 40 else "lines",
                    "name": label,
                    "legendgroup": label,
                    "showlegend": label not in labelled,
                    "line": {"color": style.LINE_COLOURS[at], "dash": style.DASHES[at], "width": 2.5},
                    "marker": {"symbol": _SYMBOLS[at], "size": 7},
                    "xaxis": f"x{name}",
                    "yaxis": f"y{name}",
                    "hovertemplate": "%{y:.4f}",
                }
            )
            labelled.add(label)
        foot = "tozero" if side == 0 else "normal"
        axes[f"xaxis{name}"] = style.axis("epoch", None, ink, domain=across, anchor=f"y{name}", showgrid=False)
        axes[f"yaxis{name}"] = style.axis("", None, ink, anchor=f"x{name}", rangemode=foot)
        paper = {"xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom"}
        notes.append(style.note(across[0], 1.02, f"<b>{title}</b>", ink, 13, **paper))
    if not traces:
        notes.append(style.note(0.5, 0.5, "No epochs recorded.", ink, xref="paper", yref="paper"))
    return style.figure(
        height,
        ink,
        traces,
        margin={"l": 8, "r": 8, "t": 36, "b": 8},
        legend={"orientation": "h", "x": 0, "y": -0.25, "yanchor": "top"},
        hovermode="x unified",
        annotations=notes,
        **axes,
    )


def _is(value: object) -> bool:
    return isinstance(value, int | float) and value == value


def training_history_alt(history: Sequence[Mapping[str, float]]) -> str:
    """What the run came to, in a sentence."""
    if not history:
        return "Training run: no epochs recorded."
    words = {"loss": "training loss", "val_loss": "validation loss", "val_accuracy": "validation accuracy"}
    words |= {"val_auc": "validation AUC"}
    ends = [f"{label} {history[-1][key]:.4f}" for key, label in words.items() if _is(history[-1].get(key))]
    return f"Training run of {len(history)} epochs, ending at {', '.join(ends) or 'no figures'}."


# --- How cost grows with size, on logarithmic axes, beside linear growth ---

WHOLE = 10  # from which on sizes are written without decimals


def growth(
    name: str, sizes: Sequence[float], seconds: Sequence[float], height: int = 240, ink: str | None = None
) -> go.Figure:
    """Milliseconds over size, both logarithmic; the dashed line is linear growth through the largest size.

    Args:
        name: what grows, such as "films of a batch"; the title of the axis.
        sizes: above 0.
        seconds: what each size took, above 0.
        height: of the figure, in pixels.
        ink: CSS colour of the words; without it the theme's.
    """
    spent = [1000 * one for one in seconds]
    linear = [spent[-1] * size / sizes[-1] for size in sizes]
    drawn = {"type": "scatter", "x": list(sizes)}
    colour, dash = style.network(0)
    traces = [
        drawn
        | {"y": linear, "mode": "lines", "name": "linear growth", "line": {"color": style.GREY, "dash": "dash"}}
        | {"hoverinfo": "skip"},
        drawn
        | {"y": spent, "mode": "lines+markers", "name": "measured", "line": {"color": colour, "dash": dash}}
        | {"hovertemplate": "%{x:,.3~g}: %{y:,.3~g} ms<extra></extra>"},
    ]
    return style.figure(
        height,
        ink,
        traces,
        margin={"l": 8, "r": 8, "t": 30, "b": 8},
        legend=style.LEGEND_ABOVE,
        xaxis=style.axis(name, None, ink, type="log", tickvals=list(sizes), ticktext=[_short(one) for one in sizes]),
        yaxis=style.axis("ms", None, ink, type="log", dtick=1),
    )


def _short(size: float) -> str:
    """A size in few letters: 0.066, 17, 1,000."""
    return f"{size:,.0f}" if size >= WHOLE else f"{size:.2g}"


def growth_alt(name: str, sizes: Sequence[float], seconds: Sequence[float]) -> str:
    """From where to where cost grows, in a sentence."""
    return (
        f"Cost against {name}: from {1000 * seconds[0]:,.3g} ms at {sizes[0]:,.3g} to {1000 * seconds[-1]:,.3g} ms at "
        f"{sizes[-1]:,.3g}, beside a line of linear growth."
    )


# --- A training run as it was recorded, in epochs or in steps; and several runs in one figure ---

ACROSS = ("epoch", "step")  # what a record may be counted in
_NAMES = {
    "loss": "training",
    "val_loss": "validation",
    "accuracy": "accuracy, training",
    "val_accuracy": "accuracy, validation",
    "auc": "AUC, training",
    "val_auc": "AUC, validation",
    "within": "AUC within sources, mean",
}
_RUN_SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "x", "star", "pentagon")
Records = Sequence[Mapping[str, float]]


def run(history: Records, height: int = 380, ink: str | None = None) -> go.Figure:
    """Losses on the left, accuracies and AUCs on the right, over epochs or steps (whichever the records count).

    What else was recorded (shares of single sources) is not drawn.
    """
    unit = counted_in(history)
    keys = [
        key for key in dict.fromkeys(key for row in history for key in row) if any(_is(r.get(key)) for r in history)
    ]
    losses = [key for key in keys if "loss" in key]
    shares = [key for key in keys if (key in _NAMES and "loss" not in key) or key.startswith("auc ")]
    title_of_shares = "accuracy, AUC" if any("accuracy" in key for key in shares) else "AUC"
    traces, axes, notes = [], {}, []
    for side, (title, chosen) in enumerate((("loss", losses), (title_of_shares, shares))):
        name, across = ("", (0, 0.44)) if side == 0 else ("2", (0.56, 1))
        for at, key in enumerate(chosen):
            traces.append(_line(history, key, unit, at, name, "legend" + name))
        axes[f"xaxis{name}"] = style.axis(unit, None, ink, domain=across, anchor=f"y{name}", showgrid=False)
        axes[f"yaxis{name}"] = style.axis("", None, ink, anchor=f"x{name}", rangemode="normal" if side else "tozero")
        paper = {"xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom"}
        notes.append(style.note(across[0], 1.02, f"<b>{title}</b>", ink, 13, **paper))
        axes[f"legend{name}"] = {"x": across[0], "y": -0.22, "yanchor": "top", "bgcolor": style.CLEAR}
    height += 20 * max(0, len(shares) - 3)
    plot = 200 / height  # the legends hang below; the plots keep their height
    for name in ("", "2"):
        axes[f"yaxis{name}"]["domain"] = (1 - plot * 1.05, 1)
        axes[f"legend{name}"]["y"] = 1 - plot * 1.05 - 50 / height
    return style.figure(height, ink, traces, margin={"l": 8, "r": 8, "t": 30, "b": 8}, annotations=notes, **axes)


def comparison(runs: Mapping[str, Records], key: str, title: str, height: int = 340, ink: str | None = None):
    """One recorded figure (`key`) of several runs, by their names, over epochs or steps."""
    traces = [
        _line(history, key, counted_in(history), at, "", "legend") | {"name": name}
        for at, (name, history) in enumerate(runs.items())
    ]
    unit = counted_in(next(iter(runs.values()), ()))
    return style.figure(
        height,
        ink,
        traces,
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": -0.25, "yanchor": "top"},
        xaxis=style.axis(unit, None, ink, showgrid=False),
        yaxis=style.axis(title, None, ink),
    )


def _line(history: Records, key: str, unit: str, at: int, axis: str, legend: str) -> dict:
    known = [(row.get(unit, number + 1), row[key]) for number, row in enumerate(history) if _is(row.get(key))]
    label = _run_label(key)
    return {
        "type": "scatter",
        "x": [x for x, _ in known],
        "y": [y for _, y in known],
        "mode": "lines+markers",
        "name": label,
        "line": {
            "color": style.LINE_COLOURS[at % len(style.LINE_COLOURS)],
            "dash": style.DASHES[(at // len(style.LINE_COLOURS) + at) % len(style.DASHES)],
            "width": 2.5,
        },
        "marker": {"symbol": _RUN_SYMBOLS[at % len(_RUN_SYMBOLS)], "size": 7},
        "xaxis": f"x{axis}",
        "yaxis": f"y{axis}",
        "legend": legend,
        "hovertemplate": f"{label}, {unit} %{{x}}: %{{y:.4f}}<extra></extra>",
    }


def _run_label(key: str) -> str:
    """What a recorded figure is called: "auc cohen" is the AUC within that source."""
    source = key.removeprefix("auc ")
    return _NAMES.get(key) or (key if source == key else f"AUC within {config.SOURCE_SHORT.get(source, source)}")


def counted_in(history: Records) -> str:
    """What the records count: "epoch" or "step"; "epoch" where they do not say."""
    return next((unit for unit in ACROSS if any(unit in row for row in history)), "epoch")


def run_alt(history: Records) -> str:
    """What the run came to, in a sentence."""
    if not history:
        return "Training run: nothing recorded."
    last = history[-1]
    unit = counted_in(history)
    ends = [
        f"{'loss, ' if 'loss' in key else ''}{_run_label(key)} {value:.4f}"
        for key, value in last.items()
        if _is(value) and (key in _NAMES or key.startswith("auc "))
    ]
    return f"Training run over {last.get(unit, len(history)):g} {unit}s, ending at {'; '.join(ends)}."


def comparison_alt(runs: Mapping[str, Records], key: str, title: str) -> str:
    """Where each run ends, in a sentence."""
    ends = [f"{name} {history[-1][key]:.4f}" for name, history in runs.items() if history and _is(history[-1].get(key))]
    return f"{title} of {len(runs)} runs, ending at: {'; '.join(ends)}."


# --- Runs of the lab: one small chart a figure, a line a run, growing to the right epoch by epoch ---

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
