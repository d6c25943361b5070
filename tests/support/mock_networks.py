"""A small network of the real architecture with random weights, so that unit tests need neither data nor minutes."""

from __future__ import annotations

import functools
import shutil
import tempfile
from pathlib import Path

import numpy as np

from covid_model.imaging.preprocessing import Preprocessing
from covid_model.model import registry, vgg19

HEAD = registry.Head("average", 8, 0.0)
_KEPT = tempfile.TemporaryDirectory()
SIZE = 32  # the smallest input that VGG-19 takes; block5_conv4 is then 2 x 2 x 512


def save(folder: Path, name: str = "fine-tuned", seed: int = 0) -> registry.NetworkSpec:
    """Write a complete mock network into `folder` and return its description."""
    weights, sha256, parameters = _weights(seed)
    shutil.copyfile(weights, folder / f"{name}.npz")
    case = registry.NetworkSpec(
        name=name,
        title=name.capitalize(),
        order=0,
        summary="Random weights.",
        threshold=0.6,
        preprocessing=Preprocessing(size=SIZE, border=0.1),
        base=registry.STORED,
        trained_on=("train", "extra"),
        head=HEAD,
        weights=f"{name}.npz",
        sha256=sha256,
        parameters=parameters,
    )
    case.save(folder)
    return case


def describe(
    folder: Path,
    name: str,
    title: str,
    order: float,
    trained_on: tuple[str, ...] = ("train",),
    sha256: str = "0" * 64,
    base: str = registry.STORED,
) -> None:
    """Write the JSON of a network into `folder`, without weights: enough for pages whose reader is a mock."""
    registry.NetworkSpec(
        name=name,
        title=title,
        summary="Made up.",
        threshold=0.6,
        preprocessing=Preprocessing(),
        base=base,
        head=registry.Head("average", 8, 0.0),
        weights=f"{name}.npz",
        sha256=sha256,
        parameters=1,
        short_title=title,
        help=f"{title}, made up.",
        order=order,
        trained_on=trained_on,
    ).save(folder)


@functools.cache
def _weights(seed: int) -> tuple[Path, str, int]:
    """Draw the weights once per process; return their file, its SHA-256 and their number."""
    import keras

    keras.utils.set_random_seed(seed)
    stored = vgg19.get_weights(vgg19.build(HEAD, SIZE), registry.STORED)
    path = Path(_KEPT.name) / f"{seed}.npz"
    return path, vgg19.save_weights(stored, path), sum(array.size for array in stored.values())


def film(seed: int = 0, shape: tuple[int, int] = (80, 64)) -> np.ndarray:
    """Return a synthetic film: (height, width) uint8 with a smooth gradient and grain."""
    rng = np.random.default_rng(seed)
    rows = np.linspace(0, 200, shape[0])[:, None]
    return (rows + rng.uniform(0, 55, shape)).astype(np.uint8)
