"""Run one film through a network, keep every layer's output, and draw the strongest feature maps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from covid_model import config
from covid_model.imaging import Film
from covid_model.imaging.preprocessing import prepare, to_input
from covid_model.model import gradcam
from covid_model.model.predictor import PredictionError, sigmoid
from covid_model.model.registry import STORED

if TYPE_CHECKING:
    import keras

    from covid_model.model.predictor import Predictor


# --- The network's layers, grouped as in Figure 1 of the paper ---

KINDS = {
    "InputLayer": "input",
    "Conv2D": "convolution",
    "MaxPooling2D": "pooling",
    "Flatten": "flatten",
    "GlobalAveragePooling2D": "average",
    "Dense": "dense",
    "Dropout": "dropout",
    "Activation": "sigmoid",
}
TITLES = {"input": "X-ray", "features": "Features", "fc1": "Dense", "score": "Score"}
SHOWN_FILTERS = ("block1_conv1", "block1_conv2")  # layers whose filters are shown


@dataclass(frozen=True)
class Layer:
    """One layer.

    Attributes:
        name: Name in the graph.
        kind: One of the values of KINDS.
        shape: Shape of its output for one film: (height, width, channels) or (units,).
        parameters: Number of parameters; pooling and dropout have none.
        trained: Whether the recipe trained them; False for layers frozen with ImageNet's weights.
        receptive_field: Side in pixels of the input square that one output pixel depends on; None without pixels.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    trained: bool
    receptive_field: int | None = None


@dataclass(frozen=True)
class Block:
    """Layers that Figure 1 draws together. `name`: input, block1 to block5, features, fc1 or score."""

    name: str
    layers: tuple[Layer, ...]

    @property
    def title(self) -> str:
        return TITLES.get(self.name) or self.name.replace("block", "Block ")

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the block's output for one film."""
        return self.layers[-1].shape

    @property
    def parameters(self) -> int:
        return sum(layer.parameters for layer in self.layers)

    @property
    def trained(self) -> bool | None:
        """Whether the recipe trained any of its layers; None if it has no parameters."""
        return any(layer.trained for layer in self.layers) if self.parameters else None


def blocks(model: keras.Model, base: str) -> tuple[Block, ...]:
    """Return the blocks of a model made by `vgg19.build`, from film to score.

    Args:
        model: The model.
        base: `NetworkSpec.base`: "stored" if the recipe trained all layers, "imagenet" if only the dense ones.
    """
    grouped: dict[str, list[Layer]] = {}
    field, stride = 1, 1  # receptive field, and input pixels between neighboring outputs
    for layer in model.layers:
        block = _block_of(layer.name, type(layer).__name__)
        shape = tuple(map(int, layer.output.shape[1:]))
        parameters = int(layer.count_params())
        trained = bool(parameters) and (base == STORED or not block.startswith("block"))
        kind = KINDS.get(type(layer).__name__, type(layer).__name__)
        if kind in ("convolution", "pooling"):
            side = layer.kernel_size[0] if kind == "convolution" else layer.pool_size[0]
            field, stride = field + (side - 1) * stride, stride * layer.strides[0]
        grouped.setdefault(block, []).append(
            Layer(layer.name, kind, shape, parameters, trained, field if len(shape) == 3 else None)
        )
    return tuple(Block(name, tuple(layers)) for name, layers in grouped.items())


def _block_of(layer: str, kind: str) -> str:
    if kind == "InputLayer":
        return "input"
    if layer.startswith("block"):
        return layer.split("_")[0]
    return {"flatten": "features", "average": "features", "dropout": "fc1", "logit": "score"}.get(layer, layer)


# --- The head: from features to score ---


@dataclass(frozen=True)
class HeadActivations:
    """The head's activations on one film.

    Attributes:
        features: (n,) float32, its input: 25,088 features flattened or their 512 means.
        units: (units,) float32, the first dense layer's output after its ReLU.
        weights: (units,) float32, each unit's weight in the logit.
        bias: The logit if every unit is 0.
        logit: Sum of units times weights, plus the bias.
        score: Sigmoid of the logit, in [0, 1].
    """

    features: np.ndarray
    units: np.ndarray
    weights: np.ndarray
    bias: float
    logit: float
    score: float

    @property
    def contributions(self) -> np.ndarray:
        """(units,) what each unit adds to the logit; their sum plus the bias is the logit."""
        return self.units * self.weights

    @property
    def active(self) -> int:
        """Number of units above 0."""
        return int((self.units > 0).sum())

    @property
    def positive_sum(self) -> float:
        """Sum of the contributions that raise the logit."""
        return float(self.contributions[self.contributions > 0].sum())

    @property
    def negative_sum(self) -> float:
        """Sum of the contributions that lower the logit, 0 or less."""
        return float(self.contributions[self.contributions < 0].sum())

    def largest(self, count: int) -> list[int]:
        """Return the `count` units with the largest contributions by magnitude, from the highest to the lowest."""
        contributions = self.contributions
        chosen = np.argsort(-np.abs(contributions), kind="stable")[:count]
        ranked = chosen[np.argsort(-contributions[chosen], kind="stable")]
        return [int(unit) for unit in ranked if contributions[unit] != 0]


# --- Equation 1 of the paper for one film: binary cross-entropy of score and ground truth ---


def binary_crossentropy(logit: float, truth: bool) -> float:
    """Return -(y log h + (1 - y) log(1 - h)) with h = sigmoid(logit), in nats; finite for every finite logit."""
    return float(np.logaddexp(0.0, -logit if truth else logit))


def crossentropy_slope(logit: float, truth: bool) -> float:
    """Return the derivative of the loss with respect to the logit, h - y, in (-1, 1)."""
    return float(sigmoid(logit) - truth)


# --- A film's forward pass ---


@dataclass(frozen=True)
class ForwardTrace:
    """A film's forward pass through a network, and the backward pass that Grad-CAM needs.

    Attributes:
        network: Name of the network.
        box: The part of the film that the network saw, as in `Prediction`.
        blocks: The network's layers.
        maps: The strongest feature maps of every layer of the base, by layer name.
        filters: The filters of SHOWN_FILTERS by layer name, as images (h, w, 3) uint8.
        head: The head's activations.
        gradcam: The steps of Grad-CAM.
    """

    network: str
    box: tuple[float, float, float, float]
    blocks: tuple[Block, ...]
    maps: dict[str, Maps]
    filters: dict[str, np.ndarray]
    head: HeadActivations
    gradcam: gradcam.GradCamSteps


def trace(predictor: Predictor, film: Film) -> ForwardTrace:
    """Run `film` through a network and record the pass. No other film is predicted meanwhile.

    Raises:
        PredictionError: The logit is not finite.
    """
    spec = predictor.spec
    inputs = to_input(prepare(film.pixels, spec.preprocessing)[None])  # (1, size, size, 3)
    with predictor.exclusive() as model:
        outputs, gradients = _outputs(model, inputs)
        layers = blocks(model, spec.base)
        kernels = {name: np.asarray(model.get_layer(name).kernel, np.float32) for name in SHOWN_FILTERS}
        weights, bias = (np.asarray(variable, np.float32) for variable in model.get_layer("logit").weights)
    logit = float(outputs["logit"][0])
    if not np.isfinite(logit):
        raise PredictionError(f"The network {spec.name!r} gave no valid score. Received: {logit}.")
    features = next(block for block in layers if block.name == "features").layers[-1].name
    return ForwardTrace(
        network=spec.name,
        box=spec.preprocessing.box,
        blocks=layers,
        maps={name: strongest(name, maps) for name, maps in outputs.items() if name.startswith("block")},
        filters={name: filters(kernel) for name, kernel in kernels.items()},
        head=HeadActivations(
            features=outputs[features],
            units=outputs["fc1"],
            weights=weights[:, 0],
            bias=float(bias[0]),
            logit=logit,
            score=float(sigmoid(logit)),
        ),
        gradcam=gradcam.gradcam_steps(outputs[config.LAST_CONV], gradients),
    )


def _outputs(model: keras.Model, inputs: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return every layer's output for one film by name, without the batch axis, and the logit's gradient.

    The gradient (h, w, channels) is with respect to block5_conv4's output. The base runs once, and only forward: the
    tape starts after that layer, as in `predictor`.
    """
    import keras
    import tensorflow as tf

    names = [layer.name for layer in model.layers if layer.output is not model.input]
    end = names.index(config.LAST_CONV) + 1
    base = keras.Model(model.input, [model.get_layer(name).output for name in names[:end]])
    rest = [name for name in names[end:] if name not in ("dropout", "score")]
    head = keras.Model(base.outputs[-1], [model.get_layer(name).output for name in rest])
    base_outputs = base(inputs, training=False)
    with tf.GradientTape() as tape:
        tape.watch(base_outputs[-1])
        head_outputs = head(base_outputs[-1], training=False)
    gradients = tape.gradient(head_outputs[rest.index("logit")], base_outputs[-1])
    tensors = zip([*names[:end], *rest], [*base_outputs, *head_outputs], strict=True)
    outputs = {name: np.asarray(tensor[0], np.float32) for name, tensor in tensors}
    return outputs, np.asarray(gradients[0], np.float32)


# --- Feature maps ---

STRONGEST = 12  # maps kept per layer
LARGEST = 112  # longest side of a kept map in pixels
TILE = 24  # side of a filter's image in pixels
GAP = 3  # pixels between tiles


@dataclass(frozen=True)
class Maps:
    """The strongest feature maps of one layer for one film.

    Attributes:
        layer: Name of the layer.
        channels: Channels with the highest means, strongest first.
        means: Their means, after the layer's ReLU, so 0 or more.
        pictures: (n, h, w) uint8, each map from black (0) to white (its own maximum).
        silent: Number of the layer's maps that are 0 everywhere on this film.
        total: Number of the layer's maps.
    """

    layer: str
    channels: tuple[int, ...]
    means: tuple[float, ...]
    pictures: np.ndarray
    silent: int
    total: int


def strongest(layer: str, maps: np.ndarray) -> Maps:
    """Return the STRONGEST maps of a layer with the highest means. `maps`: (h, w, channels)."""
    means = maps.mean(axis=(0, 1), dtype=np.float64)  # (channels,)
    channels = np.argsort(-means, kind="stable")[:STRONGEST]
    return Maps(
        layer=layer,
        channels=tuple(int(channel) for channel in channels),
        means=tuple(float(means[channel]) for channel in channels),
        pictures=np.stack([_shrink(gray(maps[..., channel])) for channel in channels]),
        silent=int((maps.max(axis=(0, 1)) <= 0).sum()),
        total=maps.shape[-1],
    )


def gray(values: np.ndarray) -> np.ndarray:
    """Return (h, w) as uint8: 0 and below black, the maximum white."""
    highest = float(values.max(initial=0.0))
    if highest <= 0:
        return np.zeros(values.shape, np.uint8)
    return np.rint(255 * np.clip(values / highest, 0, 1)).astype(np.uint8)


def filters(kernel: np.ndarray, columns: int = 8) -> np.ndarray:
    """Draw the filters of a convolution as a grid of `columns` columns.

    Args:
        kernel: (height, width, input channels, filters). With three input channels (blue, green, red), each filter is
            a color image; with more, the slice of its largest channel is drawn in gray. Mid gray is weight 0.

    Returns:
        (H, W, 3) uint8, red, green, blue.
    """
    in_channels, count = kernel.shape[2:]
    rows = -(-count // columns)
    sheet = np.full((rows * (TILE + GAP) + GAP, columns * (TILE + GAP) + GAP, 3), 255, np.uint8)
    for index in range(count):
        weights = kernel[..., index]  # (height, width, in_channels)
        if in_channels == 3:
            weights = weights[..., ::-1]
        else:
            largest = np.abs(weights).sum(axis=(0, 1)).argmax()
            weights = np.repeat(weights[..., largest : largest + 1], 3, axis=2)
        limit = float(np.abs(weights).max()) or 1.0
        tile = np.rint(127.5 + 127.5 * weights / limit).astype(np.uint8)
        row, column = divmod(index, columns)
        top, left = GAP + row * (TILE + GAP), GAP + column * (TILE + GAP)
        sheet[top : top + TILE, left : left + TILE] = cv2.resize(tile, (TILE, TILE), interpolation=cv2.INTER_NEAREST)
    return sheet


def enlarged(picture: np.ndarray, side: int) -> np.ndarray:
    """Return a small image enlarged to `side` pixels wide, with its pixels as squares."""
    height = max(1, round(side * picture.shape[0] / picture.shape[1]))
    return cv2.resize(picture, (side, height), interpolation=cv2.INTER_NEAREST)


def _shrink(picture: np.ndarray) -> np.ndarray:
    if max(picture.shape) <= LARGEST:
        return picture
    return cv2.resize(picture, (LARGEST, LARGEST), interpolation=cv2.INTER_AREA)
