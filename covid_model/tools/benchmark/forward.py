"""Rows about the network: a prediction against the forward pass, Keras' example and other libraries."""

from __future__ import annotations

import os
import sys
import tempfile
import types
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from covid_model import config, evaluation, imaging
from covid_model.model.export import INPUT, ExportError, to_onnx
from covid_model.tools.benchmark import timing
from covid_model.tools.benchmark.timing import Row, Subject, Timings, interleaved, missing

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
        stand_in_for_torchvision()
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
    given = {INPUT: inputs}
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

    def bare() -> np.ndarray:
        return request.infer({0: inputs})[0]

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
    """Export the network up to its logit to ONNX."""
    import keras

    try:
        return to_onnx(keras.Model(model.input, model.get_layer("logit").output))
    except ExportError as error:
        raise PeerError(f"not installed: onnx ({error})") from error


def stand_in_for_torchvision() -> None:
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


# --- The forward pass, a prediction, and the other libraries ---


def rows(subject: Subject, rounds: int) -> tuple[list[Row], dict]:
    """Measure; return all rows and the record behind them."""
    bare = subject.bare()
    candidates: dict[str, Callable[[], object]] = {
        "reading": subject.whole,
        "bare": bare,
        "example": subject.example,
        "bare again": bare,
    }
    absent = _add_peers(subject, candidates)
    timed = interleaved(candidates, rounds)
    work, peak = timing.gflop(subject.model), timing.gemm_peak()
    reached = work / min(timed.seconds["bare"])
    limit = (
        f"The forward pass is {work:.1f} GFLOP and ran at {reached:.0f} GFLOP/s at its best; one large float32 matrix "
        f"product ran at {peak:.0f} GFLOP/s on the same machine."
    )
    noise = timed.ratio("bare again", "bare")
    measured = [
        Row(
            "A prediction (decoding, score, Grad-CAM, overlay) relative to the forward pass of VGG-19 alone",
            timed.ratio("reading", "bare"),
            most=1.10,
            detail=_against(timed, "reading", "bare"),
            note=f"The forward pass relative to itself, timed in the same way, gave {noise:.3f}. {limit}",
        ),
        Row(
            "Keras' Grad-CAM example (predict, then a gradient tape over the model) relative to a prediction",
            timed.ratio("example", "reading"),
            least=2.5,
            detail=_against(timed, "example", "reading"),
            note="The example runs the base twice; the rest of the difference is overhead of predict and of running "
            "layer by layer.",
        ),
        *_of_peers(timed, absent, limit),
    ]
    record = {
        "seconds": timed.seconds,
        "processor_seconds": timed.work,
        "gemm_gflops": round(peak, 1),
        "forward_gflop": round(work, 2),
        "forward_gflops": round(reached, 1),
        "scatter": round(timing.scatter(timed.seconds["bare"]), 3),
    }
    return measured, record


def _add_peers(subject: Subject, candidates: dict[str, Callable[[], object]]) -> dict[str, str]:
    """Add the installed libraries to `candidates`; return the reasons why others are missing, by name."""
    absent = {}
    try:
        candidates["torch grad-cam"], candidates["torch"] = torch_grad_cam(subject.model, subject.inputs)
    except PeerError as error:
        absent["torch"] = str(error)
    for name, make in (("onnx runtime", onnx_runtime), ("openvino", openvino)):
        try:
            candidates[name] = make(subject.model, subject.inputs)
        except PeerError as error:
            absent[name] = str(error)
    return absent


def _of_peers(timed: Timings, absent: dict[str, str], limit: str) -> list[Row]:
    remedy = "to measure it: pip install -r requirements-bench.txt"
    with_cam = "PyTorch's VGG-19 with pytorch-grad-cam relative to a prediction"
    measured = []
    if "torch" in absent:
        measured.append(missing(with_cam, f"{absent['torch']}; {remedy}"))
    else:
        measured.append(
            Row(
                with_cam,
                timed.ratio("torch grad-cam", "reading"),
                least=1.0,
                detail=_against(timed, "torch grad-cam", "reading"),
                note="The prediction also decodes the X-ray and colors the overlay; PyTorch starts from a tensor.",
            )
        )
    bare = [name for name in ("torch", "onnx runtime", "openvino") if name in timed.seconds]
    title = "The forward pass relative to the fastest one in other libraries, float32"
    if not bare:
        return [*measured, missing(title, f"{'; '.join(absent.values())}; {remedy}")]
    fastest = max(bare, key=lambda name: timed.ratio("bare", name))
    others = ", ".join(f"{name} {_ms(timed, name)}" for name in bare)
    missed = "".join(f" {name} {why}." for name, why in absent.items())
    measured.append(
        Row(
            title,
            timed.ratio("bare", fastest),
            most=1.1,
            detail=f"{others}; {_against(timed, 'bare', fastest)}",
            note=f"{os.cpu_count()} threads each.{missed} {limit}",
        )
    )
    return measured


def _against(timed: Timings, over: str, under: str) -> str:
    """Format both medians and their ratio in processor time."""
    return f"{_ms(timed, over)} against {_ms(timed, under)}; {timed.work_ratio(over, under):.2f} in processor time"


def _ms(timed: Timings, name: str) -> str:
    return f"{1000 * timed.median(name):.0f} ms"


# --- Growth of cost with the size of a film, and with the number of test films behind a page ---

SIDES = (256, 512, 1024, 2048, 4096)  # pixels
COUNTS = (1_000, 2_000, 4_000, 8_000, 16_000)  # test films
LINEAR = 1.1  # exponents up to this count as linear growth, as timings are noisy


def growth_rows(subject: Subject, rounds: int) -> tuple[list[Row], dict]:
    """Measure; return the rows with the exponents of growth, and the curves."""
    curves = {
        "megapixels of a film": _sizes(subject, rounds),
        "test films behind a page": _counts(rounds),
    }
    measured = [
        Row(
            f"Cost against {name}: exponent of growth",
            exponent(curve["size"], curve["seconds"]),
            "",
            most=LINEAR,
            detail=f"{curve['size'][0]:g} to {curve['size'][-1]:g}: {1000 * curve['seconds'][0]:.0f} to "
            f"{1000 * curve['seconds'][-1]:.0f} ms",
            note="1 is linear growth, 0 is none.",
        )
        for name, curve in curves.items()
    ]
    return measured, curves


def exponent(sizes: list[float], seconds: list[float]) -> float:
    """Return p of cost = c * size ** p between the last two sizes, where fixed costs matter least."""
    return float(np.log(seconds[-1] / seconds[-2]) / np.log(sizes[-1] / sizes[-2]))


def _curve(sizes: list[float], candidates: dict, rounds: int) -> dict[str, list[float]]:
    timed = interleaved(candidates, rounds)
    return {"size": sizes, "seconds": [timed.median(name) for name in candidates]}


def _sizes(subject: Subject, rounds: int) -> dict[str, list[float]]:
    candidates = {}
    for side in SIDES:
        picture = cv2.resize(subject.film.pixels, (side, side), interpolation=cv2.INTER_LINEAR)
        data = cv2.imencode(".png", picture)[1].tobytes()
        candidates[str(side)] = lambda data=data: subject.predictor.predict(imaging.decode(data))
    return _curve([side * side / 1e6 for side in SIDES], candidates, rounds)


def _counts(rounds: int) -> dict[str, list[float]]:
    """Time the computations of the page Results for a move of its slider."""
    rng = np.random.default_rng(0)
    candidates = {}
    for count in COUNTS:
        covid = (rng.uniform(size=count) < 0.06).astype(int)
        scores = np.clip(rng.normal(0.2 + 0.6 * covid, 0.2), 0, 1)
        candidates[str(count)] = lambda scores=scores, covid=covid: _page(scores, covid)
    return _curve([float(count) for count in COUNTS], candidates, rounds)


def _page(scores: np.ndarray, covid: np.ndarray) -> None:
    evaluation.confusion(scores, covid, config.THRESHOLD)
    evaluation.rates(scores, covid, config.THRESHOLD)
    evaluation.cells(scores, covid, config.THRESHOLD)
    evaluation.roc(scores, covid)
