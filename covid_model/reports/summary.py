"""PredictionSummary: what a prediction comes to, for the page, the PDF, CSV and JSON and the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from covid_model import formatting
from covid_model.verdict import OutOfDistribution, is_positive

if TYPE_CHECKING:
    from covid_model.model.predictor import Prediction

REFUSED = "Refused"  # in place of a verdict
CSV_COLUMNS = ("file", "network", "score", "positive", "threshold", "warnings", "out_of_distribution", "refused")


@dataclass(frozen=True)
class PredictionSummary:
    """One film and what one network makes of it at a threshold.

    Attributes:
        file: the film's or its file's name, as it was given.
        network: name of the network.
        threshold: in [0, 1].
        score: in [0, 1]; None where the film was refused.
        warnings: plain sentences; the first says why the film is out of distribution, where it is.
        reason: why the film is out of distribution; None where it is not.
        refused: why there is no score, a plain sentence; None where there is one.
        overlay: path of the overlay written; None where none was.
        title: of the network; "" where it has none beside its name.
        caveats: what else is to be borne in mind, as plain sentences.
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
        """Whether the score is above the threshold; None where the film was refused."""
        return None if self.score is None else bool(is_positive(self.score, self.threshold))

    @property
    def out_of_distribution(self) -> bool:
        """Whether the film lies outside what the network was trained on, so that its score is not meaningful."""
        return self.reason is not None

    @property
    def score_text(self) -> str:
        """The score as it is written everywhere; "" where there is none."""
        return "" if self.score is None else formatting.score_text(self.score)

    @property
    def verdict(self) -> str:
        """The verdict in a word or two, for a table or a line: none on a film that is out of distribution."""
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
    reading: Prediction,
    threshold: float,
    *,
    overlay: str | None = None,
    title: str = "",
    caveats: tuple[str, ...] = (),
) -> PredictionSummary:
    """Return what a reading of `file` comes to at `threshold`."""
    return PredictionSummary(
        file,
        reading.network,
        threshold,
        float(reading.score),
        formatting.remarks(reading),
        reading.reason,
        overlay=overlay,
        title=title,
        caveats=caveats,
    )


def refusal(file: str, network: str, threshold: float, why: str) -> PredictionSummary:
    """Return the summary of a file that got no score. `why`: a plain sentence."""
    return PredictionSummary(file, network, threshold, refused=why)
