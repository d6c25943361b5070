"""Export a network to a file that does not need this package: a Keras file, or ONNX for other runtimes.

The file holds layers and weights in float32. Preprocessing is not in it; `describe_input` says what it expects.
"""

from __future__ import annotations

import os
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from covid_model.imaging.preprocessing import IMAGENET_MEAN_BGR, Preprocessing
from covid_model.model import registry, vgg19

if TYPE_CHECKING:
    import keras

KERAS, ONNX = ENDINGS = (".keras", ".onnx")
OPSET, IR_VERSION = 17, 9  # of ONNX: old enough for runtimes of 2023
INPUT, OUTPUT = "xray", "score"  # names of input and output in ONNX
NO_ONNX = "ONNX files need the Python package onnx, which is not installed. Install it: pip install onnx"


class ExportError(RuntimeError):
    """A network cannot be written. The message says what to do."""


def describe_input(preprocessing: Preprocessing) -> str:
    """Return what an exported network expects and gives: shape, range, and the preprocessing that is left to do."""
    size = preprocessing.size
    steps = [
        f"{100 * preprocessing.border:g} % of width and height cropped from each side" if preprocessing.border else "",
        f"resized to {size} × {size}",
        f"blurred (Gaussian, {preprocessing.blur:g} pixels)" if preprocessing.blur else "",
        "histogram-equalized" if preprocessing.equalize else "",
    ]
    means = ", ".join(f"{mean:g}" for mean in IMAGENET_MEAN_BGR)
    return (
        f"Input: (n, {size}, {size}, 3) float32, {-max(IMAGENET_MEAN_BGR):g} to {255 - min(IMAGENET_MEAN_BGR):g}. "
        "Preprocessing is not in the file: take the gray levels of an X-ray, 0 to 255, "
        f"{', '.join(filter(None, steps))}; repeat them in three channels; subtract {means} "
        "(keras.applications.vgg19.preprocess_input). "
        "Output: (n, 1) float32, the model score, 0 to 1."
    )


def export(name: str, path: Path, base_weights: str | None = None) -> registry.NetworkSpec:
    """Write the network `name` to a file that ends in .keras or .onnx, and return its description.

    Args:
        name: One of `registry.names()`.
        path: The file to write. It appears only once it is complete.
        base_weights: `vgg19` of `vgg19.load`.

    Raises:
        ExportError: The ending is neither, or the package onnx is missing.
        NetworkError: The network cannot be loaded.
        OSError: The file cannot be written.
    """
    if path.suffix not in ENDINGS:
        raise ExportError(f"The file must end in {' or '.join(ENDINGS)}. Received: {str(path)!r}.")
    if path.suffix == ONNX and find_spec("onnx") is None:
        raise ExportError(NO_ONNX)
    spec = registry.spec(name)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=path.parent) as folder:
        draft = Path(folder, path.name)
        model = vgg19.load(name, base_weights)
        if path.suffix == ONNX:
            draft.write_bytes(to_onnx(model, describe_input(spec.preprocessing)))
        else:
            model.save(draft)
        os.replace(draft, path)
    return spec


def to_onnx(model: keras.Model, description: str = "") -> bytes:
    """Return a network as an ONNX file: `INPUT` as the model takes it, `OUTPUT` of the model's last layer.

    Written layer by layer, since the networks are chains of six kinds of layers. TensorFlow's converter, tf2onnx, would
    be one more large package.

    Args:
        model: of `vgg19.build`, or its part up to a layer.
        description: stored in the file.

    Raises:
        ExportError: A layer is of another kind, or the package onnx is missing.
    """
    try:
        from onnx import TensorProto, checker, helper, numpy_helper
    except ImportError as error:
        raise ExportError(NO_ONNX) from error
    nodes, constants = [], []
    now = INPUT

    def add(kind: str, name: str, *weights: str, **settings: object) -> None:
        nonlocal now
        nodes.append(helper.make_node(kind, [now, *weights], [name], **settings))
        now = name

    def weights_of(layer: keras.Layer) -> list[str]:
        names = [f"{layer.name}/{variable.name}" for variable in layer.weights]
        for name, variable in zip(names, layer.weights, strict=True):
            array = np.asarray(variable.numpy())
            array = array.transpose(3, 2, 0, 1) if array.ndim == 4 else array  # Keras: (rows, columns, in, out)
            constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return names

    add("Transpose", "channels_first", perm=[0, 3, 1, 2])
    for layer in model.layers:
        match type(layer).__name__:
            case "InputLayer" | "Dropout":
                continue
            case "Conv2D":
                add("Conv", layer.name, *weights_of(layer), kernel_shape=[3, 3], pads=[1, 1, 1, 1])
            case "MaxPooling2D":
                add("MaxPool", layer.name, kernel_shape=[2, 2], strides=[2, 2])
            case "GlobalAveragePooling2D":
                add("GlobalAveragePool", f"{layer.name}/mean")
                add("Flatten", layer.name)
            case "Flatten":  # in Keras' order: rows, columns, channels
                add("Transpose", "channels_last", perm=[0, 2, 3, 1])
                add("Flatten", layer.name)
            case "Dense":
                add("Gemm", layer.name, *weights_of(layer))
            case "Activation":
                pass
            case kind:
                raise ExportError(f"The layer {layer.name!r} cannot be written to ONNX. Received: {kind}.")
        activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
        if activation != "linear":
            add({"relu": "Relu", "sigmoid": "Sigmoid"}[activation], f"{layer.name}/{activation}")
    nodes[-1].output[0] = OUTPUT
    size = model.input.shape[1]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in ((INPUT, ["n", size, size, 3]), (OUTPUT, ["n", 1]))
    ]
    graph = helper.make_graph(nodes, "vgg19_transfer", ends[:1], ends[1:], constants, doc_string=description)
    whole = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    checker.check_model(whole)
    return whole.SerializeToString()
