"""VGG-19 and two dense layers, on one flat graph: build, save, load, check.

Figure 1 of Amini, Menhaj and Talebi (2021): the convolutional layers of VGG-19 (Simonyan and Zisserman 2015), two
fully-connected layers on top, one sigmoid unit at the end. What a network is stands in `assets/networks/NAME.json`,
its weights in NAME.npz; the architecture is this code and is never unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from covid_model import registry, settings
from covid_model.preprocessing import Preprocessing
from covid_model.temperature import Calibration

if TYPE_CHECKING:
    import keras

STORED = "stored"  # the base lies in the network's own weights file
IMAGENET = "imagenet"  # the base is Keras' VGG-19, frozen, and is not in the file
POOLINGS = ("flatten", "average")


class NetworkError(RuntimeError):
    """A network cannot be used. The message names the file or the weights, and says what to do."""


@dataclass(frozen=True)
class Head:
    """The two fully-connected layers.

    Attributes:
        pooling: "flatten" keeps all 7 x 7 x 512 features (the paper); "average" keeps 512, their means over the film.
        units: of the first layer; the second has one, the logit.
        dropout: share of the first layer's outputs dropped in training, 0 to 1.
    """

    pooling: str = "flatten"
    units: int = 256
    dropout: float = 0.5


@dataclass(frozen=True)
class NetworkSpec:
    """What a network is, as its JSON says it; that JSON and the weights file are all that a network needs.

    `title`, `short_title` (where there is little room), `help` (one sentence) and `order` (among the others; the first
    is the default) are what a page says of it. `trained_on` names the splits whose films it was trained on. `recipe`,
    `history` and `training` tell how it came about.

    `calibration` is put there by `audit.calibration`; a network trained anew has none until it is audited.
    """

    name: str
    title: str
    summary: str
    threshold: float
    preprocessing: Preprocessing
    base: str
    head: Head
    weights: str
    sha256: str
    parameters: int
    short_title: str = ""
    help: str = ""
    order: float = registry.LAST
    trained_on: tuple[str, ...] = ()
    recipe: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    training: dict[str, Any] = field(default_factory=dict)
    calibration: Calibration | None = None

    @property
    def holds_out(self) -> bool:
        """Whether the validation part of those splits (`dataset.hold_out`) stayed out of its training for good."""
        return bool(self.training.get("validation"))

    def save(self, folder: Path | None = None) -> Path:
        """Write NAME.json into `folder`."""
        folder = settings.NETWORKS if folder is None else folder
        path = folder / f"{self.name}.json"
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")
        return path


def available(folder: Path | None = None) -> list[str]:
    """Names of the networks whose JSON is there, in their order, the default first."""
    folder = settings.NETWORKS if folder is None else folder
    return list(registry.names(folder))


def spec(name: str, folder: Path | None = None) -> NetworkSpec:
    """What the network `name` is. Raises NetworkError for an unknown name or a damaged JSON."""
    folder = settings.NETWORKS if folder is None else folder
    there = registry.names(folder)
    path = folder / f"{name}.json"
    if name not in there and (Path(name).name != name or path.is_file()):
        raise NetworkError(f"Networks are {', '.join(there)}. Received: {name!r}.")
    try:
        content = json.loads(path.read_text())
        known = {one.name for one in fields(NetworkSpec)}
        content = {key: value for key, value in content.items() if key in known}
        content["preprocessing"] = Preprocessing(**content["preprocessing"])
        content["head"] = Head(**content["head"])
        content["calibration"] = Calibration.of(content.get("calibration"))
        content["trained_on"] = tuple(content["trained_on"])
        return NetworkSpec(**content)
    except FileNotFoundError as error:
        raise NetworkError(
            f"{path} is missing; networks there are: {', '.join(there) or 'none'}. {_how_to_make(name)}"
        ) from error
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise NetworkError(f"{path} is damaged ({error}). {_how_to_make(name)}") from error


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
    size = settings.INPUT_SIZE if size is None else size
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
    layers = model.layers if base == STORED else head_layers(model)
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
    return sha256(path)


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
    folder = settings.NETWORKS if folder is None else folder
    what = spec(name, folder)
    weights = _checked_weights(what, folder)
    base_weights = None
    if what.base == IMAGENET:
        base_weights = vgg19 or os.environ.get(settings.VGG19_VARIABLE, "").strip() or settings.VGG19_DOWNLOAD
    try:
        model = build(what.head, what.preprocessing.size, base_weights, precision)
    except Exception as error:  # Keras raises plain Exception where a download fails, OSError or ValueError for a file
        if what.base != IMAGENET:
            raise
        raise NetworkError(
            f"The network {name!r} needs VGG-19's ImageNet weights, and they could not be loaded from "
            f"{base_weights!r}. Connect to the internet, or name a file with --vgg19 or {settings.VGG19_VARIABLE}"
            f"{_without_download(folder)}."
        ) from error
    try:
        put_weights(model.layers if what.base == STORED else head_layers(model), weights)
    except ValueError as error:
        raise NetworkError(f"{folder / what.weights} does not fit {error}") from error
    model.trainable = False
    return model


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checked_weights(what: NetworkSpec, folder: Path) -> dict[str, np.ndarray]:
    """The stored arrays of a network, only after its file's SHA-256 was found right."""
    path = folder / what.weights
    if not path.is_file():
        raise NetworkError(f"The weights {path} are missing. {_how_to_make(what.name)}")
    found = sha256(path)
    if found != what.sha256:
        raise NetworkError(
            f"The weights {path} are not those of the network {what.name!r}: SHA-256 {what.sha256[:12]}… was wanted, "
            f"{found[:12]}… came. {_how_to_make(what.name)}"
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


def _how_to_make(name: str) -> str:
    return f"Get it back with git, or make it again: python -m covid_model train --recipe {name}."
