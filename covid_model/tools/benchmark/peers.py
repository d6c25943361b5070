"""The same network in other libraries (requirements-bench.txt): PyTorch with pytorch-grad-cam, ONNX Runtime, OpenVINO.

Built by hand from the network's weights, so that all compute the same score; each is checked against Keras first.
"""

from __future__ import annotations

import os
import sys
import tempfile
import types
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from covid_model import config

if TYPE_CHECKING:
    import keras

TOLERANCE = 1e-3  # of a logit: libraries sum in different orders
SKIPPED = ("dropout", "score")  # layers that do not affect the logit


class PeerError(RuntimeError):
    """Raised if a library is not installed or computes a different logit."""


def torch_grad_cam(model: keras.Model, inputs: np.ndarray) -> tuple[Callable[[], object], Callable[[], object]]:
    """Return score with Grad-CAM by pytorch-grad-cam, and the forward pass, in PyTorch. Raises PeerError.

    Args:
        model: of `network.build`.
        inputs: (1, size, size, 3) float32.
    """
    try:
        _stand_in_for_torchvision()
        import torch
        from pytorch_grad_cam import GradCAM
    except ImportError as error:
        raise PeerError(f"not installed: {error.name}") from error
    torch.set_num_threads(os.cpu_count() or 1)
    net, last = _torch(model)
    given = torch.from_numpy(np.ascontiguousarray(inputs.transpose(0, 3, 1, 2)))  # (1, 3, size, size)
    explain = GradCAM(model=net, target_layers=[last])

    def bare():
        with torch.inference_mode():
            return net(given).numpy()

    _check(model, inputs, bare(), "PyTorch")
    return lambda: explain(input_tensor=given, targets=[lambda output: output[0]]), bare


def onnx_runtime(model: keras.Model, inputs: np.ndarray) -> Callable[[], np.ndarray]:
    """Return the forward pass in ONNX Runtime. Raises PeerError."""
    try:
        import onnxruntime
    except ImportError as error:
        raise PeerError(f"not installed: {error.name}") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = os.cpu_count() or 1
    session = onnxruntime.InferenceSession(_onnx(model), options, providers=["CPUExecutionProvider"])
    given = {"film": np.ascontiguousarray(inputs.transpose(0, 3, 1, 2))}
    _check(model, inputs, session.run(None, given)[0], "ONNX Runtime")
    return lambda: session.run(None, given)[0]


def openvino(model: keras.Model, inputs: np.ndarray) -> Callable[[], np.ndarray]:
    """Return the forward pass in OpenVINO, in float32 (its default would be bfloat16). Raises PeerError."""
    try:
        import openvino as ov
    except ImportError as error:
        raise PeerError(f"not installed: {error.name}") from error
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        path.write_bytes(_onnx(model))
        hints = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        compiled = ov.Core().compile_model(ov.Core().read_model(path), "CPU", hints)
    request = compiled.create_infer_request()
    given = np.ascontiguousarray(inputs.transpose(0, 3, 1, 2))

    def bare() -> np.ndarray:
        return request.infer({0: given})[0]

    _check(model, inputs, bare(), "OpenVINO")
    return bare


def _check(model: keras.Model, inputs: np.ndarray, logit: np.ndarray, who: str) -> None:
    import keras

    ours = keras.Model(model.input, model.get_layer("logit").output)(inputs).numpy()
    if not np.allclose(logit, ours, atol=TOLERANCE):
        raise PeerError(f"{who} gives the logit {logit.ravel()[0]:.4f}, ours is {ours.ravel()[0]:.4f}")


def _layers(model: keras.Model) -> list[tuple[str, keras.Layer]]:
    """Return kind and layer, from the first convolution to the logit."""
    kinds = {"Conv2D": "conv", "MaxPooling2D": "pool", "GlobalAveragePooling2D": "average", "Flatten": "flatten"}
    kinds["Dense"] = "dense"
    named = [(type(layer).__name__, layer) for layer in model.layers if layer.name not in SKIPPED]
    return [(kinds[kind], layer) for kind, layer in named if kind != "InputLayer"]


def _torch(model: keras.Model):
    """Return the network as a torch module, and Grad-CAM's layer: LAST_CONV after its ReLU."""
    import torch

    parts, last = [], None
    for kind, layer in _layers(model):
        weights = [torch.from_numpy(np.asarray(variable)) for variable in layer.weights]
        if kind == "conv":
            part = torch.nn.Conv2d(*weights[0].shape[2:], 3, padding=1)
            part.weight.data, part.bias.data = weights[0].permute(3, 2, 0, 1).contiguous(), weights[1]
        elif kind == "dense":
            part = torch.nn.Linear(*weights[0].shape)
            part.weight.data, part.bias.data = weights[0].T.contiguous(), weights[1]
        elif kind == "pool":
            part = torch.nn.MaxPool2d(2)
        elif kind == "average":
            part = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
        else:
            part = _rows_first()
        parts.append(part)
        if kind in ("conv", "dense") and layer.name != "logit":
            parts.append(torch.nn.ReLU())
        if layer.name == config.LAST_CONV:
            last = parts[-1]
    return torch.nn.Sequential(*parts).eval(), last


def _rows_first():
    """Return a module that flattens in Keras' order: rows, columns, channels."""
    import torch

    class Rows(torch.nn.Module):
        def forward(self, x):
            return x.permute(0, 2, 3, 1).flatten(1)

    return Rows()


def _onnx(model: keras.Model) -> bytes:
    """Export the network to ONNX: (n, 3, size, size) "film" to (n, 1) "logit"."""
    try:
        from onnx import TensorProto, checker, helper, numpy_helper
    except ImportError as error:
        raise PeerError(f"not installed: {error.name}") from error
    nodes, constants, now = [], [], "film"

    def add(kind: str, name: str, *weights: str, **more) -> str:
        nodes.append(helper.make_node(kind, [now, *weights], [name], **more))
        return name

    for kind, layer in _layers(model):
        names = []
        for variable in layer.weights:
            array = np.asarray(variable)
            array = array.transpose(3, 2, 0, 1) if kind == "conv" and array.ndim == 4 else array
            names.append(f"{layer.name}_{variable.name}")
            constants.append(numpy_helper.from_array(np.ascontiguousarray(array), names[-1]))
        if kind == "conv":
            now = add("Conv", layer.name, *names, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        elif kind == "pool":
            now = add("MaxPool", layer.name, kernel_shape=[2, 2], strides=[2, 2])
        elif kind == "average":
            now = add("GlobalAveragePool", f"{layer.name}_mean")
            now = add("Flatten", layer.name)
        elif kind == "flatten":
            now = add("Transpose", f"{layer.name}_rows", perm=[0, 2, 3, 1])
            now = add("Flatten", layer.name)
        else:
            now = add("Gemm", layer.name, *names)
        if kind in ("conv", "dense") and layer.name != "logit":
            now = add("Relu", f"{layer.name}_relu")
    size = model.input.shape[1]
    film = helper.make_tensor_value_info("film", TensorProto.FLOAT, ["n", 3, size, size])
    logit = helper.make_tensor_value_info("logit", TensorProto.FLOAT, ["n", 1])
    graph = helper.make_graph(nodes, "network", [film], [logit], constants)
    whole = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    checker.check_model(whole)
    return whole.SerializeToString()


def _stand_in_for_torchvision() -> None:
    """Register empty stand-ins for torchvision, which pytorch-grad-cam imports but Grad-CAM does not call.

    torchvision may have no build for the installed PyTorch.
    """
    try:
        import torchvision  # noqa: F401
    except ImportError:
        for name in ("torchvision", "torchvision.transforms", "torchvision.transforms.functional"):
            stand_in = sys.modules.setdefault(name, types.ModuleType(name))
            for attribute in ("Compose", "Normalize", "ToTensor", "resize"):
                setattr(stand_in, attribute, None)
