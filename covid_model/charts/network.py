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
    from covid_model.model.vgg19 import Pretrained

TRAINED_COLOR = "#009E73"
FROZEN_COLOR = style.GRAY
_GAP, _AIR, _WIDE_AIR = 0.1, 0.9, 2.1  # gaps between layers, between blocks, between the blocks of input and head
_INSIDE = 0.84  # of a slab that its map covers
_SHOWN = ("input", "convolution", "pooling", "flatten", "average", "dense", "sigmoid")


def drawing(
    blocks: Sequence[Block], chosen: str | None = None, maps: Mapping[str, str] | None = None, ink: str | None = None
) -> go.Figure:
    """Draw the network from X-ray (left) to score (right), one slab per layer: as high as its maps, wider if more maps.

    Heights and widths are on a log scale. Trained layers are green and solid, layers with frozen ImageNet weights gray
    and hatched, layers without weights empty. The block `chosen` has a frame. Slabs are bars, because bars report
    clicks anywhere on them; the customdata of each begins with its block (`clicked_block` reads it). `maps` are
    pictures by layer, as data URLs, drawn inside the slabs.
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
        x = end + (_AIR if block.name.startswith("block") else _WIDE_AIR)
    tiles = {
        "type": "bar",
        "x": [at for at, *_ in slabs],
        "y": [tall for _, tall, *_ in slabs],
        "base": [-tall / 2 for _, tall, *_ in slabs],
        "width": [wide for _, _, wide, *_ in slabs],
        "marker": {
            "color": [_color(layer) for *_, layer in slabs],
            "line": {"color": [TRAINED_COLOR if layer.trained else style.GRAY for *_, layer in slabs], "width": 1},
            "pattern": {
                "shape": ["/" if layer.parameters and not layer.trained else "" for *_, layer in slabs],
                "fgcolor": style.faded(FROZEN_COLOR, 0.9),
                "size": 6,
            },
        },
        "customdata": [[block.name, _hover(layer)] for *_, block, layer in slabs],
        "hovertemplate": "%{customdata[1]}<extra></extra>",
        "selected": {"marker": {"opacity": 1}},
        "unselected": {"marker": {"opacity": 1}},
    }
    maps = maps or {}
    pictures = [
        {"source": maps[layer.name], "x": at, "y": 0, "sizex": wide * _INSIDE, "sizey": tall * _INSIDE, "xref": "x"}
        | {"yref": "y", "xanchor": "center", "yanchor": "middle", "sizing": "stretch", "layer": "above"}
        for at, tall, wide, _, layer in slabs
        if layer.name in maps
    ]
    bare = {"showgrid": False, "showticklabels": False, "ticks": ""}
    return style.figure(
        380,
        ink,
        [tiles],
        images=pictures,
        showlegend=False,
        clickmode="event+select",
        barmode="overlay",
        shapes=frames,
        annotations=notes,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        xaxis=style.axis("", (-1.6, end + 1.9), ink, **bare),
        yaxis=style.axis("", (-0.94, 0.94), ink, **bare),
    )


def _size(shape: tuple[int, ...]) -> tuple[float, float]:
    """Return the height (1.1 at 224 pixels) and width of a layer's slab."""
    if len(shape) == 3:
        return 1.1 * math.log2(shape[0] + 1) / math.log2(225), 0.2 + 0.07 * math.log2(shape[2])
    return 0.12 + 0.06 * math.log2(max(shape[0], 1) + 1), 0.35


def _color(layer) -> str:
    if not layer.parameters:
        return style.faded(style.GRAY, 0.12)
    return style.faded(TRAINED_COLOR, 0.75) if layer.trained else style.faded(FROZEN_COLOR, 0.25)


def _frame(left: float, right: float) -> dict:
    line = {"color": style.COVID_COLOR, "width": 2.5}
    return {"type": "rect", "x0": left, "x1": right, "y0": -0.62, "y1": 0.62, "line": line, "fillcolor": style.CLEAR}


def _label(block: Block, x: float, above: bool, ink: str | None) -> dict:
    """Label a block with name, shape and parameters; every other label is below, which leaves room on a phone."""
    lines = [f"<b>{block.title}</b>", short_shape(block.shape)]
    lines.append(short_count(block.parameters) if block.parameters else "–")
    y, side = (0.66, "bottom") if above else (-0.66, "top")
    return style.note(x, y, "<br>".join(lines), ink, yanchor=side)


def _hover(layer) -> str:
    state = ("trained" if layer.trained else "frozen") if layer.parameters else "no weights"
    return f"<b>{layer.name}</b><br>{long_shape(layer.shape)}<br>{layer.parameters:,} parameters, {state}"


def short_shape(shape: tuple[int, ...]) -> str:
    """Format a shape briefly: "224² × 64", "25,088"."""
    if len(shape) == 3 and shape[0] == shape[1]:
        return f"{shape[0]}² × {shape[2]}"
    return long_shape(shape)


def long_shape(shape: tuple[int, ...]) -> str:
    """Format a shape: "224 × 224 × 64", "25,088"."""
    return " × ".join(f"{size:,}" for size in shape)


def short_count(count: int) -> str:
    """Format a number of parameters in three digits: "257", "38.7 k", "2.4 M"."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.3g} {letter}"
    return str(count)


def clicked_block(points: Sequence[Mapping] | None) -> str | None:
    """Return the block of the first selected slab, from plotly's selection event; None without one."""
    for point in points or ():
        data = point.get("customdata")
        if isinstance(data, list | tuple) and data and isinstance(data[0], str):
            return data[0]
    return None


def drawing_alt(blocks: Sequence[Block]) -> str:
    """Describe the network in one sentence."""
    parts = [f"{block.title} {long_shape(block.shape)}" for block in blocks]
    trained = sum(layer.parameters for block in blocks for layer in block.layers if layer.trained)
    total = sum(block.parameters for block in blocks)
    return f"The network from X-ray to score: {', '.join(parts)}. {trained:,} of {total:,} parameters were trained."


# --- Grad-CAM's weights: one per feature map ---


def channel_weights(weights: np.ndarray, marked: Sequence[int], ink: str | None = None) -> go.Figure:
    """Draw all weights, (channels,), as thin columns over the maps' numbers; the `marked` maps have a point."""
    columns = {
        "type": "bar",
        "x": np.arange(weights.size),
        "y": weights,
        "marker": {  # by number: plotly would check 512 names of colors one by one
            "color": (weights > 0).astype(int),
            "cmin": 0,
            "cmax": 1,
            "colorscale": [[0, style.OTHER_COLOR], [1, style.COVID_COLOR]],
        },
        "hovertemplate": "map %{x}: %{y:.2e}<extra></extra>",
        "showlegend": False,
    }
    points = {
        "type": "scatter",
        "mode": "markers",
        "x": list(marked),
        "y": [float(weights[number]) for number in marked],
        "marker": {"symbol": "diamond", "size": 9, "color": ink or style.GRAY},
        "hovertemplate": "map %{x}: %{y:.2e}<extra></extra>",
        "showlegend": False,
    }
    limits = (-0.02 * weights.size, 1.02 * weights.size)
    return style.figure(
        220,
        ink,
        [columns, points],
        bargap=0,
        xaxis=style.axis("feature map", limits, ink, showgrid=False),
        yaxis=style.axis("weight", None, ink, exponentformat="power"),
    )


def channel_weights_alt(weights: np.ndarray) -> str:
    """Describe the weights in one sentence."""
    return (
        f"Grad-CAM's weights of {weights.size} feature maps: {int((weights > 0).sum())} raise the score, "
        f"{int((weights < 0).sum())} lower it. The maps shown below are marked."
    )


# --- Contribution of the dense layer's units to a film's logit ---

UNITS = 8  # shown individually


def _signed(part: float) -> str:
    """Return "+0.123" or "−0.123", with a minus sign as the axis has it."""
    return f"{round(part, 3) + 0.0:+.3f}".replace("-", "−")


def logit_parts(head: HeadActivations, units: int = UNITS, ink: str | None = None) -> go.Figure:
    """Draw a waterfall from 0 to the logit: the units with the largest contributions, all others, the bias, the sum."""
    names, parts = _parts(head, units)
    starts, total = [], 0.0
    for part in parts:
        starts.append(total)
        total += part
    colors = [style.COVID_COLOR if part > 0 else style.OTHER_COLOR for part in parts]
    ends = [start + part for start, part in zip(starts, parts, strict=True)]
    bars = {
        "type": "bar",
        "orientation": "h",
        "y": [*names, "<b>logit</b>"],
        "x": [*parts, head.logit],
        "base": [*starts, 0],
        "text": [*(_signed(part) for part in parts), f"<b>{_signed(head.logit)}</b>"],
        "textposition": "outside",
        "cliponaxis": False,
        "marker": {"color": [*colors, ink or style.GRAY]},
        "hovertemplate": "%{y}: %{text}<extra></extra>",
    }
    low, high = min(0.0, head.logit, *ends), max(0.0, head.logit, *ends)
    air = 0.3 * ((high - low) or 1)
    return style.figure(
        340,
        ink,
        [bars],
        showlegend=False,
        bargap=0.25,
        shapes=[style.line(0, -0.6, 0, len(names) + 0.6, "solid")],
        xaxis=style.axis("running sum", (low - air, high + air), ink),
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
    """Describe the sum in one sentence."""
    return (
        f"Contributions to the logit: units that raise it {head.positive_sum:+.3f}, units that lower it "
        f"{head.negative_sum:+.3f}, bias {head.bias:+.3f}; sum {head.logit:+.3f}."
    )


# --- Binary cross-entropy over the score, equation 1 of the paper ---

HIGHEST = 7.0  # end of the y axis, unless this film's loss is higher
_ROOM = 1.2  # times a higher loss: where the axis ends then, which keeps the legend above the point
_POINTS = 200


def loss_curve(
    score: float | None = None, loss: float | None = None, covid: bool = True, ink: str | None = None
) -> go.Figure:
    """Draw loss over score for both classes; the film's ground truth (`covid`) is drawn bold.

    `score` in [0, 1] and its `loss` place this film's point on the curve of its class.
    """
    highest = HIGHEST if loss is None else max(HIGHEST, _ROOM * loss)
    logits = np.linspace(-highest, highest, _POINTS)  # evenly spaced scores would be too coarse at both ends
    scores = 1 / (1 + np.exp(-logits))
    traces, labels = [], style.score_labels(scores)
    for flag, values in ((True, np.logaddexp(0, -logits)), (False, np.logaddexp(0, logits))):
        color = style.COVID_COLOR if flag else style.OTHER_COLOR
        label = f"y = {int(flag)}: {style.COVID_LABEL if flag else style.OTHER_LABEL}"
        traces.append(
            {
                "type": "scatter",
                "x": scores,
                "y": values,
                "mode": "lines",
                "name": label,
                "line": {
                    "color": color if flag == covid else style.faded(color, 0.45),
                    "width": 3.5 if flag == covid else 2,
                    "dash": "solid" if flag == covid else "dot",
                },
                "customdata": labels,
                "hovertemplate": "score %{customdata}, loss %{y:.2f}<extra>" + label + "</extra>",
            }
        )
    notes = []
    if score is not None and loss is not None:
        color = style.COVID_COLOR if covid else style.OTHER_COLOR
        symbol = style.COVID_SYMBOL if covid else style.OTHER_SYMBOL
        traces.append(
            {
                "type": "scatter",
                "x": [score],
                "y": [loss],
                "mode": "markers",
                "name": "this X-ray",
                "showlegend": False,
                "cliponaxis": False,
                "marker": {"color": color, "symbol": symbol, "size": 15, "line": {"width": 2, "color": "white"}},
                "hovertemplate": f"this X-ray: score {style.score_label(score)}, loss {_loss_text(loss)}"
                "<extra></extra>",
            }
        )
        left = score > 0.5
        notes.append(
            style.note(
                score,
                loss,
                f"<b>this X-ray: {_loss_text(loss)}</b>",
                ink,
                xanchor="right" if left else "left",
                xshift=-14 if left else 14,
                yshift=22,  # above the curve, which is nearly flat at the cheap end
            )
        )
    return style.figure(
        340,
        ink,
        traces,
        legend={"x": 0.5, "xanchor": "center", "y": 1, "yanchor": "top", "bgcolor": style.CLEAR},
        annotations=notes,
        xaxis=style.axis("score h(X)", (-0.03, 1.03), ink),
        yaxis=style.axis("loss", (-0.03 * highest, 1.03 * highest), ink),
    )


def _loss_text(loss: float) -> str:
    """Format a loss to three places, or as a power of ten if that would round to 0, as in the formula beside it."""
    return f"{loss:.3f}" if loss == 0 or loss >= 0.001 else style.power(loss)


def loss_curve_alt(score: float | None, loss: float | None, covid: bool) -> str:
    """Describe the curve, and this film's point on it."""
    curve = (
        "Binary cross-entropy over the score: for a COVID-19 X-ray it falls to 0 at score 1, for a non-COVID X-ray at "
        "score 0; it grows without limit for a confident wrong score."
    )
    if score is None or loss is None:
        return curve
    return f"{curve} This X-ray has score {score_text(score)}, ground truth {int(covid)} and loss {_loss_text(loss)}."


# --- Table 1 as a plot: accuracy of pretrained networks over their size ---

_SYMBOLS = ("circle", "square", "triangle-up", "pentagon", "triangle-down", "star", "cross", "hexagon", "x")


def models(networks: Sequence[Pretrained], marked: str, ink: str | None = None) -> go.Figure:
    """Draw accuracy over millions of parameters (log scale), one symbol per family; `marked` (a name) is labeled."""
    families = list(dict.fromkeys(model.family for model in networks))
    traces = []
    for number, family in enumerate(families):
        members = [model for model in networks if model.family == family and model.name != marked]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": family,
                "x": [model.millions for model in members],
                "y": [model.top1 for model in members],
                "text": [_model_hover(model) for model in members],
                "marker": {"symbol": _SYMBOLS[number % len(_SYMBOLS)], "size": 10, "color": _model_color(number)},
                "hovertemplate": "%{text}<extra></extra>",
            }
        )
    notes = []  # on a log axis, a note's x is a logarithm
    for model in networks:
        if model.name == marked:
            look = {"color": style.COVID_COLOR, "symbol": "diamond-open", "size": 18}  # its neighbors show through
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": f"{model.name}, used here",
                    "x": [model.millions],
                    "y": [model.top1],
                    "text": [_model_hover(model)],
                    "marker": look | {"line": {"width": 3}},
                    "hovertemplate": "%{text}<extra></extra>",
                }
            )
            place = {"xref": "x", "yref": "y", "xanchor": "right", "yanchor": "bottom", "yshift": 8, "xshift": 6}
            notes.append(style.note(math.log10(model.millions), model.top1, f"<b>{model.name}</b>", ink, **place))
    ticks = [3, 5, 10, 20, 50, 100]
    return style.figure(
        460,
        ink,
        traces,
        annotations=notes,
        legend={"orientation": "h", "x": 0, "y": -0.3, "yanchor": "top", "entrywidth": 120},
        xaxis=style.axis(
            "million parameters", None, ink, type="log", tickvals=ticks, ticktext=[str(tick) for tick in ticks]
        ),
        yaxis=style.axis("top-1 accuracy, %", None, ink),
    )


def _model_color(number: int) -> str:
    colors = [color for color in style.LINE_COLORS if color != style.COVID_COLOR]
    return style.faded(colors[number % len(colors)], 0.85)


def _model_hover(model: Pretrained) -> str:
    size = f"{model.millions:g} million parameters<br>{model.megabytes} MB"
    return f"<b>{model.name}</b><br>top-1 {model.top1:.1f} %<br>{size}"


def models_alt(networks: Sequence[Pretrained], marked: str) -> str:
    """State the plot's point in one sentence."""
    own = next(model for model in networks if model.name == marked)
    better = [model for model in networks if model.top1 > own.top1 and model.millions < own.millions]
    return (
        f"ImageNet accuracy over the number of parameters of {len(networks)} pretrained networks. {marked} has "
        f"{own.millions:g} million parameters and {own.top1:.1f} % top-1; {len(better)} of the others are more "
        "accurate with fewer parameters."
    )
