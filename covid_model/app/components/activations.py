"""Draw the parts of "How it works" that need the network: its blocks, its head, the loss, Grad-CAM."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import pandas as pd
import streamlit as st

from covid_model import formatting
from covid_model.app import widgets
from covid_model.app.components import common
from covid_model.app.runtime import render_slots
from covid_model.app.text import code_snippets
from covid_model.app.text import how_it_works as story_text
from covid_model.charts import network as network_charts
from covid_model.charts import style
from covid_model.formatting import MODEL_SCORE
from covid_model.imaging import heatmap
from covid_model.imaging.image import encode_jpeg, shrink
from covid_model.model import gradcam
from covid_model.model.activations import Block, ForwardTrace, binary_crossentropy, crossentropy_slope, enlarged, gray
from covid_model.verdict import OutOfDistribution

GROUND = 96  # gray level of a map's zero


@st.cache_data(scope="session", max_entries=96, show_spinner=False)
def jpeg(picture: np.ndarray, side: int | None = None) -> bytes:
    """Encode a picture, (height, width) or (height, width, 3) uint8, after enlarging it to `side` pixels wide.

    Kept, as this takes most of a second visit; a small picture is soon recognized.
    """
    return encode_jpeg(picture if side is None else enlarged(picture, side))


def gallery(cells: list[list[tuple[np.ndarray, str]]], captions: list[str]) -> None:
    """Draw cells of stacked pictures, each with its alternative text, over a caption; six a row, three on a phone."""
    with st.grid(6, min_column_width=96, gap="small"):
        for pictures, caption in zip(cells, captions, strict=True):
            with st.container(gap="xsmall"):
                for picture, alt in pictures:
                    st.image(jpeg(picture, DRAWN), width="stretch", alt=alt)
                st.caption(caption)


def colorize(values: np.ndarray, direction: str = "both") -> np.ndarray:
    """Return a map (h, w) in [-1, 1] in the heatmap's colors on gray, (h, w, 3) uint8."""
    ground = np.full(values.shape, GROUND, np.uint8)
    return heatmap.blend(ground, values, (0, 0, 1, 1), 1.0, direction)


BLOCK, FLIP, DRAWING = "block", "flip", "network_drawing"
DRAWN_MAP = 64  # pixels: the side of a map inside the drawing of the network
DRAWN = 224  # pixels: the width of a map on the page
OVERLAY_SIDE = 640  # pixels: the longer side of the X-ray under its heatmap, which is drawn half as large


@render_slots.fragment
def blocks(trace: ForwardTrace) -> None:
    """Draw Figure 1, and the output of the block that is clicked or chosen."""
    names = [block.name for block in trace.blocks]
    titles = {block.name: block.title for block in trace.blocks}
    drawn = st.container()
    chosen = widgets.choice(
        "Block: click it above, or choose it here",
        names,
        format_func=titles.get,
        default="block1",
        key=BLOCK,
        width="stretch",
        wrap=True,
    )
    with drawn:
        widgets.show_chart(
            network_charts.drawing(trace.blocks, chosen, strongest_maps(trace), ink=widgets.ink()),
            DRAWING,
            network_charts.drawing_alt(trace.blocks),
            on_select=_click,
            selection_mode="points",
        )
        st.caption(story_text.DRAWING)
    if chosen in story_text.BLOCKS:
        _maps(next(block for block in trace.blocks if block.name == chosen), trace)
    else:
        st.markdown(story_text.OTHER_LAYERS.get(chosen, ""))
    with st.expander("All layers", key="all_layers"):
        st.dataframe(
            layers_table(trace.blocks),
            hide_index=True,
            column_config={
                "Parameters": st.column_config.NumberColumn(format="localized"),
                "Sees": st.column_config.NumberColumn(
                    help="Receptive field: the side, in input pixels, of the area that one output pixel depends on"
                ),
            },
            placeholder="–",
            alt="All layers with output shape and parameters",
            key="layers_table",
        )


def strongest_maps(trace: ForwardTrace) -> dict[str, str]:
    """Return each layer's strongest map as a data URL, by the layer's name."""
    urls = {}
    for name, maps in trace.maps.items():
        if len(maps.pictures):
            small = cv2.resize(maps.pictures[0], (DRAWN_MAP, DRAWN_MAP), interpolation=cv2.INTER_AREA)
            png = base64.b64encode(cv2.imencode(".png", small)[1]).decode()
            urls[name] = f"data:image/png;base64,{png}"
    return urls


def _click() -> None:
    """Choose the block that was clicked."""
    clicked = network_charts.clicked_block(st.session_state[DRAWING]["selection"]["points"])
    if clicked:
        st.session_state[BLOCK] = clicked


def _maps(block: Block, trace: ForwardTrace) -> None:
    """Draw the strongest maps of one of the block's layers, and the filters of the first two layers."""
    st.markdown(story_text.BLOCKS[block.name])
    layers = [layer.name for layer in block.layers if layer.name in trace.maps]
    key = f"layer_{block.name}"
    with st.container(horizontal=True, vertical_alignment="center"):
        layer = widgets.choice(
            "Layer",
            layers,
            format_func=lambda name: name.split("_", 1)[1],
            default=layers[0],
            key=key,
            bind=False,
            label_visibility="collapsed",
        )
        code = code_snippets.feature_maps(trace.network, layer)
        common.code_button(story_text.SECTIONS["network"], code, key="network")
    maps = trace.maps[layer]
    shape = next(candidate for candidate in block.layers if candidate.name == layer)
    st.markdown(story_text.maps(shape, maps, side=trace.blocks[0].shape[0]))
    gallery(
        [
            [(picture, f"Map {channel} of {layer}: bright where it responds to the X-ray")]
            for channel, picture in zip(maps.channels, maps.pictures, strict=True)
        ],
        [f"Map {channel}, mean {mean:.3g}" for channel, mean in zip(maps.channels, maps.means, strict=True)],
    )
    if layer in trace.filters:
        st.markdown(story_text.filters(first=layer.endswith("conv1")))
        sheet = jpeg(trace.filters[layer], 2 * trace.filters[layer].shape[1])
        st.image(sheet, width=440, alt=f"The 64 filters of {layer}, 3 × 3 pixels each")


def layers_table(blocks: tuple[Block, ...]) -> pd.DataFrame:
    """Return one row for each layer of the network."""
    rows = [
        {
            "Layer": layer.name,
            "Kind": layer.kind,
            "Output": " × ".join(str(size) for size in layer.shape),
            "Sees": layer.receptive_field,
            "Parameters": layer.parameters,
            "Weights": ("trained" if layer.trained else "frozen") if layer.parameters else "none",
        }
        for block in blocks
        for layer in block.layers
    ]
    return pd.DataFrame(rows).astype({"Sees": "Int64"})


def head(trace: ForwardTrace, threshold: float, simulated: bool = False) -> None:
    """Draw the way from features to score, with this film's numbers; a simulated film gets no verdict."""
    numbers = trace.head
    block5 = next(block for block in trace.blocks if block.name == "block5").shape
    flat = trace.blocks[[block.name for block in trace.blocks].index("features")].layers[-1].kind == "flatten"
    origin = (
        f"all {block5[0]} × {block5[1]} × {block5[2]} values of the maps"
        if flat
        else f"the mean of each of the {block5[2]} maps of {block5[0]} × {block5[1]} pixels"
    )
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.markdown(
            story_text.head(
                numbers.features.size,
                int((numbers.features > 0).sum()),
                origin,
                numbers.units.size,
                numbers.active,
            )
        )
        st.latex(
            rf"z = \underbrace{{{numbers.positive_sum:.3f}}}_{{\text{{raising}}}} "
            rf"\underbrace{{{signed(numbers.negative_sum)}}}_{{\text{{lowering}}}} "
            rf"\underbrace{{{signed(numbers.bias)}}}_{{\text{{bias}}}} = {numbers.logit:.3f}"
        )
        st.latex(rf"h(X) = \frac{{1}}{{1 + e^{{-z}}}} = \frac{{1}}{{1 + e^{{{-numbers.logit:.3f}}}}}")
        st.metric(MODEL_SCORE, formatting.score_text(numbers.score))
        outside = formatting.WHY_OUT[OutOfDistribution.SIMULATED]
        st.markdown(formatting.unbroken(outside if simulated else formatting.verdict(numbers.score, threshold)))
    with right:
        st.markdown("**Contribution of each unit to the logit**")
        widgets.show_chart(
            network_charts.logit_parts(numbers, ink=widgets.ink()),
            "logit_parts",
            network_charts.logit_parts_alt(numbers),
        )


@render_slots.fragment
def loss_of(trace: ForwardTrace | None, covid: bool | None, simulated: bool = False) -> None:
    """Draw equation 1 as a curve, with this film's point; a toggle flips the ground truth.

    `covid`: the film's own truth, None if unknown. `simulated`: whether that is what was added to a simulated film.
    """
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.latex(r"L = -\,\bigl[\,y \log h(X) + (1 - y) \log (1 - h(X))\,\bigr]")
        st.markdown(story_text.LOSS)
        with st.container(horizontal=True, vertical_alignment="center"):
            flipped = st.toggle("Flip the ground truth", key=FLIP, bind="query-params")
            truth = (covid is not False) != flipped
            code = code_snippets.loss(trace.head.logit if trace else 0.0, truth)
            common.code_button(story_text.SECTIONS["loss"], code, key="loss")
        known = story_text.SIMULATED if simulated else story_text.LISTED
        origin = known if covid is not None else story_text.ASSUMED
        st.markdown(f"Ground truth **y = {int(truth)}** ({story_text.FLIPPED if flipped else origin}).")
        if trace is not None:
            _loss_in_words(trace.head.logit, truth)
    with right:
        score = trace.head.score if trace else None
        cost = binary_crossentropy(trace.head.logit, truth) if trace else None
        widgets.show_chart(
            network_charts.loss_curve(score, cost, truth, ink=widgets.ink()),
            "loss_curve",
            network_charts.loss_curve_alt(score, cost, truth),
        )


def _loss_in_words(logit: float, truth: bool) -> None:
    """Draw the loss and its slope in numbers."""
    st.latex(story_text.loss_formula(logit, truth))
    st.latex(rf"\frac{{\partial L}}{{\partial z}} = h(X) - y = {story_text.tex(crossentropy_slope(logit, truth))}")
    st.markdown(story_text.gradient_step(logit, truth, story_text.tex(binary_crossentropy(logit, not truth))))


def explained(trace: ForwardTrace, pixels: np.ndarray) -> None:
    """Draw Grad-CAM step by step. `pixels`: the film, (H, W) uint8."""
    cam = trace.gradcam
    st.markdown(story_text.channel_weights(cam.summed.shape[0]))
    st.latex(r"\alpha_k = \frac{1}{Z} \sum_{i,j} \frac{\partial z}{\partial A^k_{ij}}")
    widgets.show_chart(
        network_charts.channel_weights(cam.weights, cam.channels, ink=widgets.ink()),
        "channel_weights",
        network_charts.channel_weights_alt(cam.weights),
    )
    st.markdown(story_text.weighted_maps(len(cam.channels), cam.weights.size))
    largest = float(np.abs(cam.weighted).max()) or 1.0
    gallery(
        [
            [
                (gray(plain), f"Feature map {channel} of block5_conv4"),
                (
                    colorize(weighted / largest),
                    f"Map {channel} times its weight, which is {'above' if cam.weights[channel] > 0 else 'below'} 0",
                ),
            ]
            for channel, plain, weighted in zip(cam.channels, cam.maps, cam.weighted, strict=True)
        ],
        [f"Map {channel}, weight {style.power(cam.weights[channel], '+')}" for channel in cam.channels],
    )
    st.markdown(story_text.GRADCAM_ADDED.format(maps=cam.weights.size))
    st.latex(r"\text{Grad-CAM} = \text{ReLU}\Bigl(\sum_k \alpha_k A^k\Bigr)")
    signed = gradcam.normalize(cam.summed)
    pictures = (
        ("Sum", jpeg(colorize(signed), 320), "The sum of all weighted maps"),
        ("Above 0 only", jpeg(colorize(signed, "for"), 320), "The sum with everything below 0 set to 0"),
        (
            "Over the X-ray",
            jpeg(heatmap.blend(shrink(pixels, OVERLAY_SIDE), signed, trace.box)),
            "The X-ray under its Grad-CAM heatmap",
        ),
    )
    for column, (title, picture, alt) in zip(st.columns(3, gap="medium"), pictures, strict=True):
        with column:
            st.image(picture, caption=title, width=300, alt=alt)
    if not cam.positive.any():
        st.markdown(story_text.GRADCAM_EMPTY)
    st.image(heatmap.legend("both"), width=300, alt=story_text.GRADCAM_LEGEND)
    st.caption(f"{story_text.GRADCAM_LEGEND} All three pictures share this scale.")


def signed(value: float) -> str:
    """Return a term of a sum with its sign and three decimals, never "-0.000"."""
    return f"{round(value, 3) + 0.0:+.3f}"
