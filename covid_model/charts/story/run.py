"""A training run as it was recorded, in epochs or in steps; and several runs in one figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from covid_model import settings
from covid_model.charts import style

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
_SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "x", "star", "pentagon")
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
    label = _label(key)
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
        "marker": {"symbol": _SYMBOLS[at % len(_SYMBOLS)], "size": 7},
        "xaxis": f"x{axis}",
        "yaxis": f"y{axis}",
        "legend": legend,
        "hovertemplate": f"{label}, {unit} %{{x}}: %{{y:.4f}}<extra></extra>",
    }


def _label(key: str) -> str:
    """What a recorded figure is called: "auc cohen" is the AUC within that source."""
    source = key.removeprefix("auc ")
    return _NAMES.get(key) or (key if source == key else f"AUC within {settings.SOURCE_SHORT.get(source, source)}")


def counted_in(history: Records) -> str:
    """What the records count: "epoch" or "step"; "epoch" where they do not say."""
    return next((unit for unit in ACROSS if any(unit in row for row in history)), "epoch")


def _is(value: object) -> bool:
    return isinstance(value, int | float) and value == value


def run_alt(history: Records) -> str:
    """What the run came to, in a sentence."""
    if not history:
        return "Training run: nothing recorded."
    last = history[-1]
    unit = counted_in(history)
    ends = [
        f"{'loss, ' if 'loss' in key else ''}{_label(key)} {value:.4f}"
        for key, value in last.items()
        if _is(value) and (key in _NAMES or key.startswith("auc "))
    ]
    return f"Training run over {last.get(unit, len(history)):g} {unit}s, ending at {'; '.join(ends)}."


def comparison_alt(runs: Mapping[str, Records], key: str, title: str) -> str:
    """Where each run ends, in a sentence."""
    ends = [f"{name} {history[-1][key]:.4f}" for name, history in runs.items() if history and _is(history[-1].get(key))]
    return f"{title} of {len(runs)} runs, ending at: {'; '.join(ends)}."
