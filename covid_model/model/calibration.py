"""How sure a network's scores may sound: one number, fitted and checked by `audit.calibration`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Calibration:
    """The temperature that a network's logit is divided by (Guo et al. 2017, arXiv 1706.04599), and where it helped.

    Attributes:
        temperature: above 0; above 1 it moves scores towards 0.5, below 1 away from it. It changes no order of scores.
        fitted_on: films of the validation part.
        helps: by part of the reported films ("test", "external", ...): whether its cross-entropy there fell, to the
            upper end of its interval.
    """

    temperature: float
    fitted_on: int
    helps: dict[str, bool]

    def __post_init__(self):
        if not self.temperature > 0:
            raise ValueError(f"A temperature is above 0. Received: {self.temperature!r}.")

    @property
    def helped(self) -> bool:
        """Whether it helped out of sample: on every part that it was tried on, none of which it was fitted on."""
        return bool(self.helps) and all(self.helps.values())

    @classmethod
    def of(cls, content: Mapping[str, Any] | None) -> Calibration | None:
        """As a network's JSON holds it; None where it holds none. Raises TypeError or ValueError for anything else."""
        return None if content is None else cls(**content)

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Calibration:
        """What the record of the experiment says."""
        helps = {part: bool(found["helps"]) for part, found in record["splits"].items()}
        return cls(record["temperature"], record["fitted_on"]["films"], helps)
