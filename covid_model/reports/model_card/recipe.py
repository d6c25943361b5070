"""Describe a network, its recipe, and the time and energy that they took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from covid_model import config
from covid_model.formatting import decimal, duration
from covid_model.model.registry import IMAGENET, NetworkSpec
from covid_model.reports.model_card.sentences import Table, escape

SHOWN_ABOVE = ("preprocessing", "head")  # parts of a recipe that are in the table of the network
STAGES = "stages"  # each stage's own settings; the recipe's other settings apply to all of them
SETTINGS = {  # of a recipe, in the order shown
    "optimizer": "Optimizer",
    "epochs": "Epochs",
    "steps": "Batches",
    "batch": "Batch size",
    "copies": "Copies of each X-ray, augmented ones included",
    "shares": "Share of a batch by source and class",
    "augment": "Data augmentation",
    "jitter": "Data augmentation",
    "size": "Pixels per side",
    "learning_rate": "Learning rate",
    "warmup": "Warm-up batches of the learning rate",
    "weight_decay": "Weight decay",
    "frozen_blocks": "Frozen blocks of VGG-19, from the first",
    "abnormal": "Weight of the auxiliary output: anything abnormal?",
    "ema_momentum": "Momentum of the weights' moving average, which is saved",
    "seed": "Random seed",
    "logit_shift": "Final shift of the logit, chosen on validation X-rays",
}
AUGMENTATION = {  # parts of a recipe's augmentation, with their limits
    "rotation": "rotated by up to {:g}°",
    "shift": "shifted by up to {:g} of its side",
    "zoom": "zoomed by up to {:g} of its side",
    "crop": "cropped by up to {:g} of each side",
    "gamma": "gamma up to 2 to the ±{:g}",
    "contrast": "contrast up to 2 to the ±{:g}",
    "blur": "blurred by up to {:g} thousandths of the longer side",
    "sharpen": "sharpened by up to {:g}",
    "noise": "noise of up to {:g} gray levels",
    "jpeg": "JPEG of quality {:g} and more",
    "flip": "flipped horizontally with probability {:g}",
    "each": "each of blur, sharpening, noise and JPEG with probability {:g}",
}
TRAINING = {  # facts about the training run
    "films": "X-rays trained on",
    "covid": "of them COVID-19",
    "validation": "X-rays held out for validation",
    "seed": "Random seed of this run",
    "seconds": "Training time",
    "recipe_seconds": "Time of the whole recipe",
    "feature_seconds": "Time to compute the features of the frozen base",
    "precision": "Precision",
    "machine": "Machine",
    "note": "Note",
}
_DURATIONS = ("seconds", "recipe_seconds", "feature_seconds")
_NO = {  # settings that are off at 0
    "frozen_blocks",
    "abnormal",
    "weight_decay",
    "warmup",
}


def preprocessing(spec: NetworkSpec) -> str:
    """Return the network's preprocessing in words."""
    settings = spec.preprocessing
    steps = [f"{settings.size} × {settings.size} pixels"]
    steps += [f"{100 * settings.border:g} % cropped from each side"] if settings.border else []
    steps += [f"blurred with a standard deviation of {settings.blur:g} px"] if settings.blur else []
    steps += ["histogram-equalized"] if settings.equalize else []
    return ", ".join(steps)


def base(spec: NetworkSpec) -> str:
    """Return where the convolutional layers come from, in words."""
    return (
        "VGG-19 pretrained on ImageNet, frozen"
        if spec.base == IMAGENET
        else "VGG-19 pretrained on ImageNet, fine-tuned"
    )


def network(spec: NetworkSpec) -> Table:
    """Return what the network is, one row per fact."""
    pooling = {"flatten": "all features flattened", "average": "features averaged over the X-ray"}
    rows = {
        "Base": base(spec),
        "Head": f"{pooling.get(spec.head.pooling, escape(spec.head.pooling))}, {spec.head.units} units, "
        f"dropout {spec.head.dropout:g}, then one unit",
        "Parameters": f"{spec.parameters:,}" + (" in the head alone" if spec.base == IMAGENET else ""),
        "Preprocessing": preprocessing(spec),
        "Threshold": f"{spec.threshold:g}",
        "Version": f"{escape(spec.weights)}, SHA-256 {escape(spec.sha256[:12])}…",
    }
    told = {"seconds"} if spent(spec) else set()  # in the section on time and energy
    told |= {"seed"} if spec.recipe.get("seed") == spec.training.get("seed") else set()  # in the recipe
    facts = {key: value for key, value in spec.training.items() if key not in told and value is not None}
    rows |= {TRAINING[key]: _done(key, facts[key]) for key in TRAINING if key in facts}
    rows |= {_unknown(key): _value(value) for key, value in facts.items() if key not in TRAINING}
    return Table("The network", ("Property", "Value"), tuple(rows.items()))


def recipe(spec: NetworkSpec) -> Table | None:
    """Return how it was trained; None if its JSON does not say. What stages differ in has a value for each."""
    whole = spec.recipe.get("ours", spec.recipe)  # the rest lists the candidates that it was chosen from
    if not whole:
        return None
    stages = _stages(whole)
    present = {key for stage in stages for key in stage} - set(SHOWN_ABOVE)
    ordered = [key for key in SETTINGS if key in present] + sorted(present - set(SETTINGS))
    rows = []
    for key in ordered:
        values = [stage[key] for stage in stages if key in stage]
        alike = all(value == values[0] for value in values)
        cells = [_setting(key, value) for value in (values[:1] if alike else values)]
        rows.append((SETTINGS.get(key) or _unknown(key), ", ".join(cells)))
    several = f" in {len(stages)} stages" if len(stages) > 1 else ""
    return Table(
        f"How it was trained{several}", ("Recipe", "Value, or one per stage" if several else "Value"), tuple(rows)
    )


def last_stage(spec: NetworkSpec) -> str:
    """Return what the last stage did to the AUCs on validation X-rays if it lowered their mean, else ""."""
    stages: dict[float, Mapping[str, float]] = {row["stage"]: row for row in spec.history if "within" in row}
    if len(stages) < 2:
        return ""
    before, after = (stages[stage] for stage in sorted(stages)[-2:])  # each stage's last epoch
    if after["within"] >= before["within"]:
        return ""
    source = ""
    if "auc siim" in before and "auc siim" in after:
        first, last = (decimal(row["auc siim"]) for row in (before, after))
        moved = f"left that of {{}} at {first}" if first == last else f"moved that of {{}} from {first} to {last}"
        source = f" and {moved.format(config.SOURCE_TITLES['siim'])}"
    return (
        "The rule to keep only what helps was not always followed. The last stage lowered the mean AUC within sources, "
        f"on validation X-rays, from {decimal(before['within'])} to {decimal(after['within'])}{source}; it was kept as "
        "trained."
    )


def _stages(whole: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return all settings of each stage; the final shift of the logit belongs to the last one only."""
    common = {key: value for key, value in whole.items() if key != STAGES}
    if not whole.get(STAGES):
        return [common]
    stages = [common | stage for stage in whole[STAGES]]
    return [{key: value for key, value in stage.items() if key != "logit_shift"} for stage in stages[:-1]] + stages[-1:]


def _setting(key: str, value: Any) -> str:
    if value is None:
        return "–"
    if key in _NO and value == 0:
        return "none"
    if key in ("augment", "jitter") and isinstance(value, Mapping):
        active = [_augmentation(name, limit) for name, limit in value.items() if limit and _acts(name, value)]
        return ", ".join(active) or "none"
    if key == "shares" and isinstance(value, Mapping):
        return _shares(value)
    return _value(value) if key == "seed" else _counted(value)


def _acts(name: str, augmentation: Mapping[str, Any]) -> bool:
    """Return whether a part of the augmentation has an effect: a probability of parts that are all off has none."""
    return name != "each" or any(augmentation.get(part) for part in ("blur", "sharpen", "noise", "jpeg"))


def _augmentation(name: str, limit: Any) -> str:
    return AUGMENTATION[name].format(limit) if name in AUGMENTATION else f"{_unknown(name)} {_value(limit)}"


def _shares(shares: Mapping[str, float]) -> str:
    """Return shares in words. "siim 1" is that source's COVID-19 films, "siim 0" its others, "siim" unlabeled ones."""
    parts: dict[str, list[str]] = {}
    for name, share in shares.items():
        source, _, truth = name.partition(" ")
        label = {"1": "COVID-19", "0": "non-COVID"}.get(truth, "unlabeled")
        parts.setdefault(escape(config.SOURCE_TITLES.get(source, source)), []).append(f"{label} {100 * share:g} %")
    return "; ".join(f"{source}: {', '.join(labels)}" for source, labels in parts.items())


def _done(key: str, value: Any) -> str:
    if key in _DURATIONS:
        return duration(value) or _value(value)
    if key == "machine" and isinstance(value, Mapping):
        parts = [value.get("processor"), value.get("cores") and f"{value['cores']} cores"]
        parts += [value.get("memory_gib") and f"{value['memory_gib']} GiB of memory", value.get("system")]
        return escape(", ".join(str(part) for part in parts if part))
    return _value(value) if key == "seed" else _counted(value)


def _counted(value: Any) -> str:
    """Return a value in words, a whole number with thousands separators."""
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else _value(value)


def _unknown(key: str) -> str:
    """Return a title for a key that has none here."""
    return escape(str(key).replace("_", " ").capitalize())


def _value(value: Any) -> str:
    """Return a value on one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{_unknown(key).lower()} {_value(part)}" for key, part in value.items() if part is not None)
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return escape(value)


# --- Time (recorded) and energy (estimated) of a network

# Power of one core: what Green Algorithms assumes for an unknown processor ("Any").
WATTS_A_CORE = 12.0
WATTS_SOURCE = (
    "as Green Algorithms assumes for an unknown processor ([doi 10.1002/advs.202100707](https://doi.org/10.1002/advs.2021"
    "00707))"
)
_JOULES_A_KWH = 3.6e6
_RECORDED = {  # keys of NetworkSpec.training; the first one recorded includes the others
    "recipe_seconds": "The whole recipe, with its selection and repeated runs",
    "seconds": "Training",
}


@dataclass(frozen=True)
class Spent:
    """The cost of one step: seconds on a number of cores, and the estimated energy in kilowatt-hours."""

    title: str
    seconds: float
    cores: int

    @property
    def kilowatt_hours(self) -> float:
        return self.seconds * self.cores * WATTS_A_CORE / _JOULES_A_KWH


def spent(
    spec: NetworkSpec, trials: Mapping[str, Any] | None = None, validation: Mapping[str, Any] | None = None
) -> list[Spent]:
    """Return the cost of a network's training and of the trials about it, as far as it was recorded.

    Args:
        spec: The network.
        trials: The record of assets/results/trials.json.
        validation: That of assets/results/validation_trials.json, made on the machine of the training.
    """
    cores = (spec.training.get("machine") or {}).get("cores")
    if not isinstance(cores, int):
        return []
    costs = []
    for key, title in _RECORDED.items():
        seconds = spec.training.get(key)
        if isinstance(seconds, int | float):
            costs.append(Spent(title, float(seconds), cores))
            break
    if trials:
        seconds = sum(trial["seconds"] for trial in trials["trials"])
        title = f"{len(trials['trials'])} trials without one source"
        costs.append(Spent(title, seconds, trials["about"]["machine"]["cores"]))
    for trial in (validation or {}).get("trials", ()):
        if "seconds" in trial:
            costs.append(Spent(trial["title"].partition(" (")[0], trial["seconds"], cores))
    return costs
