"""A synthetic forward pass, for the pages that show one."""

from __future__ import annotations

import numpy as np

from covid_model.model import activations, gradcam
from covid_model.model.activations import Block, ForwardTrace, HeadActivations, Layer

RNG = np.random.default_rng(0)


def made_up_walk(name: str = "fine-tuned") -> ForwardTrace:
    """Return a forward pass through two blocks of the usual names, with random numbers."""
    layers = [
        Layer(f"block{at}_{case}", kind, (8, 8, 16), 100 * (kind == "convolution"), kind == "convolution", 5)
        for at in (1, 5)
        for case, kind in (("conv1", "convolution"), ("pool", "pooling"))
    ]
    features = RNG.random((4, 4, 16)).astype(np.float32)
    units, weights = np.array([1.0, 0.0, 2.0], np.float32), np.array([0.5, 1.0, 0.25], np.float32)
    return ForwardTrace(
        network=name,
        box=(0.0, 0.0, 1.0, 1.0),
        blocks=(
            Block("input", (Layer("film", "input", (8, 8, 3), 0, False),)),
            Block("block1", tuple(layers[:2])),
            Block("block5", tuple(layers[2:])),
            Block("features", (Layer("average", "average", (16,), 0, False),)),
            Block("fc1", (Layer("fc1", "dense", (3,), 51, True),)),
            Block("score", (Layer("logit", "dense", (1,), 4, True),)),
        ),
        maps={layer.name: activations.strongest(layer.name, RNG.random((8, 8, 16))) for layer in layers},
        filters={"block1_conv1": activations.filters(RNG.normal(size=(3, 3, 3, 16)))},
        head=HeadActivations(np.ones(16, np.float32), units, weights, 1.0, 2.0, 0.880797),
        gradcam=gradcam.gradcam_steps(features, RNG.normal(size=(4, 4, 16)).astype(np.float32)),
    )
