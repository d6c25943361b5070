"""One row of the benchmark's table: what was measured, what was to be reached, and why not where it was not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """A measurement.

    Attributes:
        what: in words.
        value: the ratio or figure that is judged; None where it could not be measured.
        unit: of the value: "times", "s", "ms", "MB", "".
        least, most: what was to be reached, at least or at most; both None for a row that is only told.
        detail: the numbers behind, in words.
        note: why it could not be measured, or what was tried where it was not reached.
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
        """Whether the goal was reached; None where there is none or nothing was measured."""
        if self.value is None or (self.least is None and self.most is None):
            return None
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    @property
    def goal(self) -> str:
        """The goal in words."""
        bounds = [f"at least {self.least:g}" if self.least is not None else ""]
        bounds.append(f"at most {self.most:g}" if self.most is not None else "")
        words = " and ".join(filter(None, bounds))
        return f"{words} {self.unit}".strip() if words else ""

    def record(self) -> dict[str, Any]:
        """The row as it stands in the JSON."""
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
    """A row for what could not be measured here."""
    return Row(what, None, "", note=note)
