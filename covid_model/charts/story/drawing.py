"""Figure 1: a network as slabs, one a layer, that can be clicked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from covid_model.charts import style

if TYPE_CHECKING:
    from covid_model.anatomy import Block

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
