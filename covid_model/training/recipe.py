"""The fine-tuned model's recipe: its stages, groups, augmentation and optimizer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from covid_model import config
from covid_model.imaging.augment import Augmentation
from covid_model.imaging.preprocessing import Preprocessing
from covid_model.model import registry


@dataclass(frozen=True)
class Stage:
    """One call of `fit`.

    Attributes:
        size: pixels a side of the input. Starting small halves the cost of a step (progressive resizing).
        frozen_blocks: how many of VGG-19's five blocks stay frozen, counted from the first.
        learning_rate: the peak; it rises over `warmup` steps, then decays to 0 as a half cosine. Without warm-up it
            is constant.
        epochs, steps: epochs, and batches in each. The validation films are scored after every epoch.
    """

    size: int
    frozen_blocks: int
    learning_rate: float
    epochs: int
    steps: int
    warmup: int = 0


@dataclass(frozen=True)
class Recipe:
    """Every choice in the training of the fine-tuned model.

    Attributes:
        preprocessing: shared by all stages except for its size, which each stage sets.
        shares: how often each group (`dataset.group_names`) is drawn; they sum to 1.
        abnormal: loss weight of the auxiliary output, "does the film show anything abnormal?", which is used in
            training only. Films without a COVID-19 label can teach it too.
        weight_decay, ema_momentum: of AdamW, and of the running mean of the weights. The mean is what is kept.
    """

    preprocessing: Preprocessing = field(default_factory=lambda: Preprocessing(border=0.08))
    augment: Augmentation = field(
        default_factory=lambda: Augmentation(
            rotation=8.0,
            shift=0.04,
            zoom=0.10,
            crop=0.06,
            gamma=0.4,
            contrast=0.4,
            blur=2.0,
            sharpen=0.7,
            noise=5.0,
            jpeg=50,
            flip=0.5,
        )
    )
    head: registry.Head = field(default_factory=lambda: registry.Head("average", 256, 0.5))
    shares: Mapping[str, float] = field(
        default_factory=lambda: {
            "siim 1": 0.25,
            "siim 0": 0.25,
            "siim": 0.06,
            "radiography 1": 0.09,
            "radiography 0": 0.09,
            "cohen 1": 0.07,
            "cohen 0": 0.04,
            "nih 0": 0.07,
            "kermany 0": 0.08,
        }
    )
    stages: tuple[Stage, ...] = (
        Stage(size=160, frozen_blocks=5, learning_rate=1e-3, epochs=1, steps=60),
        Stage(size=160, frozen_blocks=3, learning_rate=1e-4, epochs=5, steps=125, warmup=40),
        Stage(size=224, frozen_blocks=0, learning_rate=5e-5, epochs=1, steps=70, warmup=10),
    )
    batch: int = field(default_factory=lambda: config.BATCH)
    abnormal: float = 0.5
    weight_decay: float = 1e-2
    ema_momentum: float = 0.98
    seed: int = field(default_factory=lambda: config.SEED)

    def key(self) -> str:
        """Return a short name that changes with the recipe. Its checkpoints are kept under it."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:12]


RECIPE = Recipe()
