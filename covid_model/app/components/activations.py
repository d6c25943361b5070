"""The parts of the story that need the network: its blocks, its head, the loss of its score, Grad-CAM."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from covid_model import formatting
from covid_model.app import theme, widgets
from covid_model.app.runtime import render_slots
from covid_model.charts import network as network_charts
from covid_model.charts import style
from covid_model.formatting import MODEL_SCORE
from covid_model.imaging import heatmap
from covid_model.model import gradcam
from covid_model.model.activations import Block, ForwardTrace, binary_crossentropy, crossentropy_slope
from covid_model.model.feature_maps import enlarged, grey

# --- How the story's figures and pictures are put on the page ---

GROUND = 96  # grey where a map says nothing


def gallery(cells: list[list[tuple[np.ndarray, str]]], captions: list[str]) -> None:
    """Cells of pictures, one above the other, each with what it shows, and a caption; six a row, three on a phone."""
    with st.grid(6, min_column_width=96, gap="small"):
        for pictures, caption in zip(cells, captions, strict=True):
            with st.container(gap="xsmall"):
                for picture, alt in pictures:
                    st.image(picture, width="stretch", alt=alt)
                st.caption(caption)


def coloured(values: np.ndarray, direction: str = "both") -> np.ndarray:
    """A map (h, w) in [-1, 1] in the heatmap's colours on grey, (h, w, 3) uint8."""
    ground = np.full(values.shape, GROUND, np.uint8)
    return heatmap.blend(ground, values, (0, 0, 1, 1), 1.0, direction)


BLOCK, FLIP, DRAWING = "block", "flip", "network_drawing"
LISTED, ASSUMED, FLIPPED = "as its source lists it", "assumed, for nobody says", "flipped"  # whence the truth comes
DRAWN = 224  # pixels: how wide a map is sent
TAUGHT = {
    "block1": "The first block finds edges and tones; its maps still look like the film.",
    "block2": "Edges make strips and corners. Each side was halved, so that a pixel here stands for more of the film.",
    "block3": "Textures: patterns that repeat, as ribs do.",
    "block4": "Larger shapes. A map that stays dark looks for something that is not on this film.",
    "block5": "The last block. Each small map says roughly where something was found; Grad-CAM looks here (step 5).",
}
OTHERWISE = {
    "input": "The film itself, prepared as in step 1: three equal channels.",
    "features": "No maps any more: the last block's output becomes one row of numbers (step 3).",
    "fc1": "The dense layer: every unit weighs every feature (step 3).",
    "score": "One unit, whose sum is called the logit. The sigmoid squeezes it between 0 and 1: the score (step 3).",
}


@render_slots.fragment
def blocks(walk: ForwardTrace) -> None:
    """Figure 1, and what the block that is clicked or chosen makes of the film."""
    names = [block.name for block in walk.blocks]
    titles = {block.name: block.title for block in walk.blocks}
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
            network_charts.drawing(walk.blocks, chosen, ink=theme.ink()),
            DRAWING,
            network_charts.drawing_alt(walk.blocks),
            on_select=_click,
            selection_mode="points",
        )
        st.caption(
            "Each box is a layer: the taller, the larger its maps; the wider, the more of them. Green and filled: it "
            "learnt from chest films. Grey and hatched: frozen, as ImageNet's photographs left it. Empty: nothing to "
            "learn. With each name stand the shape of what comes out, and how many parameters, numbers that can be "
            "learnt, it has."
        )
    block = next(one for one in walk.blocks if one.name == chosen)
    if chosen in TAUGHT:
        _maps(block, walk)
    else:
        st.markdown(OTHERWISE.get(chosen, ""))
    with st.expander("Every layer of the graph", key="all_layers"):
        st.dataframe(
            layers_table(walk.blocks),
            hide_index=True,
            column_config={
                "Parameters": st.column_config.NumberColumn(format="localized"),
                "Sees": st.column_config.NumberColumn(
                    help="Pixels a side of the input that one of its pixels depends on"
                ),
            },
            placeholder="–",
            alt="Every layer with its output's shape and its parameters",
            key="layers_table",
        )


def _click() -> None:
    """A click on a slab chooses its block."""
    clicked = network_charts.clicked_block(st.session_state[DRAWING]["selection"]["points"])
    if clicked:
        st.session_state[BLOCK] = clicked


def _maps(block: Block, walk: ForwardTrace) -> None:
    """The strongest maps of one of the block's layers, and the filters of the first ones."""
    st.markdown(TAUGHT[block.name])
    layers = [layer.name for layer in block.layers if layer.name in walk.maps]
    key = f"layer_{block.name}"
    layer = widgets.choice(
        "Layer",
        layers,
        format_func=lambda name: name.split("_", 1)[1],
        default=layers[0],
        key=key,
        bind=False,
        label_visibility="collapsed",
    )
    maps = walk.maps[layer]
    what = next(one for one in block.layers if one.name == layer)
    side = walk.blocks[0].shape[0]
    sees = (
        f"{what.receptive_field} × {what.receptive_field} pixels"
        if what.receptive_field < side
        else f"all {side} × {side} pixels"
    )
    st.markdown(
        f"`{layer}` hands on {maps.total} maps of {what.shape[0]} × {what.shape[1]} pixels. One pixel of them sees up "
        f"to {sees} of the prepared film. Here are the {len(maps.channels)} maps that are "
        f"brightest on this film, each with its mean; **{maps.silent}** of the {maps.total} stay dark everywhere."
    )
    gallery(
        [
            [(enlarged(picture, DRAWN), f"Map {channel} of {layer}: bright where it answers to the film")]
            for channel, picture in zip(maps.channels, maps.pictures, strict=True)
        ],
        [f"Map {channel}, mean {mean:.3g}" for channel, mean in zip(maps.channels, maps.means, strict=True)],
    )
    if layer in walk.filters:
        st.markdown(
            "**Its filters.** Each has 3 × 3 weights: bright ones are above 0, dark ones below, mid grey is 0. "
            + (
                "They are coloured because ImageNet's photographs are; a grey film is the same in all three colours."
                if layer.endswith("conv1")
                else "A filter here looks at all 64 maps of the layer before; its weights for one of them are shown, "
                "where they are largest."
            )
        )
        sheet = walk.filters[layer]
        st.image(enlarged(sheet, 2 * sheet.shape[1]), width=440, alt=f"The 64 filters of {layer}, 3 × 3 pixels each")


def layers_table(blocks: tuple[Block, ...]) -> pd.DataFrame:
    """One row a layer of the graph."""
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


def head(walk: ForwardTrace, threshold: float) -> None:
    """From features to score, with this film's numbers."""
    numbers = walk.head
    block5 = next(block for block in walk.blocks if block.name == "block5").shape
    flat = walk.blocks[[block.name for block in walk.blocks].index("features")].layers[-1].kind == "flatten"
    made = (
        f"all {block5[0]} × {block5[1]} × {block5[2]} of them in one row"
        if flat
        else f"the mean of each of the {block5[2]} maps of {block5[0]} × {block5[1]}"
    )
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.markdown(
            f"- **{numbers.features.size:,} features**: {made}. {int((numbers.features > 0).sum()):,} are not 0 here.\n"
            f"- **{numbers.units.size} units** (`fc1`) add up all features, each with weights of its own. A sum below "
            f"0 becomes 0 (ReLU): **{numbers.active}** stay on.\n"
            "- **One unit** adds up what they say, again with weights. Its sum is the **logit**: above 0 it speaks for "
            "COVID-19, below against.\n"
            "- **The sigmoid** squeezes the logit between 0 and 1: the score. (Dropout, which switches units off at "
            "random, is for training only.)"
        )
        st.latex(
            rf"z = \underbrace{{{numbers.positive_sum:.3f}}}_{{\text{{for}}}} "
            rf"\underbrace{{{signed(numbers.negative_sum)}}}_{{\text{{against}}}} "
            rf"\underbrace{{{signed(numbers.bias)}}}_{{\text{{bias}}}} = {numbers.logit:.3f}"
        )
        st.latex(rf"h(X) = \frac{{1}}{{1 + e^{{-z}}}} = \frac{{1}}{{1 + e^{{{-numbers.logit:.3f}}}}}")
        st.metric(MODEL_SCORE, formatting.score_text(numbers.score))
        st.markdown(formatting.verdict(numbers.score, threshold))
    with right:
        st.markdown("**What each unit adds to the logit**")
        widgets.show_chart(
            network_charts.logit_parts(numbers, ink=theme.ink()), "logit_parts", network_charts.logit_parts_alt(numbers)
        )


@render_slots.fragment
def loss_of(walk: ForwardTrace | None, covid: bool | None) -> None:
    """Equation 1 as a curve, with this film's point; a toggle flips its truth."""
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.latex(r"L = -\,\bigl[\,y \log h(X) + (1 - y) \log (1 - h(X))\,\bigr]")
        st.markdown(
            "The **loss** says how wrong a score is; y is the truth, 1 for a COVID-19 film and 0 for another. A score "
            "that is sure and right costs almost nothing. The more confident a **wrong** score, the more it costs, "
            "without limit. Training changes the weights so that the loss over all films gets smaller."
        )
        flipped = st.toggle("Flip the truth", key=FLIP, bind="query-params")
        known = LISTED if covid is not None else ASSUMED
        truth = (covid is not False) != flipped
        st.markdown(f"Truth **y = {int(truth)}** ({FLIPPED if flipped else known}).")
        if walk is not None:
            _loss_in_words(walk.head.logit, truth)
    with right:
        score = walk.head.score if walk else None
        cost = binary_crossentropy(walk.head.logit, truth) if walk else None
        widgets.show_chart(
            network_charts.loss_curve(score, cost, truth, ink=theme.ink()),
            "loss_curve",
            network_charts.loss_curve_alt(score, cost, truth),
        )


def _loss_in_words(logit: float, truth: bool) -> None:
    steep = crossentropy_slope(logit, truth)
    inside = "h(X)" if truth else "1 - h(X)"
    power = f"{-logit if truth else logit:.3f}"
    st.latex(
        rf"\begin{{aligned}}L &= -\log({inside}) = \log(1 + e^{{{power}}}) \\"
        rf"&= {tex(binary_crossentropy(logit, truth))}\end{{aligned}}"
    )
    st.latex(rf"\frac{{\partial L}}{{\partial z}} = h(X) - y = {tex(steep)}")
    st.markdown(
        f"Training goes by this slope. It is {'below' if steep < 0 else 'above'} 0, so a step on this film would push "
        f"its score **{'up' if steep < 0 else 'down'}**; the steeper, the harder. With the other truth the loss would "
        f"be ${tex(binary_crossentropy(logit, not truth))}$."
    )


def explained(walk: ForwardTrace, pixels: np.ndarray) -> None:
    """Grad-CAM step by step. `pixels`: the film, (H, W) uint8."""
    cam = walk.gradcam
    side = cam.summed.shape[0]
    st.markdown(
        "**a. Each map gets a weight.** Take a map of `block5_conv4` and make one pixel of it a little brighter: how "
        f"much does the logit move? That is the gradient there. Its average over the map's {side} × {side} pixels is "
        "the map's weight. Above 0, the map speaks for COVID-19; below, against."
    )
    st.latex(r"\alpha_k = \frac{1}{Z} \sum_{i,j} \frac{\partial z}{\partial A^k_{ij}}")
    widgets.show_chart(
        network_charts.channel_weights(cam.weights, cam.channels, ink=theme.ink()),
        "channel_weights",
        network_charts.channel_weights_alt(cam.weights),
    )
    st.markdown(
        f"**b. Each map times its weight.** The {len(cam.channels)} of {cam.weights.size} maps that say most: above as "
        "the layer hands them on, below times their weights; yellow and red speak for COVID-19, blue against."
    )
    largest = float(np.abs(cam.weighted).max()) or 1.0
    gallery(
        [
            [
                (enlarged(grey(plain), DRAWN), f"Feature map {channel} of block5_conv4"),
                (
                    enlarged(coloured(weighted / largest), DRAWN),
                    f"Map {channel} times its weight, {'for' if cam.weights[channel] > 0 else 'against'} COVID-19",
                ),
            ]
            for channel, plain, weighted in zip(cam.channels, cam.maps, cam.weighted, strict=True)
        ],
        [f"Map {channel}, weight {style.power(cam.weights[channel], '+')}" for channel in cam.channels],
    )
    st.markdown(f"**c. Add all {cam.weights.size}, keep what is above 0 (ReLU), and enlarge it over the film.**")
    st.latex(r"\text{Grad-CAM} = \text{ReLU}\Bigl(\sum_k \alpha_k A^k\Bigr)")
    signed = gradcam.normalize(cam.summed)
    pictures = (
        ("The sum", enlarged(coloured(signed), 320), "The sum of all weighted maps, for and against"),
        ("Above 0 only", enlarged(coloured(signed, "for"), 320), "The sum with everything against set to 0"),
        ("Over the film", heatmap.blend(pixels, signed, walk.box), "The film under its Grad-CAM heatmap"),
    )
    for column, (title, picture, alt) in zip(st.columns(3, gap="medium"), pictures, strict=True):
        with column:
            st.image(picture, caption=title, width=300, alt=alt)
    if not cam.positive.any():
        st.markdown("Nothing is left above 0: no part of this film spoke for COVID-19.")
    st.image(heatmap.legend("both"), width=300, alt="Left to right: most against COVID-19, no say, most for it")
    st.caption("Left to right: most against COVID-19, no say, most for it. The three pictures share one scale.")


def tex(value: float) -> str:
    """A number for a formula: three places, or a power of ten where three places would hide it."""
    if value == 0 or abs(value) >= 0.001:
        return f"{value:.3f}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}"


def signed(value: float) -> str:
    """A part of a sum to three places, with its sign; never minus nothing."""
    return f"{round(value, 3) + 0.0:+.3f}"
