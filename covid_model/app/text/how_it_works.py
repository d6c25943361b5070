"""The sentences of the page "How it works". Only strings and functions that return Markdown; no Streamlit here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from covid_model.formatting import decimal
from covid_model.model.activations import binary_crossentropy, crossentropy_slope

if TYPE_CHECKING:
    from covid_model.model.activations import Layer, Maps

INTRODUCTION = (
    "Follow one X-ray through the network, from its pixels to its score, and back to the regions that drove the score."
)
TABS = ("The network", "The training", "Explanation lab")
SECTIONS = {  # by the anchor of the heading
    "preparation": "1. Preprocessing",
    "network": "2. Through the network",
    "head": "3. From features to a score",
    "loss": "4. The loss: how wrong is the score?",
    "gradcam": "5. Grad-CAM: what drove the score",
    "pretrained": "6. Choosing a pretrained network",
    "run": "7. The training run",
    "compared": "8. Was pretraining worth it?",
}
PREPROCESSING = (
    "A network expects a fixed number of inputs, so every X-ray is first scaled to the same size. Each network here "
    "has its own preprocessing, and it matters: a network cannot rely on anything that its preprocessing removes."
)
NETWORK = (
    "A **convolution** slides small filters over an image. Each filter produces a new image, a **feature map**, which "
    "is bright where the filter's pattern occurs. VGG-19 has sixteen convolutional layers in five blocks. Each block "
    "ends in **pooling**, which keeps the brightest of every four pixels and so halves each side. From block to block, "
    "the maps get smaller and more numerous; in the end there are 512 small ones. Two **dense layers**, whose units "
    "see all of their inputs, turn them into one number (Figure 1 of the paper)."
)
DRAWING = (
    "Each box is a layer: the taller the box, the larger the layer's maps; the wider, the more of them. Green and "
    "filled: trained on chest X-rays. Gray and hatched: frozen, with the weights from ImageNet. Empty: no weights. "
    "Below each name are the shape of the output and the number of parameters, the values that training can change."
)
BLOCKS = {
    "block1": "The first block detects edges and tones; its maps still look like the X-ray.",
    "block2": "Edges combine into stripes and corners. Each side has been halved, so a pixel here covers more of the "
    "X-ray.",
    "block3": "Textures: repeating patterns, such as ribs.",
    "block4": "Larger shapes. A dark map looks for something that this X-ray does not contain.",
    "block5": "The last block. Each small map shows roughly where a pattern occurs; Grad-CAM works on these (step 5).",
}
OTHER_LAYERS = {
    "input": "The X-ray after preprocessing (step 1): three equal channels.",
    "features": "From here on there are no maps: the last block's output becomes one vector of numbers (step 3).",
    "fc1": "The dense layer: every unit weighs every feature (step 3).",
    "score": "A single unit, whose sum is called the logit. The sigmoid squeezes it between 0 and 1: the score (step "
    "3).",
}
LOSS = (
    "The **loss** measures how wrong a score is; y is the ground truth, 1 for a COVID-19 X-ray and 0 for any other. A "
    "confident, correct score costs almost nothing. The more confident a **wrong** score, the more it costs, without "
    "limit. Training changes the weights so that the loss over all X-rays goes down."
)
LISTED, SIMULATED = "according to its source", "as simulated"  # where y comes from
ASSUMED, FLIPPED = "assumed, since it is unknown", "flipped"
NOT_RUN = "The numbers for this X-ray appear once the network has run."
HEAD_BEFORE = f"The last block's outputs are summed twice, with weights, and squeezed between 0 and 1. {NOT_RUN}"
GRADCAM_BEFORE = f"Grad-CAM finds the regions of the last block's maps that moved the score, and colors them. {NOT_RUN}"
GRADCAM_ADDED = "**c. Add all {maps}, keep what is above 0 (ReLU), and enlarge the result over the X-ray.**"
GRADCAM_EMPTY = "Nothing is above 0: no part of this X-ray raised the score."
GRADCAM_LEGEND = "Left to right: lowers the score most, no influence, raises it most."
SCHEMATIC = "A drawing made by a few lines of code, not an X-ray. Its score is not meaningful; the steps are real."
COMPARED = (
    "Three runs on the same X-rays, with the same head and the same number of epochs. Two start from the ImageNet "
    "weights: one keeps its base **frozen**, the other trains **every layer**. The third starts from **random** "
    "weights."
)


def inputs(ranges: Mapping[str, tuple[float, float]], size: int) -> str:
    """Return what the network gets: `size` (pixels a side), and lowest and highest value by channel."""
    parts = ", ".join(f"{name} {low:.0f} to {high:.0f}" for name, (low, high) in ranges.items()).replace("-", "−")
    return (
        "VGG-19 was built for color photographs, so the grayscale X-ray serves as its blue, green and red channel. "
        "From each channel the mean of ImageNet's photographs is subtracted, as Keras does. The values now range as "
        f"follows: {parts}. In total, the network gets **{size} × {size} × 3 = {3 * size * size:,} numbers**."
    )


def transfer_learning(millions: float) -> str:
    """Return what transfer learning is; `millions`: the parameters of the paper's pretrained network."""
    return (
        "**Transfer learning**: take a network that learned to see from 1.3 million photographs (ImageNet), and teach "
        "it a new task with few X-rays. Keras offers many such networks; the paper's Table 1 lists them. The paper "
        f"uses VGG-19, which is simple and large. Most of its {millions:g} million parameters are in its last three "
        "layers, which tell the 1,000 classes of ImageNet apart. Those layers are removed here. Click a column's name "
        "to sort."
    )


def training_run(summary: str) -> str:
    """Return the explanation of Table 2; `summary`: the network's own, as Markdown."""
    return (
        f"{summary} Table 2 lists its settings beside those that the paper reports. A **step** adjusts the weights "
        "slightly, based on a few X-rays; an **epoch** is one pass over all of them. **Validation** X-rays are held "
        "out: no step learns from them."
    )


def tuning(settings: int) -> str:
    """Return how the settings were chosen among `settings` tried."""
    return (
        f"**How the settings were chosen.** {settings} settings were tried, with part of the training X-rays held out. "
        "The curves show the chosen one, on the X-rays it learned from (training) and on those held out (validation). "
        "The network was then trained again on all of them."
    )


def maps(layer: Layer, shown: Maps, side: int) -> str:
    """Return what a layer's maps are; `side`: of the network's input, in pixels."""
    field = layer.receptive_field
    sees = f"{field} × {field} pixels" if field < side else f"all {side} × {side} pixels"
    dark = f"**{shown.silent or 'None'}** of the {shown.total} {'is' if shown.silent == 1 else 'are'} dark everywhere"
    return (
        f"`{layer.name}` outputs {shown.total} maps of {layer.shape[0]} × {layer.shape[1]} pixels. Each of these "
        f"pixels depends on up to {sees} of the preprocessed X-ray. These are the {len(shown.channels)} maps that are "
        f"brightest for this X-ray, each with its mean. {dark}."
    )


def filters(first: bool) -> str:
    """Return what a picture of 3 × 3 filters shows; `first`: whether they are those of the first layer."""
    detail = (
        "They are in color because ImageNet's photographs are; a grayscale X-ray is the same in all three channels."
        if first
        else "Each filter here spans all 64 maps of the previous layer; the picture shows its weights for the map "
        "where they are largest."
    )
    return f"**Its filters.** Each has 3 × 3 weights: bright is above 0, dark is below, mid gray is 0. {detail}"


def head(features: int, nonzero: int, origin: str, units: int, active: int) -> str:
    """Return the way from features to score as a list; `origin`: where the features come from."""
    return (
        f"- **{features:,} features**: {origin}. For this X-ray, {nonzero:,} are not 0.\n"
        f"- **{units} units** (`fc1`) each compute a weighted sum of all features. A sum below 0 becomes 0 (ReLU): "
        f"**{active}** stay active.\n"
        "- **One unit** computes a weighted sum of their outputs, the **logit**: above 0 it points to COVID-19, below "
        "0 away from it.\n"
        "- **The sigmoid** squeezes the logit between 0 and 1: the score. (Dropout, which switches off units at "
        "random, is used only in training.)"
    )


def gradient_step(logit: float, truth: bool, other_loss: str) -> str:
    """Return what a training step on this film would do; `other_loss`: with the other truth, in TeX."""
    steep = crossentropy_slope(logit, truth)
    return (
        f"Training follows this slope. It is {'below' if steep < 0 else 'above'} 0, so a step on this X-ray would push "
        f"its score **{'up' if steep < 0 else 'down'}**; the steeper the slope, the harder the push. With the opposite "
        f"ground truth, the loss would be ${other_loss}$."
    )


def channel_weights(side: int) -> str:
    """Return step a of Grad-CAM; `side`: of the last layer's maps, in pixels."""
    return (
        "**a. Each map gets a weight.** Make one pixel of a map of `block5_conv4` slightly brighter: how much does the "
        f"logit change? That is the gradient at this pixel. Its mean over the map's {side} × {side} pixels is the "
        "map's weight. If it is above 0, the map raises the score; if it is below 0, the map lowers it."
    )


def weighted_maps(shown: int, total: int) -> str:
    """Return step b of Grad-CAM, with the number of maps shown and of all maps."""
    return (
        f"**b. Each map times its weight.** The {shown} of {total} maps with the most influence: above as the layer "
        "outputs them, below multiplied by their weights. Yellow and red raise the score, blue lowers it."
    )


def tex(value: float) -> str:
    """Return a number for a formula: three decimals, or a power of ten if three decimals would hide it."""
    if value == 0 or abs(value) >= 0.001:
        return f"{value:.3f}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}"


def loss_formula(logit: float, truth: bool) -> str:
    """Return the loss of a score as TeX, in numbers."""
    inside = "h(X)" if truth else "1 - h(X)"
    power = f"{-logit if truth else logit:.3f}"
    return (
        rf"\begin{{aligned}}L &= -\log({inside}) = \log(1 + e^{{{power}}}) \\"
        rf"&= {tex(binary_crossentropy(logit, truth))}\end{{aligned}}"
    )


# --- Explanation lab ---

LAB_SECTIONS = {
    "methods": "Ten methods, one X-ray",
    "sanity": "Does the heatmap depend on what was learned?",
    "scoreboard": "Which method is right?",
}
LAB = (
    "Every method answers the same question: which parts of this X-ray raise the score? Where they disagree, no single "
    "heatmap is the explanation. The number below a heatmap is its rank correlation with Grad-CAM's."
)
SANITY = (
    "If a heatmap survives shuffled weights, it reflects the X-ray, not what was learned (Adebayo et al. 2018). "
    "Here the weights are shuffled part by part, from the top down."
)
LESIONS, MARKERS, CURVES, REPEATS = "lesions", "markers", "curves", "repeatability"
BOARDS = {LESIONS: "Lesions", MARKERS: "Planted markers", CURVES: "Deletion and insertion", REPEATS: "Repeatability"}
POINTING = (
    "*Pointing*: how often is the hottest point there? *Energy*: what share of the heat is there? The last row is the "
    "chance level."
)
STAGE_NAMES = {
    None: "As trained",
    "head": "Head shuffled",
    "block5": "… and block 5",
    "block4": "… and block 4",
    "block3": "… and block 3",
    "block2": "… and block 2",
    "block1": "… and block 1",
}


def scoreboard(board: str, records: Mapping[str, Mapping[str, Any]], title: Callable[[str], str]) -> str:
    """Return what a board of BOARDS measures, and on how many X-rays.

    Args:
        board: a key of BOARDS.
        records: of the experiment `explanations`, by network.
        title: from a network's name to its short title.
    """
    first = next(iter(records.values()))
    if board == LESIONS:
        return f"On {len(first['films'])} X-rays simulated from a CT, the location of the lesion is known. {POINTING}"
    if board == REPEATS:
        return "The rank correlation with the heatmaps of copies that were changed less than a reader would notice."
    if board == CURVES:
        return (
            f"Parts of {_films(records, CURVES)} COVID-19 X-rays are blurred (deletion) or restored (insertion), the "
            "hottest first. The figure is how much lower (deletion) or higher (insertion) the mean score over all "
            "steps is than in random order; above 0 is better than chance."
        )
    moved = "; ".join(
        f"{title(name)} {estimated(record['markers']['raises']['score'], decimal)}" for name, record in records.items()
    )
    return (
        f"On {_films(records, MARKERS)} adult X-rays without COVID-19, letters such as a radiographer's were drawn "
        f"where they raise the score the most. {POINTING} A method can only be blamed for missing a marker that "
        f"matters. Mean rise of the score: {moved}."
    )


def _films(records: Mapping[str, Mapping[str, Any]], board: str) -> str:
    """Return the number of films of a board, "8 to 12" where networks differ."""
    counts = sorted({record[board]["films"] for record in records.values()})
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def estimated(estimate: Mapping[str, float | None], number: Callable[[float], str]) -> str:
    """Return a record's estimate and its interval, if it has one, as "12.5 % (0.0 to 37.5)"; "–" without a value."""
    value, low, high = (estimate.get(key) for key in ("value", "low", "high"))
    if value is None:
        return "–"
    ends = "" if low is None else f" ({' to '.join(number(end).removesuffix(' %') for end in (low, high))})"
    return number(value) + ends


def agreement(value: float) -> str:
    """Return how far a heatmap agrees with another, as "0.96"."""
    return f"{value:.2f}".replace("-", "\u2212")


def sanity(trained: float, forgotten: float, title: str) -> str:
    """Return what a sanity check shows, from a method's rank correlation with itself.

    Args:
        trained: after the head alone was shuffled.
        forgotten: after every part was shuffled.
        title: of the method.
    """
    return (
        f"{title} correlates with its heatmap of the trained network at {agreement(trained)} once the head is "
        f"shuffled, and at {agreement(forgotten)} once everything is. A method that depends on what was learned ends "
        "near 0."
    )
