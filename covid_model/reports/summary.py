"""Summarize a prediction for the page, the PDF, CSV, JSON and the command line."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from covid_model import formatting
from covid_model.verdict import OutOfDistribution, is_positive

if TYPE_CHECKING:
    from covid_model.model.predictor import Prediction

REFUSED = "Refused"  # in place of a verdict
CSV_COLUMNS = ("file", "network", "score", "positive", "threshold", "warnings", "out_of_distribution", "refused")
YES_NO = {True: "yes", False: "no"}
# A cell that starts so is a formula to a spreadsheet, full-width signs included.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")


@dataclass(frozen=True)
class PredictionSummary:
    """One network's prediction for one film, at a threshold.

    Attributes:
        file: Name of the film or its file, as given.
        network: Name of the network.
        threshold: In [0, 1].
        score: In [0, 1]; None if the film was refused.
        warnings: Plain sentences; if the film is out of distribution, the first says why.
        reason: Why the film is out of distribution; None if it is not.
        refused: Why there is no score, a plain sentence; None if there is one.
        overlay: Path of the overlay; None if none was written.
        title: Title of the network; "" if it has only its name.
        caveats: Further caveats, as plain sentences.
    """

    file: str
    network: str
    threshold: float
    score: float | None = None
    warnings: tuple[str, ...] = ()
    reason: OutOfDistribution | None = None
    refused: str | None = None
    overlay: str | None = None
    title: str = ""
    caveats: tuple[str, ...] = ()

    @property
    def positive(self) -> bool | None:
        """Whether the score is above the threshold; None if the film was refused."""
        return None if self.score is None else bool(is_positive(self.score, self.threshold))

    @property
    def out_of_distribution(self) -> bool:
        """Whether the film differs from the training films, so that its score is not meaningful."""
        return self.reason is not None

    @property
    def score_text(self) -> str:
        """The score as text, the same everywhere; "" if there is none."""
        return "" if self.score is None else formatting.score_text(self.score)

    @property
    def verdict(self) -> str:
        """The verdict in a word or two; a film that is out of distribution gets none."""
        if self.positive is None:
            return REFUSED
        return "No verdict" if self.out_of_distribution else formatting.verdict_word(self.positive).capitalize()

    def as_json(self) -> dict[str, object]:
        """Return the object of `predict --json`. `covid` repeats `positive`, is deprecated and goes with version 2."""
        return {
            "file": self.file,
            "network": self.network,
            "score": self.score,
            "positive": self.positive,
            "covid": self.positive,
            "threshold": self.threshold,
            "warnings": list(self.warnings),
            "out_of_distribution": self.out_of_distribution,
            "refused": self.refused,
            "overlay": self.overlay,
        }


def summarize(
    file: str,
    prediction: Prediction,
    threshold: float,
    *,
    overlay: str | None = None,
    title: str = "",
    caveats: tuple[str, ...] = (),
) -> PredictionSummary:
    """Return the summary of a prediction for `file` at `threshold`."""
    return PredictionSummary(
        file,
        prediction.network,
        threshold,
        float(prediction.score),
        formatting.remarks(prediction),
        prediction.reason,
        overlay=overlay,
        title=title,
        caveats=caveats,
    )


def refusal(file: str, network: str, threshold: float, why: str) -> PredictionSummary:
    """Return the summary of a file that has no score. `why`: a plain sentence."""
    return PredictionSummary(file, network, threshold, refused=why)


def to_csv(summaries: Sequence[PredictionSummary]) -> bytes:
    """Return the summaries as CSV, one row per film, with the columns CSV_COLUMNS.

    The encoding is UTF-8 with a byte order mark, so that spreadsheets read names correctly. Text that a spreadsheet
    would run as a formula starts with an apostrophe.
    """
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)  # text with any separator stays in one cell
    writer.writerow(CSV_COLUMNS)
    for summary in summaries:
        row = summary.as_json() | {"warnings": " ".join(summary.warnings)}
        row["positive"] = None if summary.positive is None else YES_NO[summary.positive]
        row["out_of_distribution"] = None if summary.positive is None else YES_NO[summary.out_of_distribution]
        writer.writerow([_cell(row[column]) for column in CSV_COLUMNS])
    return file.getvalue().encode("utf-8-sig")


def _cell(value: object) -> object:
    """Return a value for a cell of the CSV, with formulas disarmed."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    return f"'{value}" if value.lstrip().startswith(FORMULA_STARTS) or value.startswith(FORMULA_STARTS) else value
