"""Time and energy that a network took. The time was recorded; the energy is an estimate, and says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from covid_model.network import NetworkSpec

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
