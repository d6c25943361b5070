"""Explanation methods: ten answers to what in a film moves the logit, all on one interface.

Six take the last convolutional layer's features and gradients, which one pass gives; four need further passes. Each
returns a signed heatmap in [-1, 1], above 0 where the film raises the logit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from covid_model import config
from covid_model.imaging.preprocessing import prepare, to_input
from covid_model.model import gradcam, ood

if TYPE_CHECKING:
    import keras

    from covid_model.model.predictor import Predictor

EPS = 1e-7
OCCLUDED_LAYER = ood.LAYERS[0]  # block 4's output: occlusion and RISE repeat block 5 and the head alone
CELLS = 2  # side of the square that occlusion hides, in cells of that layer
MASKS, MASK_SIDE = 64, 7  # of RISE
STEPS = 16  # of integrated gradients
INPUT_SIDE = 56  # side of the input gradient's heatmap
BATCH = 24  # films per pass of block 5: 24 x 14 x 14 x 512 numbers

# --- From features and gradients, each (h, w, channels); all return (h, w) ---


def grad_cam(features: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Return Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391, equations 1 and 2, before the ReLU)."""
    return gradcam.make_gradcam_heatmap(features, gradients)


def grad_cam_plus_plus(features: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Return Grad-CAM++ (Chattopadhay et al. 2018, arXiv 1710.11063, equations 5 and 19)."""
    squared, cubed = gradients**2, gradients**3
    totals = features.sum(axis=(0, 1))  # (channels,)
    alphas = np.where(gradients != 0, squared / (2 * squared + totals * cubed + EPS), 0)
    weights = (np.maximum(gradients, 0) * alphas).sum(axis=(0, 1))
    return features @ weights


def hires_cam(features: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Return HiResCAM (Draelos and Carin 2020, arXiv 2011.08891, equation 6): gradients are not averaged."""
    return (features * gradients).sum(axis=-1)


def layer_cam(features: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Return LayerCAM (Jiang et al. 2021, doi 10.1109/TIP.2021.3089943, equations 5 and 6)."""
    return (features * np.maximum(gradients, 0)).sum(axis=-1)


def x_grad_cam(features: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Return XGrad-CAM (Fu et al. 2020, arXiv 2008.02312, equation 8): gradients weighted by the features."""
    weights = (gradients * features).sum(axis=(0, 1)) / (features.sum(axis=(0, 1)) + EPS)
    return features @ weights


def eigen_grad_cam(features: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Return EigenGrad-CAM: features times gradients, projected on their first principal component.

    After Muhammad and Yeasin 2020 (arXiv 2008.00299), who leave the gradients out. A principal component has no sign;
    the one is taken whose heatmap agrees with HiResCAM's.
    """
    weighted = features * gradients
    flat = weighted.reshape(-1, weighted.shape[-1])
    centered = flat - flat.mean(axis=0)
    *_, directions = np.linalg.svd(centered, full_matrices=False)
    heatmap = (centered @ directions[0]).reshape(weighted.shape[:2])
    return heatmap if float((heatmap * weighted.sum(axis=-1)).sum()) >= 0 else -heatmap


# --- With further passes ---


@dataclass(frozen=True)
class Pass:
    """A network and one film's way through it.

    Attributes:
        model: by `vgg19.build`.
        inputs: (1, size, size, 3) float32.
        features, gradients: (h, w, channels) float32, of the last convolutional layer.
    """

    model: keras.Model
    inputs: np.ndarray
    features: np.ndarray
    gradients: np.ndarray


def input_gradient(run: Pass) -> np.ndarray:
    """Return the largest magnitude of each pixel's gradient over the channels (Simonyan et al. 2014, arXiv 1312.6034).

    It has no sign: a film's heatmap is nowhere below 0.
    """
    import tensorflow as tf

    inputs = tf.constant(run.inputs)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        logit = run.model(inputs, training=False)
    gradient = np.abs(tf.cast(tape.gradient(logit, inputs), tf.float32).numpy()[0]).max(axis=-1)  # (size, size)
    return cv2.resize(gradient, (INPUT_SIDE, INPUT_SIDE), interpolation=cv2.INTER_AREA)


def integrated_gradients(run: Pass) -> np.ndarray:
    """Return integrated gradients (Sundararajan et al. 2017, arXiv 1703.01365, equation 1) of block 5's features.

    The path runs from no features at all to the film's. The heatmap's sum is the change of the logit on that path.
    """
    import tensorflow as tf

    head = _from_layer(run.model, config.LAST_CONV)
    alphas = (np.arange(STEPS, dtype=np.float32) + 0.5) / STEPS
    points = tf.constant(alphas[:, None, None, None] * run.features[None])  # (steps, h, w, channels)
    with tf.GradientTape() as tape:
        tape.watch(points)
        logits = head(points, training=False)
    gradients = tf.cast(tape.gradient(logits, points), tf.float32).numpy().mean(axis=0)
    return (run.features * gradients).sum(axis=-1)


def occlusion(run: Pass) -> np.ndarray:
    """Return how much of the logit is lost where block 4's output is replaced by its mean (Zeiler and Fergus 2014)."""
    below = _features_of(run, OCCLUDED_LAYER)  # (h, w, channels)
    mean = below.mean(axis=(0, 1))
    height, width = (side // CELLS for side in below.shape[:2])
    hidden = np.repeat(below[None], height * width, axis=0)
    for number in range(height * width):
        down, across = CELLS * (number // width), CELLS * (number % width)
        hidden[number, down : down + CELLS, across : across + CELLS] = mean
    logits = _logits(run.model, np.concatenate([below[None], hidden]))
    return (logits[0] - logits[1:]).reshape(height, width)


def rise(run: Pass) -> np.ndarray:
    """Return RISE (Petsiuk et al. 2018, arXiv 1806.07421, equation 6), with random masks over block 4's output."""
    below = _features_of(run, OCCLUDED_LAYER)  # (h, w, channels)
    rng = np.random.default_rng(config.SEED)
    coarse = rng.integers(0, 2, (MASKS, MASK_SIDE, MASK_SIDE)).astype(np.float32)
    masks = np.stack([cv2.resize(mask, below.shape[1::-1], interpolation=cv2.INTER_LINEAR) for mask in coarse])
    mean = below.mean(axis=(0, 1))
    logits = _logits(run.model, mean + masks[..., None] * (below - mean))
    return np.tensordot(logits - logits.mean(), masks - masks.mean(axis=0), 1) / MASKS


@dataclass(frozen=True)
class Method:
    """An explanation method.

    Attributes:
        title: on screen.
        note: in a sentence, what it does and where it can be wrong.
        from_maps: (features, gradients) to a heatmap, or None if it needs further passes.
        from_pass: a `Pass` to a heatmap, or None.
    """

    title: str
    note: str
    from_maps: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    from_pass: Callable[[Pass], np.ndarray] | None = None


GRAD_CAM = "grad-cam"
METHODS = {
    GRAD_CAM: Method(
        "Grad-CAM",
        "Weights each feature map by its mean gradient. Exact for a head that averages. In the paper's flattened head, "
        "gradients differ from place to place, so their mean can point at the wrong place (arXiv 2011.08891).",
        grad_cam,
    ),
    "grad-cam++": Method(
        "Grad-CAM++", "Weights gradients so that several places can count; shows only what raises the score.",
        grad_cam_plus_plus,
    ),
    "hirescam": Method(
        "HiResCAM", "Multiplies features and gradients place by place; with a linear head, the logit is their sum.",
        hires_cam,
    ),
    "layercam": Method("LayerCAM", "HiResCAM with positive gradients; shows only what raises the score.", layer_cam),
    "xgrad-cam": Method("XGrad-CAM", "Grad-CAM with gradients weighted by how active a place is.", x_grad_cam),
    "eigengrad-cam": Method(
        "EigenGrad-CAM", "The main pattern in features times gradients; smooth, but has no sign of its own.",
        eigen_grad_cam,
    ),
    "input-gradient": Method(
        "Input gradient", "How fast the logit changes with each pixel; unsigned and noisy.",
        from_pass=input_gradient,
    ),
    "integrated-gradients": Method(
        "Integrated gradients", "Adds up gradients on the path from empty block-5 features to this X-ray's.",
        from_pass=integrated_gradients,
    ),
    "occlusion": Method(
        "Occlusion", "Hides one square of block 5's input after another and measures how far the logit drops.",
        from_pass=occlusion,
    ),
    "rise": Method(
        "RISE", f"Hides {MASKS} random patterns in block 5's input and averages what remains, weighted by the logit.",
        from_pass=rise,
    ),
}  # fmt: skip
FAST = tuple(name for name, method in METHODS.items() if method.from_maps)


def explain(predictor: Predictor, pixels: np.ndarray, methods: Sequence[str] = FAST) -> dict[str, np.ndarray]:
    """Return each method's heatmap of a film (height, width) uint8, float32 in [-1, 1].

    They cover the part of the film that the network sees (`spec.preprocessing.box`).
    """
    inputs = to_input(prepare(pixels, predictor.spec.preprocessing)[None])
    with predictor.exclusive() as model:
        run = one_pass(predictor, model, inputs)
        return {name: _heatmap(METHODS[name], run) for name in methods}


def one_pass(predictor: Predictor, model: keras.Model, inputs: np.ndarray) -> Pass:
    """Return a film's way through a network, from inputs (1, size, size, 3)."""
    _, features, gradients, _ = predictor.explain(inputs)
    return Pass(model, inputs, features.numpy()[0], gradients.numpy()[0])


def _heatmap(method: Method, run: Pass) -> np.ndarray:
    raw = method.from_maps(run.features, run.gradients) if method.from_maps else method.from_pass(run)
    return gradcam.normalize(np.nan_to_num(raw).astype(np.float32))


def _from_layer(model: keras.Model, layer: str) -> keras.Model:
    import keras

    return keras.Model(model.get_layer(layer).output, model.get_layer("logit").output)


def _features_of(run: Pass, layer: str) -> np.ndarray:
    """Return a layer's output (h, w, channels) float32."""
    import keras

    part = keras.Model(run.model.input, run.model.get_layer(layer).output)
    return np.asarray(keras.ops.convert_to_numpy(part(run.inputs, training=False)), np.float32)[0]


def _logits(model: keras.Model, features: np.ndarray) -> np.ndarray:
    """Return the logits (n,) of outputs (n, h, w, channels) of OCCLUDED_LAYER."""
    import keras

    rest = _from_layer(model, OCCLUDED_LAYER)
    parts = [rest(features[start : start + BATCH], training=False) for start in range(0, len(features), BATCH)]
    return np.concatenate([np.asarray(keras.ops.convert_to_numpy(part), np.float32)[:, 0] for part in parts])


# --- Sanity check: does the heatmap depend on what the network has learned? ---

STAGES = ("head", "block5", "block4", "block3", "block2", "block1")  # from the top


def randomized(predictor: Predictor, pixels: np.ndarray, methods: Sequence[str] = FAST) -> list[dict[str, np.ndarray]]:
    """Return the heatmaps as trained, then after each of STAGES has lost what it learned (Adebayo et al. 2018).

    The weights of the stage are shuffled, those of the stages above it stay shuffled (arXiv 1810.03292, cascading
    randomization). The network itself is not changed: a copy is.
    """
    import keras

    from covid_model.model.predictor import functions

    inputs = to_input(prepare(pixels, predictor.spec.preprocessing)[None])
    with predictor.exclusive() as model:
        copy = keras.models.clone_model(model)
        copy.set_weights(model.get_weights())
    run_copy, _ = functions(copy)
    rng, series = np.random.default_rng(config.SEED), []
    for stage in (None, *STAGES):
        for layer in copy.layers if stage else ():
            if layer.weights and (layer.name.startswith(stage) or (stage == "head" and "block" not in layer.name)):
                layer.set_weights([rng.permuted(array.ravel()).reshape(array.shape) for array in layer.get_weights()])
        _, features, gradients, _ = run_copy(inputs)
        run = Pass(copy, inputs, features.numpy()[0], gradients.numpy()[0])
        series.append({name: _heatmap(METHODS[name], run) for name in methods})
    return series


def agreement(one: np.ndarray, other: np.ndarray) -> float:
    """Return the rank correlation of two heatmaps, the larger one scaled down; 0 if one is the same everywhere."""
    from scipy.stats import spearmanr

    side = min(one.shape[0], other.shape[0])
    small = [cv2.resize(heatmap, (side, side), interpolation=cv2.INTER_AREA).ravel() for heatmap in (one, other)]
    if any(np.ptp(heatmap) == 0 for heatmap in small):
        return 0.0
    return float(spearmanr(*small).statistic)
