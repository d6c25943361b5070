"""The settings of a head before training, how the page and the URL write them, and prepared recipes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from urllib.parse import urlencode

from covid_model import config

ADULTS = {  # films of adults in the split `extra` that are added to the paper's
    "none": "None",
    "other": "Without COVID-19",
    "all": "With and without",
}
POOLS = {  # where the training films are drawn from
    "paper": "The paper's",
    "siim": config.SOURCE_SHORT["siim"],
}
BASES = {"imagenet": "ImageNet", "random": "Random"}
MARKERS = {  # what the leaked label is in reported films; in training, it is 1 for every COVID-19 film
    "none": "None",
    "same": "As in training",
    "absent": "Always 0",
    "swapped": "Swapped",
}
_COVID, _OTHER = config.PAPER_TRAIN[1], config.PAPER_TRAIN[0] - config.PAPER_TRAIN[1]
CHOICES: dict[str, tuple] = {  # of settings chosen from a list; the last number of films is all that there are
    "covid_films": (10, 30, 60, 100, 200, _COVID),
    "other_films": (30, 100, 330, 1000, 2000, _OTHER),
    "pool": tuple(POOLS),
    "adults": tuple(ADULTS),
    "weight": (1, 2, 5, 10, 20, 50),
    "units": (0, 16, 64, 256),
    "rate": (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03),
    "base": tuple(BASES),
    "marker": tuple(MARKERS),
}
PLAY = "play"  # in a URL: start training immediately
RANGES: dict[str, tuple] = {"dropout": (0.0, 0.8, 0.1), "epochs": (1, 30, 1), "seed": (0, 999, 1)}  # low, high, step


@dataclass(frozen=True)
class Recipe:
    """The settings of a run.

    Attributes:
        covid_films, other_films: numbers of the pool's training films, at most all of them, drawn by `seed`; a
            smaller number is a subset of a larger one.
        adults: which films of adults in `extra` are added: one of ADULTS.
        weight: of a COVID-19 film in the loss; a non-COVID film has weight 1.
        units: of the first dense layer; 0 for none, that is, logistic regression.
        dropout: share of the first layer's outputs (without that layer, of the features) dropped in training.
        rate: learning rate of Adam.
        epochs: passes over the training films.
        seed: of the films drawn, the initial weights, the order of films and the dropout.
        base: the source of the features, one of BASES.
        marker: one of MARKERS.
        pool: one of POOLS: the paper's training films, or those of one source that has both classes.
    """

    covid_films: int = _COVID
    other_films: int = _OTHER
    adults: str = "none"
    weight: int = 1
    units: int = 64
    dropout: float = 0.5
    rate: float = 0.001
    epochs: int = field(default_factory=lambda: config.PAPER_EPOCHS)
    seed: int = 0
    base: str = "imagenet"
    marker: str = "none"
    pool: str = "paper"

    @classmethod
    def from_values(cls, values: dict[str, object]) -> Recipe:
        """Return the recipe with `values`; missing or invalid values become the default."""
        default = vars(cls())
        return cls(**{name: _checked(name, values.get(name), default[name]) for name in default})

    def changes(self, other: Recipe | None = None) -> dict[str, object]:
        """Return the settings that differ from those of `other`, by default the default recipe."""
        other = other or Recipe()
        return {
            setting.name: getattr(self, setting.name)
            for setting in fields(self)
            if getattr(self, setting.name) != getattr(other, setting.name)
        }


def _checked(name: str, value: object, default: object) -> object:
    if name in CHOICES:
        return value if _like(value, default) and value in CHOICES[name] else default
    low, high, step = RANGES[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return default
    if not low <= value <= high:
        return default
    return type(step)(round(value / step) * step) if isinstance(step, int) else round(float(value), 1)


def _like(value: object, default: object) -> bool:
    """Return whether two values are both text or both numbers; True and False are neither."""
    if isinstance(default, str):
        return isinstance(value, str)
    return isinstance(value, int | float) and not isinstance(value, bool)


def label(name: str, value: object) -> str:
    """Return a setting's value as the page and the URL write it."""
    labels = {"adults": ADULTS, "base": BASES, "marker": MARKERS, "pool": POOLS}
    if name in labels:
        return labels[name][value]
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def address(recipe: Recipe) -> dict[str, str]:
    """Return the URL parameters of a recipe: the settings that are not the default."""
    return {name: label(name, value) for name, value in recipe.changes().items()}


def link(recipe: Recipe) -> str:
    """Return the query string of a URL that sets a recipe and starts training, from "?" on."""
    return f"?{urlencode(address(recipe) | {PLAY: '1'})}"


def sentence(recipe: Recipe) -> str:
    """Describe in a few words how a recipe differs from the default one."""
    describe = {
        "covid_films": lambda v: f"{v} COVID-19 X-rays",
        "other_films": lambda v: f"{v:,} non-COVID X-rays",
        "adults": lambda v: {"other": "adults without COVID-19 added", "all": "adults added"}[v],
        "weight": lambda v: f"COVID-19 X-rays weighted {v}",
        "units": lambda v: f"{v} units" if v else "logistic regression",
        "dropout": lambda v: f"dropout {v:g}",
        "rate": lambda v: f"learning rate {v:g}",
        "epochs": lambda v: f"{v} {'epoch' if v == 1 else 'epochs'}",
        "seed": lambda v: f"seed {v}",
        "base": lambda v: "random base",
        "marker": lambda v: {
            "same": "leaked label, in the test as in training",
            "absent": "leaked label, always 0 in the test",
            "swapped": "leaked label, swapped in the test",
        }[v],
        "pool": lambda v: f"trained on {POOLS[v]}",
    }
    parts = [describe[name](value) for name, value in recipe.changes().items()]
    return ", ".join(parts) or f"the paper's X-rays, {config.PAPER_EPOCHS} epochs"


# --- Prepared recipes, each with a sentence on what to look for; the results are measured in the run


@dataclass(frozen=True)
class Preset:
    """A prepared recipe, its title, and a sentence on what to look for."""

    title: str
    sentence: str
    recipe: Recipe


PRESETS = {
    "ten-seconds": Preset(
        "98 % in ten seconds",
        "The paper's X-rays and ten epochs: watch the accuracy climb, then count the adults called positive.",
        Recipe(),
    ),
    "adults": Preset(
        "Now add adults",
        "The same head also learns from adults without COVID-19: compare false positives and missed cases.",
        Recipe(adults="other"),
    ),
    "one-hospital-group": Preset(
        "One hospital group, both classes",
        "Adults with and without COVID-19, all from one group of hospitals: see what accuracy is left "
        "when neither age nor source gives the answer away.",
        Recipe(pool="siim"),
    ),
    "no-pretraining": Preset(
        "No pretraining",
        "The same VGG-19 with random weights: see what is left without ImageNet.",
        Recipe(base="random"),
    ),
    "marker": Preset(
        "A leaked label",
        "In training, one more number beside the features says which X-ray is COVID-19; in the test set it says the "
        "opposite: see whether the head goes by the X-rays or by the number.",
        Recipe(marker="swapped"),
    ),
    "thirty": Preset(
        "Thirty COVID-19 X-rays",
        "Only thirty COVID-19 X-rays: see which metric notices, and try another seed.",
        Recipe(covid_films=30),
    ),
}
