"""One film carried through a network, forward and, for Grad-CAM, back to its last convolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from covid_model import settings
from covid_model.anatomy import maps
from covid_model.anatomy.graph import Block, blocks
from covid_model.anatomy.head import HeadNumbers
from covid_model.films import Film
from covid_model.preprocessing import prepare, to_input
from covid_model.reading import ReadingError, sigmoid

if TYPE_CHECKING:
    import keras

    from covid_model.reading import Reader

FIRST = ("block1_conv1", "block1_conv2")  # layers whose filters are shown


@dataclass(frozen=True)
class Walk:
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
    maps: dict[str, maps.Maps]
    filters: dict[str, np.ndarray]
    head: HeadNumbers
    gradcam: maps.GradCam


def walk(reader: Reader, film: Film) -> Walk:
    """Carry `film` through the network that `reader` holds; no other film is read meanwhile.

    Raises:
        ReadingError: the network gave a number that is not finite.
    """
    inputs = to_input(prepare(film.pixels, reader.spec.preprocessing)[None])  # (1, size, size, 3)
    with reader.alone() as model:
        found, gradients = _outputs(model, inputs)
        graph = blocks(model, reader.spec.base)
        kernels = {name: np.asarray(model.get_layer(name).kernel) for name in FIRST}
        weights, bias = (np.asarray(variable, np.float32) for variable in model.get_layer("logit").weights)
    logit = float(found["logit"][0])
    if not np.isfinite(logit):
        raise ReadingError(f"The network {reader.spec.name!r} gave no score for this film. Received: {logit}.")
    features = next(block for block in graph if block.name == "features").layers[-1].name
    return Walk(
        network=reader.spec.name,
        box=reader.spec.preprocessing.box,
        blocks=graph,
        maps={name: maps.strongest(name, one) for name, one in found.items() if name.startswith("block")},
        filters={name: maps.filters(kernel.astype(np.float32)) for name, kernel in kernels.items()},
        head=HeadNumbers(
            features=found[features],
            units=found["fc1"],
            weights=weights[:, 0],
            bias=float(bias[0]),
            logit=logit,
            score=float(sigmoid(logit)),
        ),
        gradcam=maps.steps(found[settings.LAST_CONV], gradients),
    )


def _outputs(model: keras.Model, inputs: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Every layer's output for one film, by name, without the film's axis; and the gradient of the logit.

    The base runs once, forward only: the tape starts behind the last convolution, as in `reading`. The gradient is
    with respect to that convolution's maps, (h, w, channels).
    """
    import keras
    import tensorflow as tf

    names = [layer.name for layer in model.layers if layer.output is not model.input]
    at = names.index(settings.LAST_CONV) + 1
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
