"""Whether scores mean what they say: heading, sentences, a table. No streamlit in here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from covid_model import evaluation
from covid_model.app import words
from covid_model.evaluation import Bin
from covid_model.phrases import decimal, percent, score_text


def heading(networks: Mapping[str, Sequence[Bin]]) -> str:
    """What the highest scores say, and what is true of those films."""
    parts = []
    for title, bins in networks.items():
        known = [one for one in bins if one.films]
        if known:
            top = known[-1]
            whose = f" ({words.plain(title)})" if len(networks) > 1 else ""
            parts.append(
                f"{top.films:,} {'film scores' if top.films == 1 else 'films score'} above {top.low:.1f}, "
                f"{score_text(top.score)} on average, and "
                f"{percent(top.covid.value)} of them are COVID-19 films{whose}"
            )
    return "; ".join(parts) or "No films"


Record = Mapping[str, Any]  # of audit.calibration


def after(record: Record | None, split: str, films: int, covid: int) -> Record | None:
    """The part of a calibration record on these films; None where it has none, or was made on other films."""
    part = (record or {}).get("splits", {}).get(split)
    return part if part and (part["films"], part["covid"]) == (films, covid) else None


def table(
    title: str, bins: Sequence[Bin], brier: float | None, temperature: float | None, part: Record | None
) -> pd.DataFrame:
    """ECE and Brier's score of a network as it is, and after its temperature where there is a record of that."""
    scores = {
        "**ECE**  \n:small[mean distance from the diagonal, by film]": (
            evaluation.calibration_error(list(bins)),
            "ece",
        ),
        "**Brier score**  \n:small[mean square of score less truth]": (brier, "brier"),
    }
    rows = {}
    for label, (now, key) in scores.items():
        rows[label] = {f"{words.plain(title)}": decimal(now)}
        if part:
            rows[label][f"At temperature {temperature:.2f}"] = decimal(part["after"][key])
    return pd.DataFrame.from_dict(rows, orient="index")


def temperature(record: Record, part: Record) -> str:
    """What the temperature is, and whether it helps on these films."""
    fitted = record["fitted_on"]
    helps = (
        "Here it helps: the cross-entropy falls, and its whole interval lies below 0."
        if part["helps"]
        else "Here it does not surely help: the interval of the change in cross-entropy holds 0."
    )
    return (
        f"One number, the temperature {record['temperature']:.2f}, divides every logit. It was fitted on "
        f"{fitted['films']:,} validation films, {fitted['covid']:,} of them COVID-19. {helps}"
    )


NO_TEMPERATURE = (
    "What one number fitted on validation films (a temperature) would change is not recorded for these films and these "
    "weights; `python -m covid_model audit --only calibration` measures it, on films that were not trained on."
)
