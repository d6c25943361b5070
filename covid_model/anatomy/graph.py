"""The layers of a network as they stand in its graph, grouped as Figure 1 draws them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from covid_model.network import STORED

if TYPE_CHECKING:
    import keras

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
