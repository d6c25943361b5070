"""The fine-tuned model's training recipes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from covid_model import config
from covid_model.imaging.augment import Augmentation
from covid_model.imaging.preprocessing import Preprocessing
from covid_model.model import network_spec


@dataclass(frozen=True)
class Recipe:
    """Everything that can be chosen of a stage.

    The learning rate and the auxiliary question were chosen by leaving radiography out (`leave_out`); the rest, and all
    of the second stage, was set by argument and run once.

    Attributes:
        shares: how often each group (source and truth) is drawn.
        learning_rate: the highest, after the warm-up; it falls to 0 as a half cosine.
        head_learning_rate, head_steps: of the head alone, first, on a base at rest.
        weight_decay: of AdamW.
        auxiliary: weight of the second question that is asked in training alone: does the film show anything at all?
            (Children's and NIH's films answer it within one source, so it teaches to look at lungs.)
        averaging: momentum of the running mean of the weights, which is what is kept.
        ranking: weight of the pairwise logistic loss over pairs of a film with COVID and one without, both of one
            source (RankNet, Burges et al. 2005): what tells the sources apart cannot lower it.
        frozen_blocks: how many of VGG-19's five blocks stay as they are, from the first on.
        steps: batches in all; `look` batches between looks at the validation part.
    """

    preprocessing: Preprocessing = field(default_factory=lambda: Preprocessing(border=0.08, blur=1.0, equalize=True))
    jitter: Augmentation = field(
        default_factory=lambda: Augmentation(
            rotation=10.0,
            shift=0.05,
            zoom=0.12,
            crop=0.08,
            gamma=0.7,
            contrast=0.5,
            blur=6.0,
            sharpen=1.5,
            noise=10.0,
            jpeg=30,
            flip=0.5,
        )
    )
    head: network_spec.Head = field(default_factory=lambda: network_spec.Head("average", 256, 0.5))
    shares: Mapping[str, float] = field(
        default_factory=lambda: {
            "cohen 1": 0.20,
            "cohen 0": 0.15,
            "radiography 1": 0.30,
            "radiography 0": 0.15,
            "nih 0": 0.10,
            "kermany 0": 0.10,
        }
    )
    learning_rate: float = 5e-5
    head_learning_rate: float = 1e-3
    head_steps: int = 60
    weight_decay: float = 1e-2
    auxiliary: float = 1.0
    averaging: float = 0.98
    ranking: float = 0.0
    frozen_blocks: int = 0
    steps: int = 1000
    look: int = 125
    warmup: int = 30
    seed: int = field(default_factory=lambda: config.SEED)

    def key(self, start: str) -> str:
        """A short name that changes with the recipe and the weights it starts from: of its checkpoints' folder."""
        return hashlib.sha256(json.dumps([start, asdict(self)]).encode()).hexdigest()[:16]


RECIPE = Recipe()  # the first stage: every layer
SECOND = replace(  # the second goes on from what the first left: half the cost a step, films of one source compared
    RECIPE,
    shares={
        "cohen 1": 0.22,
        "cohen 0": 0.12,
        "radiography 1": 0.28,
        "radiography 0": 0.16,
        "nih 0": 0.10,
        "kermany 0": 0.12,
    },
    averaging=0.99,
    ranking=0.5,
    frozen_blocks=3,
    steps=440,
    look=140,
    seed=config.SEED + 1,
)
