"""One film carried through a network, forward and, for Grad-CAM, back to its last convolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from covid_model import config
from covid_model.imaging import Film
from covid_model.imaging.preprocessing import prepare, to_input
from covid_model.model import feature_maps
from covid_model.model.feature_maps import GradCam
from covid_model.model.network_spec import STORED
from covid_model.model.predictor import PredictionError, sigmoid

if TYPE_CHECKING:
    import keras

    from covid_model.model.predictor import Predictor


# --- The layers of a network as they stand in its graph, grouped as Figure 1 draws them ---

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
TITLES = {"input": "Film", "features": "Features", "fc1": "Dense", "score": "Score"}


@dataclass(frozen=True)
class Layer:
    """One layer.

    Attributes:
        name: as the graph calls it.
        kind: in a word (`KINDS`).
        shape: of its output for one film: (height, width, channels) or (numbers,).
        parameters: it holds; pooling and dropout have none.
        trained: whether the recipe changed them; False for layers left as ImageNet's training left them.
        sees: pixels a side of the square of the input that one pixel of its output depends on; None without pixels.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    trained: bool
    sees: int | None = None


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
        """What the block hands on."""
        return self.layers[-1].shape

    @property
    def parameters(self) -> int:
        return sum(layer.parameters for layer in self.layers)

    @property
    def trained(self) -> bool | None:
        """None where there is nothing to train."""
        return any(layer.trained for layer in self.layers) if self.parameters else None


def blocks(model: keras.Model, base: str) -> tuple[Block, ...]:
    """The blocks of a model made by `network.build`, from film to score.

    Args:
        model: with its layers in order.
        base: of the network's spec; "stored" means that the recipe trained all layers, "imagenet" the dense ones alone.
    """
    found: dict[str, list[Layer]] = {}
    sees, jump = 1, 1  # the square that a pixel depends on, and how far its neighbour's lies from it
    for layer in model.layers:
        block = _block_of(layer.name, type(layer).__name__)
        shape = layer.output.shape[1:]
        parameters = int(layer.count_params())
        trained = bool(parameters) and (base == STORED or not block.startswith("block"))
        kind = KINDS.get(type(layer).__name__, type(layer).__name__)
        if kind in ("convolution", "pooling"):
            side = layer.kernel_size[0] if kind == "convolution" else layer.pool_size[0]
            sees, jump = sees + (side - 1) * jump, jump * layer.strides[0]
        what = Layer(layer.name, kind, tuple(map(int, shape)), parameters, trained, sees if len(shape) == 3 else None)
        found.setdefault(block, []).append(what)
    return tuple(Block(name, tuple(layers)) for name, layers in found.items())


def _block_of(layer: str, kind: str) -> str:
    if kind == "InputLayer":
        return "input"
    if layer.startswith("block"):
        return layer.split("_")[0]
    return {"flatten": "features", "average": "features", "dropout": "fc1", "logit": "score"}.get(layer, layer)


# --- From features to score: the numbers of the dense layers on one film ---


@dataclass(frozen=True)
class HeadNumbers:
    """What the head makes of one film.

    Attributes:
        features: (n,) float32, what goes in: 25,088 numbers flattened or 512 means.
        units: (units,) float32, what the first dense layer makes of them, after its ReLU.
        weights: (units,) float32, what each unit counts for in the logit.
        bias: the logit where every unit is off.
        logit: sum of units times weights, and the bias.
        score: sigmoid of the logit, 0 to 1.
    """

    features: np.ndarray
    units: np.ndarray
    weights: np.ndarray
    bias: float
    logit: float
    score: float

    @property
    def parts(self) -> np.ndarray:
        """(units,) what each unit adds to the logit; with the bias they sum up to it."""
        return self.units * self.weights

    @property
    def active(self) -> int:
        """Units that are not 0."""
        return int((self.units > 0).sum())

    @property
    def ups(self) -> float:
        """The sum of the parts that raise the logit."""
        return float(self.parts[self.parts > 0].sum())

    @property
    def downs(self) -> float:
        """The sum of the parts that lower it, 0 or less."""
        return float(self.parts[self.parts < 0].sum())

    def largest(self, count: int) -> list[int]:
        """The numbers of the `count` units that move the logit most, from the highest part to the lowest."""
        parts = self.parts
        chosen = np.argsort(-np.abs(parts), kind="stable")[:count]
        return [int(unit) for unit in chosen[np.argsort(-parts[chosen], kind="stable")] if parts[unit] != 0]


# --- Equation 1 of the paper, for one film: binary cross-entropy of its score and the truth ---


def loss(logit: float, truth: bool) -> float:
    """-(y log h + (1 - y) log(1 - h)) with h the sigmoid of `logit`, in nats; finite for every finite logit."""
    return float(np.logaddexp(0.0, -logit if truth else logit))


def slope(logit: float, truth: bool) -> float:
    """The loss's slope by the logit, h - y, in (-1, 1): its sign says which way a step of training pushes the score."""
    return float(0.5 * (1 + np.tanh(0.5 * logit)) - truth)


FIRST = ("block1_conv1", "block1_conv2")  # layers whose filters are shown


@dataclass(frozen=True)
class ForwardTrace:
    """Everything there is to show of a film in a network.

    Attributes:
        network: its name.
        box: the part of the film that it saw, as a reading gives it.
        blocks: its graph.
        maps: the strongest maps of every layer of the base, by its name.
        filters: of the first layers, by name, as pictures (h, w, 3) uint8.
        head: the numbers from features to score.
        gradcam: Grad-CAM's steps.
    """

    network: str
    box: tuple[float, float, float, float]
    blocks: tuple[Block, ...]
    maps: dict[str, feature_maps.Maps]
    filters: dict[str, np.ndarray]
    head: HeadNumbers
    gradcam: GradCam


def trace(reader: Predictor, film: Film) -> ForwardTrace:
    """Carry `film` through the network that `reader` holds; no other film is read meanwhile.

    Raises:
        PredictionError: the network gave a number that is not finite.
    """
    inputs = to_input(prepare(film.pixels, reader.spec.preprocessing)[None])  # (1, size, size, 3)
    with reader.alone() as model:
        found, gradients = _outputs(model, inputs)
        graph = blocks(model, reader.spec.base)
        kernels = {name: np.asarray(model.get_layer(name).kernel) for name in FIRST}
        weights, bias = (np.asarray(variable, np.float32) for variable in model.get_layer("logit").weights)
    logit = float(found["logit"][0])
    if not np.isfinite(logit):
        raise PredictionError(f"The network {reader.spec.name!r} gave no score for this film. Received: {logit}.")
    features = next(block for block in graph if block.name == "features").layers[-1].name
    return ForwardTrace(
        network=reader.spec.name,
        box=reader.spec.preprocessing.box,
        blocks=graph,
        maps={name: feature_maps.strongest(name, one) for name, one in found.items() if name.startswith("block")},
        filters={name: feature_maps.filters(kernel.astype(np.float32)) for name, kernel in kernels.items()},
        head=HeadNumbers(
            features=found[features],
            units=found["fc1"],
            weights=weights[:, 0],
            bias=float(bias[0]),
            logit=logit,
            score=float(sigmoid(logit)),
        ),
        gradcam=feature_maps.steps(found[config.LAST_CONV], gradients),
    )


def _outputs(model: keras.Model, inputs: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Every layer's output for one film, by name, without the film's axis; and the gradient of the logit.

    The base runs once, forward only: the tape starts behind the last convolution, as in `reading`. The gradient is
    with respect to that convolution's maps, (h, w, channels).
    """
    import keras
    import tensorflow as tf

    names = [layer.name for layer in model.layers if layer.output is not model.input]
    at = names.index(config.LAST_CONV) + 1
    below = keras.Model(model.input, [model.get_layer(name).output for name in names[:at]])
    rest = [name for name in names[at:] if name not in ("dropout", "score")]
    above = keras.Model(below.outputs[-1], [model.get_layer(name).output for name in rest])
    outputs = below(inputs, training=False)
    with tf.GradientTape() as tape:
        tape.watch(outputs[-1])
        ends = above(outputs[-1], training=False)
    gradients = tape.gradient(ends[rest.index("logit")], outputs[-1])
    found = dict(zip([*names[:at], *rest], [*outputs, *ends], strict=True))
    found = {name: np.asarray(tensor[0], np.float32) for name, tensor in found.items()}
    return found, np.asarray(gradients[0], np.float32)


# --- A network taken apart: its graph, what each layer makes of one film, how score, loss and Grad-CAM come about
# `walk` carries a film through once and keeps what there is to show; the other rooms are maths on what it keeps.

__all__ = [
    "Block",
    "ForwardTrace",
    "HeadNumbers",
    "Layer",
    "blocks",
    "loss",
    "slope",
    "trace",
]
