"""Training runs as tables: the paper's Table 2 beside a network's own recipe, and runs compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from covid_model import config, evaluation
from covid_model.formatting import duration, interval, percent
from covid_model.model.registry import IMAGENET, NetworkSpec
from covid_model.records import Comparison
from covid_model.training.playground.recipe import CHOICES

if TYPE_CHECKING:
    from covid_model.training.playground import Epoch

PAPER = "The paper"
HERE = "This network"
BLOCKS = 5  # of convolutional layers in VGG-19


def rows(spec: NetworkSpec) -> pd.DataFrame:
    """Tabulate a recipe as text, the paper's beside the network's; what neither states has no row.

    A network's JSON keeps its settings in `recipe` (or in `recipe["ours"]`) and the run itself in `training`.
    """
    recipe = spec.recipe.get("ours") if isinstance(spec.recipe.get("ours"), Mapping) else spec.recipe
    run = spec.training
    table = {
        "Base": ("VGG-19, frozen", "VGG-19, frozen" if spec.base == IMAGENET else _trained(recipe)),
        "Head": (
            "two fully connected layers",
            f"{spec.head.pooling}, {spec.head.units} units, dropout {spec.head.dropout:g}, one unit",
        ),
        "Loss": ("binary cross-entropy", "binary cross-entropy"),
        "Optimizer": (None, recipe.get("optimizer")),
        "Learning rate": (None, _learning_rate(recipe)),
        "Batch size": (None, _number(recipe.get("batch"))),
        "Epochs": (str(config.PAPER_EPOCHS), _epochs(recipe)),
        "Steps": (None, _steps(recipe)),
        "Training X-rays": (_films(*config.PAPER_TRAIN), _films(run.get("films"), run.get("covid"))),
        "Validation X-rays": (None, _number(run.get("validation"))),
        "Data augmentation": (None, _augmentation(recipe.get("augment", recipe.get("jitter")))),
        "Copies per X-ray": (None, _number(recipe.get("copies"))),
        "Training time": (None, duration(run.get("seconds"))),
        "Feature extraction time": (None, duration(run.get("feature_seconds"))),
        "Precision": (None, run.get("precision")),
        "Processor": (None, _machine(run.get("machine"))),
    }
    known = {name: pair for name, pair in table.items() if any(pair)}
    return pd.DataFrame(
        {PAPER: [pair[0] or "–" for pair in known.values()], HERE: [pair[1] or "–" for pair in known.values()]},
        index=list(known),
    )


def tried(spec: NetworkSpec) -> tuple[list[dict[str, float]], pd.DataFrame]:
    """Return the history of the chosen setting (with films held out) and a table of all settings; empty if unknown."""
    candidates = spec.recipe.get("candidates")
    if not isinstance(candidates, list) or not all(isinstance(candidate, Mapping) for candidate in candidates):
        return [], pd.DataFrame()
    history = next((setting["history"] for setting in candidates if isinstance(setting.get("history"), list)), [])
    table = []
    for setting in candidates:
        head = setting.get("head") if isinstance(setting.get("head"), Mapping) else {}
        table.append(head | {key: value for key, value in setting.items() if key not in ("head", "history")})
    return history, pd.DataFrame(table).rename(columns=lambda name: name.replace("_", " "))


def ends(made: Comparison, key: str, title: str) -> pd.DataFrame:
    """Tabulate runs by name: the measure `key`, shown as `title`, after the last epoch, and the processor time."""
    table = {
        name: {
            title: _share(history[-1].get(key), key),
            "Processor time": duration(made.processor_seconds.get(name)) or "–",
        }
        for name, history in made.runs.items()
    }
    return pd.DataFrame.from_dict(table, orient="index")


def winner(made: Comparison) -> str | None:
    """Return which run has the highest accuracy in the end, and whether the others are clearly below; Markdown.

    None if the measure is not an accuracy on held-out films, or there is only one run.
    """
    films, key = made.about.get("validation"), made.measure
    if not isinstance(films, int) or key != "val_accuracy" or len(made.runs) < 2:
        return None
    (best, accuracy), *others = sorted(
        ((title, history[-1][key]) for title, history in made.runs.items()), key=lambda run: -run[1]
    )
    estimate = evaluation.proportion(round(accuracy * films), films)
    within = [title for title, value in others if value >= estimate.low]
    rest = "The others are below that interval."
    if within:
        names = " and ".join(f"*{title}*" for title in within)
        verb = "is" if len(within) == 1 else "are"
        rest = f"{names} {verb} within that interval, so this comparison is too small to tell them apart."
    return f"**{best}** ends highest, with {percent(accuracy)} (95 % CI {interval(estimate)}). {rest}"


def shared(made: Comparison) -> str | None:
    """Return what the runs have in common, as plain text; None where the record does not say."""
    about = made.about
    try:
        films, covid, validation, sources = (about[key] for key in ("films", "covid", "validation", "sources"))
        size, epochs = about["preprocessing"]["size"], about["epochs"]
    except (KeyError, TypeError):
        return None
    origin = f"{len(sources)} {'source' if len(sources) == 1 else 'sources'}"
    text = (
        f"Each run: {films:,} X-rays from {origin}, {covid:,} of them COVID-19, {size} × {size} pixels, {epochs} "
        f"epochs; measured on {validation:,} X-rays of other patients. Kept small to run in minutes: this demo's "
        "networks were trained on more and larger X-rays."
    )
    machine = _machine(about.get("machine"))
    return f"{text} Processor: {machine}." if machine else text


def _share(value: object, key: str) -> str:
    """Return a measure of a run: accuracies in percent, others to three places."""
    if not isinstance(value, int | float):
        return "–"
    return f"{100 * value:.1f} %" if "accuracy" in key else f"{value:.3f}"


def _number(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _stages(recipe: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the stages of a recipe that has them, each with its own epochs, steps and learning rate."""
    stages = recipe.get("stages")
    return [stage for stage in stages if isinstance(stage, Mapping)] if isinstance(stages, list) else []


def _trained(recipe: Mapping[str, Any]) -> str:
    """Return how much of VGG-19 was trained; where the recipe does not say, all of it."""
    frozen = min((stage.get("frozen_blocks", 0) for stage in _stages(recipe)), default=0)
    return f"VGG-19, last {BLOCKS - frozen} of {BLOCKS} blocks trained" if frozen else "VGG-19, every layer trained"


def _learning_rate(recipe: Mapping[str, Any]) -> str | None:
    rates = [_number(stage.get("learning_rate")) for stage in _stages(recipe)]
    return ", then ".join(filter(None, rates)) or _number(recipe.get("learning_rate"))


def _epochs(recipe: Mapping[str, Any]) -> str | None:
    if _stages(recipe) or ("steps" in recipe and "epochs" not in recipe):
        return "counted in steps"
    return _number(recipe.get("epochs"))


def _steps(recipe: Mapping[str, Any]) -> str | None:
    """Return the steps of a run; for one in stages, the total and each stage's."""
    if _stages(recipe):
        parts = [stage.get("epochs", 1) * stage.get("steps", 0) for stage in _stages(recipe)]
    else:
        before = recipe.get("stages_before")
        before = before if isinstance(before, list) else []
        parts = [*(stage.get("steps") for stage in before if isinstance(stage, Mapping)), recipe.get("steps")]
    if len(parts) == 1 or not all(isinstance(steps, int) for steps in parts):
        return _number(recipe.get("steps"))
    return f"{sum(parts):,}, in {len(parts)} stages: {', then '.join(f'{steps:,}' for steps in parts)}"


def _films(films: object, covid: object) -> str | None:
    if not isinstance(films, int | float):
        return None
    return f"{int(films):,} ({int(covid):,} COVID-19)" if isinstance(covid, int | float) else f"{int(films):,}"


def _augmentation(jitter: object) -> str | None:
    """Return the names of the random changes of the training films."""
    if not isinstance(jitter, Mapping):
        return None
    return ", ".join(str(name).replace("_", " ") for name, value in jitter.items() if value and name != "each") or None


def _machine(machine: Any) -> str | None:
    if not isinstance(machine, Mapping):
        return str(machine) if machine else None
    cores = machine.get("cores")
    parts = [machine.get("processor"), f"{cores} cores" if cores else None]
    return ", ".join(str(part) for part in parts if part) or None


# --- The page "Train it yourself" ---

INTRODUCTION = (
    "The convolutional layers stay frozen, so their output was computed once for every X-ray; only the last layers "
    "learn, here and now. The paper's head sees 7 × 7 × 512 features of an X-ray. This one sees their 512 averages, so "
    "it learns in seconds but cannot tell where on the X-ray something is."
)
SETTINGS = {  # label and help by field of a Recipe
    "covid_films": (
        "COVID-19 X-rays",
        f"How many to train on, sampled by the seed. The paper has {CHOICES['covid_films'][-1]}.",
    ),
    "other_films": (
        "Non-COVID X-rays",
        f"How many to train on, sampled by the seed. The paper has {CHOICES['other_films'][-1]:,}, nearly all showing "
        "children.",
    ),
    "pool": (
        "Training X-rays",
        "The paper's X-rays show adults with COVID-19 and, almost without exception, children without it. Those of the "
        f"{config.SOURCE_TITLES['siim']} show adults with and without it, from the same hospitals.",
    ),
    "adults": (
        "Adults added",
        f"All adult X-rays from {config.SOURCE_TITLES['nih']}, the {config.SOURCE_TITLES['radiography']} and the "
        f"{config.SOURCE_TITLES['siim']}.",
    ),
    "weight": ("COVID-19 class weight", "How many non-COVID X-rays one COVID-19 X-ray counts as in the loss."),
    "units": ("Hidden units", "In the first dense layer. 0 removes the layer, which leaves a logistic regression."),
    "dropout": ("Dropout", "Share of the hidden units that are switched off, sampled anew at each step."),
    "rate": ("Learning rate", "The step size of Adam."),
    "epochs": ("Epochs", "Passes over the training X-rays."),
    "seed": (
        "Seed",
        "Of the random choices: X-rays, initial weights, order and dropout. The same seed gives the same result.",
    ),
    "base": ("Frozen base", "VGG-19 with the ImageNet weights, or with random weights that were never trained."),
    "marker": (
        "Leaked label in the test set",
        "One more number beside the features of an X-ray, not a mark on its pixels. In training, it is 1 for every "
        "COVID-19 X-ray and 0 for the others, much as a letter in the corner can give the hospital away. In the test "
        "set, it is the same, always 0, or the opposite.",
    ),
}
ACCURACY, FALSE_POSITIVES = "Test accuracy", "False positives: the adults-only set"
NO_EPOCH = "No epoch has finished yet."
NO_RUN = "Nothing trained yet"
NOTE = (
    f"*{FALSE_POSITIVES}*: share of its adults without COVID-19 who are called positive. No run trains on them. The "
    "test set is scored after every epoch so that you can watch. "
    "If you choose settings by these scores, it is no longer a test."
)


def headline(epoch: Epoch) -> str:
    """Return what a run came to: its accuracy, and what that hides."""
    alarms = epoch.more_adults
    share = f"{100 * alarms.value:.0f} %" if alarms else "an unknown share"
    return f"{100 * epoch.test_accuracy:.0f} % accurate, and {share} of adults without COVID-19 called positive"


def no_runs(most: int) -> str:
    """Return what to do before the first run; `most`: how many runs are shown."""
    return f"Click *Train*. Up to {most} runs are shown here side by side."


def runs_note(most: int) -> str:
    """Return what happens to runs of the same settings, and to more than `most` runs."""
    return (
        "Training again with the same settings and seed gives the same curve. Once there are "
        f"{most} runs, a new one replaces the oldest that is not pinned."
    )
