"""Which device TensorFlow computes on, and in which precision."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from covid_model.model import device, predictor


def tensorflow(gpus: list[str], details: dict[str, str]) -> SimpleNamespace:
    """Return a stand-in for TensorFlow on a computer with these GPUs."""
    devices = [SimpleNamespace(name=name) for name in gpus]
    return SimpleNamespace(
        config=SimpleNamespace(
            get_visible_devices=lambda kind: devices if kind == "GPU" else [],
            experimental=SimpleNamespace(get_device_details=lambda gpu: details),
        )
    )


@pytest.mark.parametrize(
    ("gpus", "details", "expected"),
    [
        ([], {}, None),
        (["/physical_device:GPU:0"], {"device_name": "NVIDIA A2"}, "NVIDIA A2"),
        (["/physical_device:GPU:0"], {}, "/physical_device:GPU:0"),
    ],
)
def test_the_name_of_the_gpu(monkeypatch, gpus, details, expected):
    monkeypatch.setitem(sys.modules, "tensorflow", tensorflow(gpus, details))
    assert device.gpu_name() == expected


@pytest.mark.parametrize(
    ("flags", "gpu", "expected"),
    [
        ("flags : avx2 avx512_bf16", None, device.BFLOAT16),
        ("flags : amx_bf16", None, device.BFLOAT16),
        ("flags : avx2", None, device.FLOAT32),
        ("flags : avx512_bf16", "NVIDIA A2", device.FLOAT32),
    ],
)
def test_bfloat16_only_on_a_cpu_that_multiplies_it(monkeypatch, flags, gpu, expected):
    monkeypatch.setattr(Path, "read_text", lambda self: flags)
    monkeypatch.setattr(device, "gpu_name", lambda: gpu)
    assert device.fast_precision() == expected


@pytest.mark.parametrize("allowed", [True, False])
def test_the_app_predicts_in_bfloat16_with_networks_that_allow_it(monkeypatch, allowed):
    monkeypatch.setattr(device, "fast_precision", lambda: device.BFLOAT16)
    monkeypatch.setattr(predictor.registry, "spec", lambda name: SimpleNamespace(bfloat16=allowed))
    assert predictor.usual_precision("any") == (device.BFLOAT16 if allowed else device.FLOAT32)
