"""Charts of what happens inside the network, for the page How it works."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from covid_model.charts import style
from covid_model.formatting import score_text

if TYPE_CHECKING:
    from covid_model.model.activations import Block, HeadActivations
    from covid_model.model.pretrained import Pretrained

TRAINED_COLOUR = "#009E73"
FROZEN_COLOUR = style.GREY
_GAP, _AIR, _WIDE_AIR = 0.1, 0.9, 1.7  # between the layers of a block, between blocks, between those of the head
_SHOWN = ("input", "convolution", "pooling", "flatten", "average", "dense", "sigmoid")


def drawing(blocks: Sequence[Block], chosen: str | None = None, height: int = 380, ink: str | None = None) -> go.Figure:
    """The network from film (left) to score (right). A slab is a layer: as high as its maps, wider with more of them.

    Heights and widths go with logarithms. Layers that a recipe trained are green and solid, those left as ImageNet's
    training left them grey and hatched, those without weights empty. The block `chosen` has a frame. Slabs are bars,
    because bars report clicks wherever they are hit; each one's customdata begins with its block (`clicked_block`).
    """
    slabs, notes, frames, x, end = [], [], [], 0.0, 0.0
    for number, block in enumerate(blocks):
        start = x
        for layer in block.layers:
            if layer.kind not in _SHOWN:
                continue
            tall, wide = _size(layer.shape)
            slabs.append((x + wide / 2, tall, wide, block, layer))
            x += wide + _GAP
        end = x - _GAP
        if block.name == chosen:
            frames.append(_frame(start - 0.3, end + 0.3))
        notes.append(_label(block, (start + end) / 2, above=number % 2 == 0, ink=ink))
        x = end + (_AIR if block.name.startswith(("input", "block")) else _WIDE_AIR)
    tiles = {
        "type": "bar",
        "x": [at for at, *_ in slabs],
        "y": [tall for _, tall, *_ in slabs],
        "base": [-tall / 2 for _, tall, *_ in slabs],
        "width": [wide for _, _, wide, *_ in slabs],
        "marker": {
            "color": [_colour(layer) for *_, layer in slabs],
            "line": {"color": [TRAINED_COLOUR if layer.trained else style.GREY for *_, layer in slabs], "width": 1},
            "pattern": {
                "shape": ["/" if layer.parameters and not layer.trained else "" for *_, layer in slabs],
                "fgcolor": style.faded(FROZEN_COLOUR, 0.9),
                "size": 6,
            },
        },
        "customdata": [[block.name, _hover(layer)] for *_, block, layer in slabs],
        "hovertemplate": "%{customdata[1]}<extra></extra>",
        "selected": {"marker": {"opacity": 1}},
        "unselected": {"marker": {"opacity": 1}},
    }
    bare = {"showgrid": False, "showticklabels": False, "ticks": ""}
    return style.figure(
        height,
        ink,
        [tiles],
        showlegend=False,
        clickmode="event+select",
        barmode="overlay",
        shapes=frames,
        annotations=notes,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        xaxis=style.axis("", (-1.1, end + 1.1), ink, **bare),
        yaxis=style.axis("", (-0.94, 0.94), ink, **bare),
    )


def _size(shape: tuple[int, ...]) -> tuple[float, float]:
    """Height (1.1 at 224 pixels) and width of a layer's slab."""
    if len(shape) == 3:
        return 1.1 * math.log2(shape[0] + 1) / math.log2(225), 0.2 + 0.07 * math.log2(shape[2])
    return 0.12 + 0.06 * math.log2(max(shape[0], 1) + 1), 0.35


def _colour(layer) -> str:
    if not layer.parameters:
        return style.faded(style.GREY, 0.12)
    return style.faded(TRAINED_COLOUR, 0.75) if layer.trained else style.faded(FROZEN_COLOUR, 0.25)


def _frame(left: float, right: float) -> dict:
    line = {"color": style.COVID_COLOUR, "width": 2.5}
    return {"type": "rect", "x0": left, "x1": right, "y0": -0.62, "y1": 0.62, "line": line, "fillcolor": style.CLEAR}


def _label(block: Block, x: float, above: bool, ink: str | None) -> dict:
    """The block's name, shape and parameters; every other one below, so that they have room on a phone."""
    lines = [f"<b>{block.title}</b>", short_shape(block.shape)]
    lines.append(short_count(block.parameters) if block.parameters else "–")
    y, side = (0.66, "bottom") if above else (-0.66, "top")
    return style.note(x, y, "<br>".join(lines), ink, 13, yanchor=side)


def _hover(layer) -> str:
    state = ("trained" if layer.trained else "frozen") if layer.parameters else "nothing to train"
    return f"<b>{layer.name}</b><br>{long_shape(layer.shape)}<br>{layer.parameters:,} parameters, {state}"


def short_shape(shape: tuple[int, ...]) -> str:
    """ "224² × 64", "25,088"."""
    if len(shape) == 3 and shape[0] == shape[1]:
        return f"{shape[0]}² × {shape[2]}"
    return long_shape(shape)


def long_shape(shape: tuple[int, ...]) -> str:
    """ "224 × 224 × 64", "25,088"."""
    return " × ".join(f"{size:,}" for size in shape)


def short_count(count: int) -> str:
    """Parameters in three digits: "257", "38.7 k", "2.4 M"."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.3g} {letter}"
    return str(count)


def clicked_block(points: Sequence[Mapping] | None) -> str | None:
    """The block of the first selected slab, as plotly's events name it; None where there is none."""
    for point in points or ():
        found = point.get("customdata")
        if isinstance(found, list | tuple) and found and isinstance(found[0], str):
            return found[0]
    return None


def drawing_alt(blocks: Sequence[Block]) -> str:
    """The network in a sentence."""
    parts = [f"{block.title} {long_shape(block.shape)}" for block in blocks]
    trained = sum(layer.parameters for block in blocks for layer in block.layers if layer.trained)
    total = sum(block.parameters for block in blocks)
    return f"The network from film to score: {', '.join(parts)}. {trained:,} of {total:,} parameters were trained."


# --- Grad-CAM's weights: one a feature map ---


def channel_weights(weights: np.ndarray, marked: Sequence[int], height: int = 220, ink: str | None = None) -> go.Figure:
    """All weights (channels,) as thin columns over the maps' numbers; the `marked` maps have a point."""
    columns = {
        "type": "bar",
        "x": np.arange(weights.size),
        "y": weights,
        "marker": {"color": [style.COVID_COLOUR if one > 0 else style.OTHER_COLOUR for one in weights]},
        "hovertemplate": "map %{x}: %{y:.2e}<extra></extra>",
        "showlegend": False,
    }
    points = {
        "type": "scatter",
        "mode": "markers",
        "x": list(marked),
        "y": [float(weights[at]) for at in marked],
        "marker": {"symbol": "diamond", "size": 9, "color": ink or style.GREY},
        "hovertemplate": "map %{x}: %{y:.2e}<extra></extra>",
        "showlegend": False,
    }
    limits = (-0.02 * weights.size, 1.02 * weights.size)
    return style.figure(
        height,
        ink,
        [columns, points],
        bargap=0,
        xaxis=style.axis("feature map", limits, ink, showgrid=False),
        yaxis=style.axis("weight", None, ink, exponentformat="power"),
    )


def channel_weights_alt(weights: np.ndarray) -> str:
    """The weights in a sentence."""
    return (
        f"Grad-CAM's weights of {weights.size} feature maps: {int((weights > 0).sum())} speak for COVID-19, "
        f"{int((weights < 0).sum())} against. The maps shown below are marked."
    )


# --- What the units of the dense layer add to a film's logit ---

UNITS = 8  # shown one by one


def logit_parts(head: HeadActivations, units: int = UNITS, height: int = 340, ink: str | None = None) -> go.Figure:
    """A staircase from 0 to the logit: the units that move it most, all others together, the bias, the sum."""
    names, parts = _parts(head, units)
    starts, total = [], 0.0
    for part in parts:
        starts.append(total)
        total += part
    colours = [style.COVID_COLOUR if part > 0 else style.OTHER_COLOUR for part in parts]
    ends = [start + part for start, part in zip(starts, parts, strict=True)]
    bars = {
        "type": "bar",
        "orientation": "h",
        "y": [*names, "<b>logit</b>"],
        "x": [*parts, head.logit],
        "base": [*starts, 0],
        "text": [*(f"{round(part, 3) + 0.0:+.3f}" for part in parts), f"<b>{head.logit:+.3f}</b>"],
        "textposition": "outside",
        "cliponaxis": False,
        "marker": {"color": [*colours, ink or style.GREY]},
        "hovertemplate": "%{y}: %{text}<extra></extra>",
    }
    low, high = min(0.0, head.logit, *ends), max(0.0, head.logit, *ends)
    air = 0.3 * ((high - low) or 1)
    return style.figure(
        height,
        ink,
        [bars],
        showlegend=False,
        bargap=0.25,
        shapes=[style.line(0, -0.6, 0, len(names) + 0.6, "solid")],
        xaxis=style.axis("so far", (low - air, high + air), ink),
        yaxis=style.axis("", None, ink, autorange="reversed", showgrid=False),
    )


def _parts(head: HeadActivations, units: int) -> tuple[list[str], list[float]]:
    chosen = head.largest(units)
    parts = [float(head.contributions[unit]) for unit in chosen]
    rest = float(head.contributions.sum()) - sum(parts)
    others = head.active - len(chosen)
    names = [f"unit {unit}" for unit in chosen]
    if others > 0:
        names.append(f"{others} other units")
        parts.append(rest)
    return [*names, "bias"], [*parts, head.bias]


def logit_parts_alt(head: HeadActivations) -> str:
    """The sum in a sentence."""
    return (
        f"What the units add to the logit: {head.positive_sum:+.3f} by those that raise it, "
        f"{head.negative_sum:+.3f} by those that lower it and {head.bias:+.3f} by the bias come to {head.logit:+.3f}."
    )


# --- Binary cross-entropy over the score, equation 1 of the paper ---

HIGHEST = 7.0  # of the axis, unless this film costs more
_ROOM = 1.2  # of a higher loss: how far the axis reaches then, so that the legend keeps above the point
_POINTS = 200


def loss_curve(
    score: float | None = None,
    loss: float | None = None,
    covid: bool = True,
    height: int = 340,
    ink: str | None = None,
) -> go.Figure:
    """Loss over score for a COVID-19 film and for another; the truth that holds (`covid`) is drawn strong.

    `score` in [0, 1] and its `loss` put this film's point on the curve of its truth.
    """
    highest = HIGHEST if loss is None else max(HIGHEST, _ROOM * loss)
    logits = np.linspace(-highest, highest, _POINTS)  # evenly spread scores would be too far apart at the ends
    scores = 1 / (1 + np.exp(-logits))
    traces = []
    for flag, values in ((True, np.logaddexp(0, -logits)), (False, np.logaddexp(0, logits))):
        colour = style.COVID_COLOUR if flag else style.OTHER_COLOUR
        label = f"truth {int(flag)}: {style.COVID_LABEL if flag else style.OTHER_LABEL}"
        traces.append(
            {
                "type": "scatter",
                "x": scores,
                "y": values,
                "mode": "lines",
                "name": label,
                "line": {
                    "color": colour if flag == covid else style.faded(colour, 0.45),
                    "width": 3.5 if flag == covid else 2,
                    "dash": "solid" if flag == covid else "dot",
                },
                "customdata": style.score_labels(scores),
                "hovertemplate": "score %{customdata}, loss %{y:.2f}<extra>" + label + "</extra>",
            }
        )
    notes = []
    if score is not None and loss is not None:
        colour = style.COVID_COLOUR if covid else style.OTHER_COLOUR
        symbol = style.COVID_SYMBOL if covid else style.OTHER_SYMBOL
        traces.append(
            {
                "type": "scatter",
                "x": [score],
                "y": [loss],
                "mode": "markers",
                "name": "this film",
                "showlegend": False,
                "cliponaxis": False,
                "marker": {"color": colour, "symbol": symbol, "size": 15, "line": {"width": 2, "color": "white"}},
                "hovertemplate": f"this film: score {style.score_label(score)}, loss {_said(loss)}<extra></extra>",
            }
        )
        left = score > 0.5
        notes.append(
            style.note(
                score,
                loss,
                f"<b>this film: {_said(loss)}</b>",
                ink,
                13,
                xanchor="right" if left else "left",
                xshift=-14 if left else 14,
                yshift=10,
            )
        )
    return style.figure(
        height,
        ink,
        traces,
        legend={"x": 0.5, "xanchor": "center", "y": 1, "yanchor": "top", "bgcolor": style.CLEAR},
        annotations=notes,
        xaxis=style.axis("score h(X)", (-0.03, 1.03), ink),
        yaxis=style.axis("loss", (-0.03 * highest, 1.03 * highest), ink),
    )


def _said(loss: float) -> str:
    """A loss to three places, or a power of ten where three places would hide it, as the formula beside it has it."""
    return f"{loss:.3f}" if loss == 0 or loss >= 0.001 else style.power(loss)


def loss_curve_alt(score: float | None, loss: float | None, covid: bool) -> str:
    """The curve, and this film's place on it, in a sentence."""
    curve = (
        "Binary cross-entropy over the score: for a COVID-19 film it falls to 0 at score 1, for another at score 0; a "
        "score that is sure and wrong costs without limit."
    )
    if score is None or loss is None:
        return curve
    return f"{curve} This film, score {score_text(score)} and truth {int(covid)}, costs {_said(loss)}."


# --- Table 1 as a plot: what the parameters of pretrained networks buy ---

_SYMBOLS = ("circle", "square", "triangle-up", "pentagon", "triangle-down", "star", "cross", "hexagon", "x")


def models(found: Sequence[Pretrained], marked: str, height: int = 420, ink: str | None = None) -> go.Figure:
    """Accuracy over millions of parameters (a log scale); a shape a family, `marked` (a name) large and labelled."""
    families = list(dict.fromkeys(one.family for one in found))
    traces = []
    for at, family in enumerate(families):
        its = [one for one in found if one.family == family and one.name != marked]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": family,
                "x": [one.millions for one in its],
                "y": [one.top1 for one in its],
                "text": [_model_hover(one) for one in its],
                "marker": {"symbol": _SYMBOLS[at % len(_SYMBOLS)], "size": 10, "color": _model_colour(at)},
                "hovertemplate": "%{text}<extra></extra>",
            }
        )
    notes = []
    for one in found:
        if one.name == marked:
            look = {"color": style.COVID_COLOUR, "symbol": "diamond-open", "size": 18}  # its neighbours show through
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": f"{one.name}, used here",
                    "x": [one.millions],
                    "y": [one.top1],
                    "text": [_model_hover(one)],
                    "marker": look | {"line": {"width": 3}},
                    "hovertemplate": "%{text}<extra></extra>",
                }
            )
            place = {"xref": "x", "yref": "y", "xanchor": "right", "yanchor": "bottom", "yshift": 8, "xshift": 6}
            notes.append(style.note(_log10(one.millions), one.top1, f"<b>{one.name}</b>", ink, 13, **place))
    ticks = [3, 5, 10, 20, 50, 100]
    return style.figure(
        height,
        ink,
        traces,
        annotations=notes,
        legend={"orientation": "h", "x": 0, "y": -0.2, "yanchor": "top"},
        xaxis=style.axis("million parameters", None, ink, type="log", tickvals=ticks, ticktext=[str(t) for t in ticks]),
        yaxis=style.axis("top-1 accuracy, %", None, ink),
    )


def _log10(value: float) -> float:
    """Where a note stands on a log axis."""
    return math.log10(value)


def _model_colour(at: int) -> str:
    colours = [colour for colour in style.LINE_COLOURS if colour != style.COVID_COLOUR]
    return style.faded(colours[at % len(colours)], 0.85)


def _model_hover(one: Pretrained) -> str:
    return f"<b>{one.name}</b><br>top-1 {one.top1:.1f} %<br>{one.millions:g} million parameters<br>{one.megabytes} MB"


def models_alt(found: Sequence[Pretrained], marked: str) -> str:
    """The plot's point in a sentence."""
    one = next(model for model in found if model.name == marked)
    better = [other for other in found if other.top1 > one.top1 and other.millions < one.millions]
    return (
        f"Accuracy on ImageNet over parameters of {len(found)} pretrained networks. {marked} has {one.millions:g} "
        f"million parameters and {one.top1:.1f} % top-1; {len(better)} of the others are more accurate with fewer."
    )


# --- Figures of the page that explains a network: its drawing, the head's sum, the loss, Tables 1 and 2 as plots

__all__ = [
    "channel_weights",
    "channel_weights_alt",
    "clicked_block",
    "drawing",
    "drawing_alt",
    "logit_parts",
    "logit_parts_alt",
    "loss_curve",
    "loss_curve_alt",
    "models",
    "models_alt",
]
