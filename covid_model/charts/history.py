"""How a training run went, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from covid_model.charts import style

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
