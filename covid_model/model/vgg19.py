"""VGG-19 and two dense layers, on one flat graph: build, save, load, check.

Figure 1 of Amini, Menhaj and Talebi (2021): the convolutional layers of VGG-19 (Simonyan and Zisserman 2015), two
fully-connected layers on top, one sigmoid unit at the end. What a network is stands in `assets/networks/NAME.json`,
its weights in NAME.npz; the architecture is this code and is never unpickled.
"""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from covid_model import config
from covid_model.model import network_spec, registry
from covid_model.model.network_spec import Head, NetworkError, NetworkSpec

if TYPE_CHECKING:
    import keras

POOLINGS = ("flatten", "average")


def build(
    head: Head,
    size: int | None = None,
    base_weights: str | None = None,
    precision: str = "float32",
) -> keras.Model:
    """VGG-19's convolutional layers and `head`, as one flat graph (a nested base would break Grad-CAM).

    Args:
        head: the dense layers; newly initialised.
        size: pixels a side of the input.
        base_weights: a weights file without its top, "imagenet" for Keras' download, None for random ones.
        precision: "float32" or "mixed_bfloat16" (compute in bfloat16, weights in float32).

    Returns:
        A model from (n, size, size, 3) float32 (`preprocessing.to_input`) to (n, 1) float32, the score in [0, 1].
        Layers that others ask for by name: `block5_conv4`, `block5_pool`, `logit`, `score`.
    """
    size = config.INPUT_SIZE if size is None else size
    import keras

    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        base = keras.applications.VGG19(include_top=False, weights=base_weights, input_shape=(size, size, 3))
        return keras.Model(base.input, _dense_layers(base.output, head), name="vgg19_transfer")
    finally:
        keras.config.set_dtype_policy(policy)


def build_head(head: Head, shape: tuple[int, int, int]) -> keras.Model:
    """`head` alone, to be trained on stored features: (n, *shape) to scores (n, 1). Layers are named as in `build`."""
    import keras

    features = keras.Input(shape)  # (n, 7, 7, 512) at 224 pixels
    return keras.Model(features, _dense_layers(features, head), name="head")


def _dense_layers(x: keras.KerasTensor, head: Head) -> keras.KerasTensor:
    """From the last pooling layer's output (n, 7, 7, 512) to the score (n, 1)."""
    import keras

    if head.pooling not in POOLINGS:
        raise ValueError(f"pooling is {' or '.join(POOLINGS)}. Received: {head.pooling!r}.")
    if head.pooling == "flatten":
        x = keras.layers.Flatten(name="flatten")(x)  # (n, 25088)
    else:
        x = keras.layers.GlobalAveragePooling2D(name="average")(x)  # (n, 512)
    x = keras.layers.Dense(head.units, activation="relu", name="fc1")(x)  # (n, units)
    x = keras.layers.Dropout(head.dropout, name="dropout")(x)
    x = keras.layers.Dense(1, dtype="float32", name="logit")(x)  # (n, 1)
    return keras.layers.Activation("sigmoid", dtype="float32", name="score")(x)  # (n, 1), equation 1's h(X)


def head_layers(model: keras.Model) -> list[keras.Layer]:
    """The dense layers of a model made by `build`."""
    return [model.get_layer("fc1"), model.get_layer("logit")]


def weights_of(model: keras.Model, base: str) -> dict[str, np.ndarray]:
    """The weights to be stored, as float16, by layer and variable name; without the base where it is ImageNet's."""
    layers = model.layers if base == network_spec.STORED else head_layers(model)
    return {
        f"{layer.name}/{variable.name}": variable.numpy().astype(np.float16)
        for layer in layers
        for variable in layer.weights
    }


def put_weights(layers: list[keras.Layer], weights: dict[str, np.ndarray]) -> None:
    """Put stored weights, named as in `weights_of`, into layers. Raises ValueError where one is missing or no fit."""
    for layer in layers:
        try:
            layer.set_weights([weights[f"{layer.name}/{v.name}"].astype(np.float32) for v in layer.weights])
        except (KeyError, ValueError) as error:
            raise ValueError(f"layer {layer.name!r}: {error}") from error


def save_weights(weights: dict[str, np.ndarray], path: Path) -> str:
    """Write weights and return the file's SHA-256."""
    np.savez(path, **weights)
    return network_spec.sha256(path)


def load(
    name: str,
    vgg19: str | None = None,
    folder: Path | None = None,
    precision: str = "float32",
) -> keras.Model:
    """The network `name`, ready to score.

    Args:
        name: one of `available()`.
        vgg19: for a network on the frozen base, where that comes from: a file, or "imagenet" for Keras' download;
            COVID_MODEL_VGG19's where none is given, else the download.
        folder: where the networks lie.
        precision: see `build`.

    Raises:
        NetworkError: weights missing, cut short, changed, of other shapes, or the base not to be had.
    """
    folder = config.NETWORKS if folder is None else folder
    what = network_spec.spec(name, folder)
    weights = _checked_weights(what, folder)
    base_weights = None
    if what.base == network_spec.IMAGENET:
        base_weights = vgg19 or os.environ.get(config.VGG19_VARIABLE, "").strip() or config.VGG19_DOWNLOAD
    try:
        model = build(what.head, what.preprocessing.size, base_weights, precision)
    except Exception as error:  # Keras raises plain Exception where a download fails, OSError or ValueError for a file
        if what.base != network_spec.IMAGENET:
            raise
        raise NetworkError(
            f"The network {name!r} needs VGG-19's ImageNet weights, and they could not be loaded from "
            f"{base_weights!r}. Connect to the internet, or name a file with --vgg19 or {config.VGG19_VARIABLE}"
            f"{_without_download(folder)}."
        ) from error
    try:
        put_weights(model.layers if what.base == network_spec.STORED else head_layers(model), weights)
    except ValueError as error:
        raise NetworkError(f"{folder / what.weights} does not fit {error}") from error
    model.trainable = False
    return model


def _checked_weights(what: NetworkSpec, folder: Path) -> dict[str, np.ndarray]:
    """The stored arrays of a network, only after its file's SHA-256 was found right."""
    path = folder / what.weights
    if not path.is_file():
        raise NetworkError(f"The weights {path} are missing. {network_spec.how_to_make(what.name)}")
    found = network_spec.sha256(path)
    if found != what.sha256:
        raise NetworkError(
            f"The weights {path} are not those of the network {what.name!r}: SHA-256 {what.sha256[:12]}… was wanted, "
            f"{found[:12]}… came. {network_spec.how_to_make(what.name)}"
        )
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise NetworkError(f"The weights {path} cannot be read: {error}") from error


def _without_download(folder: Path) -> str:
    """Which network can be used all the same, as the end of a sentence; "" where there is none."""
    stored = [entry.name for entry in registry.entries(folder) if entry.stored]
    return f"; the network {stored[0]!r} needs no download" if stored else ""
