"""A network's recipe and training in words: what a JSON calls `frozen_blocks`, a reader can understand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from covid_model import config
from covid_model.formatting import decimal, duration
from covid_model.model.network_spec import IMAGENET, NetworkSpec
from covid_model.reports.model_card.prose import Table, escape

TOLD_ABOVE = ("preprocessing", "head")  # parts of a recipe that the table of the network itself tells
STAGES = "stages_before"  # recipes of the stages that training went through before
SETTINGS = {  # of a recipe, in the order shown
    "optimizer": "Optimiser",
    "epochs": "Epochs",
    "steps": "Batches",
    "batch": "Films a batch",
    "copies": "Copies of each film, the jittered ones included",
    "shares": "Share of a batch by source and truth",
    "jitter": "Jitter of the training films",
    "learning_rate": "Learning rate",
    "head_learning_rate": "Learning rate of the dense layers",
    "head_steps": "Batches that train the dense layers alone, at first",
    "warmup": "Batches over which the learning rate rises",
    "weight_decay": "Weight decay",
    "frozen_blocks": "Blocks of VGG-19 that stay as they were, from the first on",
    "auxiliary": "Weight of a second question: does the film show anything at all?",
    "ranking": "Weight of a loss that ranks COVID-19 films above others of the same source",
    "averaging": "Momentum of the running mean of the weights, which is what is kept",
    "look": "Batches between looks at the validation films",
    "seed": "Seed of the random numbers",
    "logit_shift": "Shift of the logit at the end, chosen on validation films",
}
JITTER = {  # of a recipe's jitter, each with its limit
    "rotation": "turned by up to {:g}°",
    "shift": "moved by up to {:g} of its side",
    "zoom": "stretched or shrunk by up to {:g} of its side",
    "crop": "cut by up to {:g} of each side",
    "gamma": "tone curve bent, gamma up to 2 to the ±{:g}",
    "contrast": "contrast up to 2 to the ±{:g}",
    "blur": "blurred by up to {:g} thousandths of the longer side",
    "sharpen": "sharpened by up to {:g}",
    "noise": "noise of up to {:g} grey levels",
    "jpeg": "JPEG of quality {:g} and more",
    "flip": "mirrored with probability {:g}",
    "each": "each of blur, sharpening, noise and JPEG with probability {:g}",
}
TRAINING = {  # of what came of it
    "films": "Films trained on",
    "covid": "of them COVID-19 films",
    "validation": "Films held out for validation",
    "seed": "Seed of this run",
    "seconds": "Training took",
    "recipe_seconds": "The whole recipe took",
    "feature_seconds": "Features of the frozen base took",
    "precision": "Precision",
    "machine": "Machine",
    "note": "Note",
}
_DURATIONS = ("seconds", "recipe_seconds", "feature_seconds")
_NO = {"ranking", "frozen_blocks", "auxiliary", "weight_decay", "head_steps", "warmup"}  # of which 0 means: not done


def sees(spec: NetworkSpec) -> str:
    """What is done to a film before the network."""
    how = spec.preprocessing
    steps = [f"{how.size} × {how.size} pixels"]
    steps += [f"{100 * how.border:g} % cut off each side"] if how.border else []
    steps += [f"blurred with a standard deviation of {how.blur:g} px"] if how.blur else []
    steps += ["grey levels equalised"] if how.equalize else []
    return ", ".join(steps)


def base(spec: NetworkSpec) -> str:
    """Where the convolutional layers come from."""
    return "VGG-19 as ImageNet left it, frozen" if spec.base == IMAGENET else "VGG-19 from ImageNet, trained further"


def network(spec: NetworkSpec) -> Table:
    """What a network is, one row a fact."""
    pooling = {"flatten": "all features of the film", "average": "features averaged over the film"}
    rows = {
        "Base": base(spec),
        "Head": f"{pooling.get(spec.head.pooling, escape(spec.head.pooling))}, {spec.head.units} units, "
        f"dropout {spec.head.dropout:g}, then one unit",
        "Parameters": f"{spec.parameters:,}" + (", those of the head alone" if spec.base == IMAGENET else ""),
        "Sees": sees(spec),
        "Threshold": f"{spec.threshold:g}",
        "Version": f"{escape(spec.weights)}, SHA-256 {escape(spec.sha256[:12])}…",
    }
    rows |= {TRAINING[key]: _done(key, spec.training[key]) for key in TRAINING if spec.training.get(key) is not None}
    rows |= {_unknown(key): _value(value) for key, value in spec.training.items() if key not in TRAINING}
    return Table("The network", ("What", "Here"), tuple(rows.items()))


def recipe(spec: NetworkSpec) -> Table | None:
    """How it was trained, a column a stage; None where its JSON does not say."""
    whole = spec.recipe.get("ours", spec.recipe)  # the rest of a recipe is what it was chosen from
    if not whole:
        return None
    stages = [*(whole.get(STAGES) or []), {key: value for key, value in whole.items() if key != STAGES}]
    present = {key for stage in stages for key in stage} - set(TOLD_ABOVE)
    ordered = [key for key in SETTINGS if key in present] + sorted(present - set(SETTINGS))
    rows = []
    for key in ordered:
        values = [stage.get(key) for stage in stages]
        cells = [_setting(key, value) for value in values]
        for at in range(len(values) - 1, 0, -1):
            if isinstance(values[at], Mapping) and values[at] == values[at - 1]:
                cells[at] = "as before"  # a long list is not told twice
        rows.append((SETTINGS.get(key) or _unknown(key), *cells))
    columns = ("Recipe", *([f"Stage {at}" for at in range(1, len(stages) + 1)] if len(stages) > 1 else ["Value"]))
    return Table("How it was trained", columns, tuple(rows))


def _setting(key: str, value: Any) -> str:
    if value is None:
        return "–"
    if key in _NO and value == 0:
        return "none"
    if key == "jitter" and isinstance(value, Mapping):
        acts = [_jitter(name, limit) for name, limit in value.items() if limit and _acts(name, value)]
        return ", ".join(acts) or "none"
    if key == "shares" and isinstance(value, Mapping):
        return ", ".join(f"{_group(group)} {100 * share:g} %" for group, share in value.items())
    return _value(value) if key == "seed" else _counted(value)


def _acts(name: str, jitter: Mapping[str, Any]) -> bool:
    """Whether a part of the jitter does anything: a probability of parts that are all off does not."""
    return name != "each" or any(jitter.get(part) for part in ("blur", "sharpen", "noise", "jpeg"))


def _jitter(name: str, limit: Any) -> str:
    return JITTER[name].format(limit) if name in JITTER else f"{_unknown(name)} {_value(limit)}"


def _group(name: str) -> str:
    """ "cohen 1" is that source's COVID-19 films, "cohen 0" its others."""
    source, _, truth = name.partition(" ")
    return f"{escape(config.SOURCE_TITLES.get(source, source))}, {'COVID-19' if truth == '1' else 'other'}:"


def _done(key: str, value: Any) -> str:
    if key in _DURATIONS:
        return duration(value) or _value(value)
    if key == "machine" and isinstance(value, Mapping):
        parts = [value.get("processor"), value.get("cores") and f"{value['cores']} cores"]
        parts += [value.get("memory_gib") and f"{value['memory_gib']} GiB of memory", value.get("system")]
        return escape(", ".join(str(part) for part in parts if part))
    return _value(value) if key == "seed" else _counted(value)


def _counted(value: Any) -> str:
    """A value, a whole number with its thousands parted."""
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else _value(value)


def _unknown(key: str) -> str:
    """A key that has no words here yet."""
    return escape(str(key).replace("_", " ").capitalize())


def _value(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{_unknown(key).lower()} {_value(one)}" for key, one in value.items() if one is not None)
    if isinstance(value, list | tuple):
        return ", ".join(_value(one) for one in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return escape(value)


# --- What the recipe of the network that ships was chosen by: sources left out, and classes told apart within a source

BASES = {"imagenet": "ImageNet's weights", "random": "random weights, nothing learnt"}


def left_out(trials: Sequence[Mapping[str, Any]]) -> Table | None:
    """Every trial without a source, and how well it told that source's films apart; None where none was made."""
    rows = []
    for trial in trials:
        last = trial["history"][-1]
        source = trial["left out"]
        what = f"learning rate {trial['learning_rate']:g}" if "learning_rate" in trial else "the recipe's learning rate"
        what += ", without the second question" if trial.get("auxiliary") == 0 else ""
        what += f", {last['step']} steps at {trial['size']} px"
        what += f", stopped {escape(trial['stopped'])}" if "stopped" in trial else ""
        title = escape(config.SOURCE_TITLES.get(source, source))
        rows.append((title, what, f"{trial['films']:,}", decimal(last[f"auc {source}"])))
    columns = ("Source left out", "Trial", "Its films looked at", "AUC on them")
    return Table("Trials of the recipe with one source left out", columns, tuple(rows)) if rows else None


def within(record: Mapping[str, Any] | None) -> tuple[Table | str, ...]:
    """How well the classes of one source can be told apart at all, and what that says; nothing without a record."""
    if record is None:
        return ()
    title = escape(config.SOURCE_TITLES.get(record["source"], record["source"]))
    rows = tuple(
        (BASES.get(base, escape(base)), *(f"{decimal(one['auc'])} ± {decimal(one['spread'])}" for one in found))
        for base, found in record["bases"].items()
    )
    penalties = [one["penalty"] for one in next(iter(record["bases"].values()))]
    table = Table(
        f"AUC within {title}, {record['folds']}-fold by patient, {record['repeats']} times",
        ("Frozen base, linear head", *(f"C = {penalty:g}" for penalty in penalties)),
        rows,
    )
    best = {base: max(one["auc"] for one in found) for base, found in record["bases"].items()}
    others = record["films"] - record["covid"]
    note = (
        f"{title} is the only source of training that names its patients and has films of both kinds: "
        f"{record['covid']} of COVID-19 and {others} others ({record['ill_otherwise']} of them show something else), "
        f"of {record['patients']} patients. Nothing there can be told by the source. "
    )
    if {"imagenet", "random"} <= set(best):
        better = best["imagenet"] - best["random"]
        note += (
            f"The AUC comes to {decimal(best['imagenet'])} at best with ImageNet's weights and to "
            f"{decimal(best['random'])} with random ones"
            + (": pretraining adds nothing there." if better < _spread(record) else ".")
        )
    return table, note


def _spread(record: Mapping[str, Any]) -> float:
    """The largest standard deviation in a record: differences below it mean nothing."""
    return max(one["spread"] for found in record["bases"].values() for one in found)


# --- Time and energy that a network took. The time was recorded; the energy is an estimate, and says so ---

# What a core is assumed to draw: the value that Green Algorithms takes for a processor it does not know ("Any").
WATTS_A_CORE = 12.0
WATTS_SOURCE = (
    "the value that Green Algorithms takes for a processor it does not know (L. Lannelongue, J. Grealey, M. Inouye "
    "2021, [doi 10.1002/advs.202100707](https://doi.org/10.1002/advs.202100707))"
)
_JOULES_A_KWH = 3.6e6
_RECORDED = {  # of a network's training; the first that was recorded holds the others
    "recipe_seconds": "The whole recipe, choice and repeated runs included",
    "seconds": "Training",
}


@dataclass(frozen=True)
class Spent:
    """What something took: seconds of so many cores, and the estimated energy in kilowatt-hours."""

    what: str
    seconds: float
    cores: int

    @property
    def kilowatt_hours(self) -> float:
        return self.seconds * self.cores * WATTS_A_CORE / _JOULES_A_KWH


def spent(
    spec: NetworkSpec, trials: Sequence[Mapping[str, Any]] = (), put_aside: Mapping[str, Any] | None = None
) -> list[Spent]:
    """What a network's training took, and the trials that its recipe was chosen by; nothing that was not recorded.

    Args:
        trials: the records of assets/results/leave_one_out.json; they are taken to have run on the same machine.
        put_aside: the record of a further stage, assets/results/put_aside.json.
    """
    cores = (spec.training.get("machine") or {}).get("cores")
    if not isinstance(cores, int):
        return []
    found = []
    for key, what in _RECORDED.items():
        seconds = spec.training.get(key)
        if isinstance(seconds, int | float):
            found.append(Spent(what, float(seconds), cores))
            break
    seconds = sum(trial["history"][-1]["seconds"] for trial in trials if trial.get("history"))
    if seconds:
        found.append(Spent(f"{len(trials)} trials with a source left out", float(seconds), cores))
    if put_aside:
        own = put_aside["training"]["machine"]["cores"]
        found.append(Spent("A further stage, not taken", float(put_aside["history"][-1]["seconds"]), own))
    return found
