"""VGG-19 with a two-layer head, as one flat graph: build, save, load and check.

The network is Figure 1 of Amini, Menhaj and Talebi (2021): VGG-19's convolutional layers (Simonyan and Zisserman 2015,
https://arxiv.org/abs/1409.1556), then two dense layers and a sigmoid. `assets/networks/NAME.json` describes a network
and NAME.npz holds its weights. The architecture is this code; nothing is ever unpickled.
"""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from covid_model import config
from covid_model.model import registry
from covid_model.model.registry import Head, NetworkError, NetworkSpec

if TYPE_CHECKING:
    import keras

POOLINGS = ("flatten", "average")
QUANTIZED_FROM = 10_000  # numbers in a kernel that is stored as int8
SCALE, INT8 = "scale", 127  # name of the array beside such a kernel; its largest integer


def build(
    head: Head,
    size: int | None = None,
    base_weights: str | None = None,
    precision: str = "float32",
) -> keras.Model:
    """Build VGG-19's convolutional layers with `head` on top.

    The head is built on `base.output`, so the graph stays flat: Grad-CAM cannot see into a nested base.

    Args:
        head: The dense layers, randomly initialized.
        size: Side of the input in pixels. Defaults to `config.INPUT_SIZE`.
        base_weights: Path of a weights file without the top, "imagenet" for Keras' download, None for random weights.
        precision: "float32", or "mixed_bfloat16" to compute in bfloat16 with weights in float32.

    Returns:
        A model from (n, size, size, 3) float32, as `preprocessing.to_input` returns it, to scores (n, 1) float32 in
        [0, 1]. Other modules look up the layers `block4_pool`, `block5_conv4`, `block5_pool`, `fc1`, `logit` and
        `score` by name.
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
    """Build `head` alone, to train it on stored features: (n, *shape) to scores (n, 1). Layer names as in `build`."""
    import keras

    features = keras.Input(shape)  # (n, 7, 7, 512) at 224 pixels
    return keras.Model(features, _dense_layers(features, head), name="head")


def _dense_layers(x: keras.KerasTensor, head: Head) -> keras.KerasTensor:
    """Return the score (n, 1) from the last pooling layer's output (n, 7, 7, 512)."""
    import keras

    if head.pooling not in POOLINGS:
        raise ValueError(f"`pooling` must be one of {POOLINGS}. Received: {head.pooling!r}.")
    if head.pooling == "flatten":
        x = keras.layers.Flatten(name="flatten")(x)  # (n, 25088)
    else:
        x = keras.layers.GlobalAveragePooling2D(name="average")(x)  # (n, 512)
    x = keras.layers.Dense(head.units, activation="relu", name="fc1")(x)  # (n, units)
    x = keras.layers.Dropout(head.dropout, name="dropout")(x)
    x = keras.layers.Dense(1, dtype="float32", name="logit")(x)  # (n, 1)
    return keras.layers.Activation("sigmoid", dtype="float32", name="score")(x)  # (n, 1), equation 1's h(X)


def head_layers(model: keras.Model) -> list[keras.Layer]:
    """Return the dense layers of a model made by `build`."""
    return [model.get_layer("fc1"), model.get_layer("logit")]


def get_weights(model: keras.Model, base: str) -> dict[str, np.ndarray]:
    """Return the weights to store by "layer/variable", rounded as stored; the head's alone if `base` is ImageNet's."""
    layers = model.layers if base == registry.STORED else head_layers(model)
    return {
        f"{layer.name}/{variable.name}": rounded(variable.numpy()) for layer in layers for variable in layer.weights
    }


def rounded(array: np.ndarray) -> np.ndarray:
    """Return a weight array as it will be loaded once stored, float32. Rounding it again changes nothing."""
    if array.ndim < 2 or array.size < QUANTIZED_FROM:
        return array.astype(np.float16).astype(np.float32)
    return dequantize(*quantize(array))


def quantize(kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a kernel (..., channels) as integers and one scale per output channel (symmetric quantization).

    Returns:
        (..., channels) int8 in [-127, 127], and (channels,) float32. A scale has 11 significant bits, so that 127
        times it is exact and a kernel that was rounded before keeps its scales.
    """
    largest = np.abs(kernel.reshape(-1, kernel.shape[-1])).max(axis=0).astype(np.float64)  # (channels,)
    mantissa, exponent = np.frexp(np.where(largest > 0, largest / INT8, 1.0))
    scale = np.ldexp(np.ceil(mantissa * 2**11) / 2**11, exponent).astype(np.float32)  # (channels,)
    return np.rint(kernel / scale).astype(np.int8), scale


def dequantize(integers: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return the kernel (..., channels) float32 that `quantize` stored."""
    return integers.astype(np.float32) * scale


def set_weights(layers: list[keras.Layer], weights: dict[str, np.ndarray]) -> None:
    """Set the weights of `layers` from `get_weights`. Raises ValueError if one is missing or has the wrong shape."""
    for layer in layers:
        try:
            layer.set_weights([weights[f"{layer.name}/{v.name}"].astype(np.float32) for v in layer.weights])
        except (KeyError, ValueError) as error:
            raise ValueError(f"layer {layer.name!r}: {error}") from error


def save_weights(weights: dict[str, np.ndarray], path: Path) -> str:
    """Write weights to an .npz file and return its SHA-256: large kernels as int8 with a scale, the rest as float16."""
    stored = {}
    for name, array in weights.items():
        if array.ndim < 2 or array.size < QUANTIZED_FROM:
            stored[name] = array.astype(np.float16)
        else:
            stored[name], stored[f"{name}/{SCALE}"] = quantize(array)
    np.savez(path, **stored)
    return registry.sha256(path)


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """Read what `save_weights` wrote, float32. Raises OSError, ValueError or BadZipFile if the file is damaged."""
    with np.load(path, allow_pickle=False) as arrays:
        scales = {name: arrays[name] for name in arrays.files if name.endswith(f"/{SCALE}")}
        weights = {}
        for name in arrays.files:
            if name not in scales:
                scale = scales.get(f"{name}/{SCALE}", np.float32(1))
                weights[name] = dequantize(arrays[name], scale)
    return weights


def load(
    name: str,
    vgg19: str | None = None,
    folder: Path | None = None,
    precision: str = "float32",
) -> keras.Model:
    """Load the network `name`, ready to predict.

    Args:
        name: One of `registry.names()`.
        vgg19: Base weights of a network that keeps VGG-19 frozen: a file, or "imagenet" for Keras' download. Defaults
            to the file that COVID_MODEL_VGG19 names, then to the download.
        folder: Folder of the networks. Defaults to `config.NETWORKS`.
        precision: As in `build`.

    Raises:
        NetworkError: The weights are missing, damaged, changed or of another shape, or the base cannot be loaded.
    """
    folder = config.NETWORKS if folder is None else folder
    spec = registry.spec(name, folder)
    weights = _checked_weights(spec, folder)
    base_weights = None
    if spec.base == registry.IMAGENET:
        base_weights = vgg19 or os.environ.get(config.VGG19_VARIABLE, "").strip() or config.VGG19_DOWNLOAD
    try:
        model = build(spec.head, spec.preprocessing.size, base_weights, precision)
    except Exception as error:  # Keras raises a plain Exception if a download fails, OSError or ValueError for a file
        if spec.base != registry.IMAGENET:
            raise
        raise NetworkError(
            f"The network {name!r} needs VGG-19's ImageNet weights, which could not be loaded from "
            f"{base_weights!r}. Connect to the internet, or pass a weights file with --vgg19 or {config.VGG19_VARIABLE}"
            f"{_without_download(folder)}."
        ) from error
    try:
        set_weights(model.layers if spec.base == registry.STORED else head_layers(model), weights)
    except ValueError as error:
        raise NetworkError(
            f"The weights {folder / spec.weights} do not fit the network {name!r}, {error}. "
            f"{registry.how_to_make(name)}"
        ) from error
    model.trainable = False
    return model


def _checked_weights(spec: NetworkSpec, folder: Path) -> dict[str, np.ndarray]:
    """Return the stored arrays of a network. The file is opened only once its SHA-256 has been checked."""
    path = folder / spec.weights
    remedy = registry.how_to_make(spec.name)
    if not path.is_file():
        raise NetworkError(f"The weights {path} are missing. {remedy}")
    digest = registry.sha256(path)
    if digest != spec.sha256:
        raise NetworkError(
            f"The weights {path} are not those of the network {spec.name!r}: expected SHA-256 "
            f"{spec.sha256[:12]}…, got {digest[:12]}…. {remedy}"
        )
    try:
        return read_weights(path)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise NetworkError(f"The weights {path} cannot be read: {error}. {remedy}") from error


def _without_download(folder: Path) -> str:
    """Return which network works without the download, as the end of a sentence; "" if there is none."""
    stored = [entry.name for entry in registry.entries(folder) if entry.stored]
    return f"; the network {stored[0]!r} needs no download" if stored else ""


# --- Accuracy and size of the pretrained models of Keras ---

SOURCE = "https://keras.io/api/applications"
REVISION = "e7be306b7cad4726760a753c5bed90824e096b81"  # of github.com/keras-team/keras-io
LOOKED_UP = "2026-11-23"
OURS = "VGG19"


@dataclass(frozen=True)
class Pretrained:
    """A network trained on ImageNet.

    Attributes:
        name: as Keras calls it.
        megabytes: of its weights.
        top1, top5: share of ImageNet's validation pictures whose class is its first guess, or among its first five, in
            percent.
        millions: of parameters, with its own top.
        depth: layers with parameters, as Keras counts them; None where Keras gives no figure.
    """

    name: str
    megabytes: int
    top1: float
    top5: float
    millions: float
    depth: int | None

    @property
    def family(self) -> str:
        """The name without size and version: VGG of VGG19."""
        return next(family for family in FAMILIES if self.name.startswith(family))


FAMILIES = (
    "VGG",
    "Xception",
    "ResNet",
    "InceptionResNet",
    "Inception",
    "MobileNet",
    "DenseNet",
    "NASNet",
    "EfficientNet",
)
MODELS = (
    Pretrained("Xception", 88, 79.0, 94.5, 22.9, 81),
    Pretrained("VGG16", 528, 71.3, 90.1, 138.4, 16),
    Pretrained("VGG19", 549, 71.3, 90.0, 143.7, 19),
    Pretrained("ResNet50", 98, 74.9, 92.1, 25.6, 107),
    Pretrained("ResNet50V2", 98, 76.0, 93.0, 25.6, 103),
    Pretrained("ResNet101", 171, 76.4, 92.8, 44.7, 209),
    Pretrained("ResNet101V2", 171, 77.2, 93.8, 44.7, 205),
    Pretrained("ResNet152", 232, 76.6, 93.1, 60.4, 311),
    Pretrained("ResNet152V2", 232, 78.0, 94.2, 60.4, 307),
    Pretrained("InceptionV3", 92, 77.9, 93.7, 23.9, 189),
    Pretrained("InceptionResNetV2", 215, 80.3, 95.3, 55.9, 449),
    Pretrained("MobileNet", 16, 70.4, 89.5, 4.3, 55),
    Pretrained("MobileNetV2", 14, 71.3, 90.1, 3.5, 105),
    Pretrained("DenseNet121", 33, 75.0, 92.3, 8.1, 242),
    Pretrained("DenseNet169", 57, 76.2, 93.2, 14.3, 338),
    Pretrained("DenseNet201", 80, 77.3, 93.6, 20.2, 402),
    Pretrained("NASNetMobile", 23, 74.4, 91.9, 5.3, 389),
    Pretrained("NASNetLarge", 343, 82.5, 96.0, 88.9, 533),
    Pretrained("EfficientNetB0", 29, 77.1, 93.3, 5.3, 132),
    Pretrained("EfficientNetB1", 31, 79.1, 94.4, 7.9, 186),
    Pretrained("EfficientNetB2", 36, 80.1, 94.9, 9.2, 186),
    Pretrained("EfficientNetB3", 48, 81.6, 95.7, 12.3, 210),
    Pretrained("EfficientNetB4", 75, 82.9, 96.4, 19.5, 258),
    Pretrained("EfficientNetB5", 118, 83.6, 96.7, 30.6, 312),
    Pretrained("EfficientNetB6", 166, 84.0, 96.8, 43.3, 360),
    Pretrained("EfficientNetB7", 256, 84.3, 97.0, 66.7, 438),
    Pretrained("EfficientNetV2B0", 29, 78.7, 94.3, 7.2, None),
    Pretrained("EfficientNetV2B1", 34, 79.8, 95.0, 8.2, None),
    Pretrained("EfficientNetV2B2", 42, 80.5, 95.1, 10.2, None),
    Pretrained("EfficientNetV2B3", 59, 82.0, 95.8, 14.5, None),
    Pretrained("EfficientNetV2S", 88, 83.9, 96.7, 21.6, None),
    Pretrained("EfficientNetV2M", 220, 85.3, 97.4, 54.4, None),
    Pretrained("EfficientNetV2L", 479, 85.7, 97.5, 119.0, None),
)
