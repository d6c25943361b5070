"""One row of the benchmark's table: measurement, goal, and details."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """A measurement.

    Attributes:
        what: description.
        value: the measured ratio or figure; None if it could not be measured.
        unit: of the value: "times", "s", "ms", "MB", "".
        least, most: bounds of the goal; both None for a row without a goal.
        detail: the numbers behind the value.
        note: why it could not be measured, or what explains it.
    """

    what: str
    value: float | None
    unit: str = "times"
    least: float | None = None
    most: float | None = None
    detail: str = ""
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether the goal was reached; None without a goal or a value."""
        if self.value is None or (self.least is None and self.most is None):
            return None
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    @property
    def goal(self) -> str:
        """The goal as text."""
        bounds = [f"at least {self.least:g}" if self.least is not None else ""]
        bounds.append(f"at most {self.most:g}" if self.most is not None else "")
        words = " and ".join(filter(None, bounds))
        return f"{words} {self.unit}".strip() if words else ""

    def record(self) -> dict[str, Any]:
        """Return the row as in the JSON."""
        value = None if self.value is None else float(f"{self.value:.4g}")
        return {
            "what": self.what,
            "value": value,
            "unit": self.unit,
            "goal": self.goal,
            "reached": self.reached,
            "detail": self.detail,
            "note": self.note,
        }


def missing(what: str, note: str) -> Row:
    """Return a row for something that could not be measured here."""
    return Row(what, None, "", note=note)
