"""Figures of the About page, computed from the committed tables. No streamlit in here."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from covid_model import config
from covid_model.app.text import prediction as prediction_text
from covid_model.config import split_title
from covid_model.model import registry
from covid_model.verdict import is_positive

UNSEEN = ("test", "extra-test", "external")  # splits that no network was trained on


def positives_by_group(scores: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """One row a split, source and truth of the unseen films; a column a network: "18 of 18".

    Args:
        scores: columns split, source, covid, network, score.
        threshold: in [0, 1].
    """
    rows = []
    networks = [name for name in registry.names() if name in set(scores["network"])]
    unseen = scores[scores["split"].isin(UNSEEN)]
    for split in UNSEEN:
        for source in config.SOURCE_TITLES:
            for covid in (1, 0):
                part = unseen[(unseen["split"] == split) & (unseen["source"] == source) & (unseen["covid"] == covid)]
                if part.empty:
                    continue
                row = {
                    "Split": split_title(split),
                    "Source": prediction_text.plain(prediction_text.source_title(source)),
                    "Films": "COVID-19" if covid else "Other",
                }
                for name in networks:
                    its = part.loc[part["network"] == name, "score"]
                    row[registry.short_title(name)] = (
                        f"{int(is_positive(its, threshold).sum()):,} of {len(its):,}" if len(its) else "–"
                    )
                rows.append(row)
    return pd.DataFrame(rows)


def pitfalls(scores: pd.DataFrame, threshold: float) -> list[str]:
    """What goes wrong with figures like the paper's, in sentences with the figures of this copy, as Markdown."""
    test = scores[scores["split"] == "test"].drop_duplicates("id")
    if test.empty:
        return []
    other, covid = test[test["covid"] == 0], test[test["covid"] == 1]
    children = int((other["source"] == config.CHILDREN).sum())
    grown = int((covid["source"] != config.CHILDREN).sum())
    found = [
        f"**Adults against children.** {children:,} of the {len(other):,} test films without COVID-19 are of children "
        f"of one to five years; {grown:,} of the {len(covid):,} COVID-19 films come from sources of adults. A "
        "network that tells adults from children looks as if it knew the disease.",
        f"**The rare class.** Who answers “no” to every test film is right on {len(other) / len(test):.1%} of them. An "
        "accuracy has to be read beside that.",
    ]
    for name in registry.names():
        its = scores[(scores["split"] == "test") & (scores["network"] == name)]
        adults = its[(its["covid"] == 0) & (its["source"] != config.CHILDREN)]
        if len(adults):
            right = (is_positive(its["score"], threshold) == (its["covid"] == 1)).mean()
            called = int(is_positive(adults["score"], threshold).sum())
            who = prediction_text.plain(registry.title(name))
            found.append(
                f"**{who}** is right on {right:.1%} of the test films at {threshold}; of the "
                f"{len(adults)} adults without COVID-19 among them it calls **{called}** positive."
            )
    found.append(
        "**Other hospitals, other machines.** A score rests on whatever set the films apart: disease, but also age, "
        "machine, markers and file history. What a network reaches on films of a source that it never saw is in the "
        "table below."
    )
    return found


SEED_FIGURES = {  # as paper_seeds.json names them, and as the page does
    "accuracy_at_0.5": f"Accuracy at {config.HALF}",
    "accuracy_at_0.6": f"Accuracy at {config.PAPER_MARK}",
    "always_no_accuracy": "Accuracy of always “no”",
    "sensitivity": f"Sensitivity at {config.PAPER_MARK}",
    "specificity": f"Specificity at {config.PAPER_MARK}",
    "auc": "AUC",
    "covid_above_0.6": f"COVID-19 films above {config.PAPER_MARK}",
    "covid_above_0.9": f"COVID-19 films above {config.HIGH}",
    "adults_positive_test": f"Adults without COVID-19 called positive, {split_title('test')}",
    "adults_positive_extra_test": f"Adults without COVID-19 called positive, {split_title('extra-test')}",
}


def seed_runs(runs: list[dict[str, Any]]) -> pd.DataFrame:
    """Repeated runs of the paper's recipe: a row a figure, a column a variant, each mean ± standard deviation."""
    table = pd.DataFrame(runs).groupby("variant", sort=False)
    mean, spread = table[list(SEED_FIGURES)].mean(), table[list(SEED_FIGURES)].std()
    found = {
        variant: [
            f"{mean.at[variant, key]:.3f} ± {spread.at[variant, key]:.3f}"
            if key == "auc"
            else f"{mean.at[variant, key]:.1%} ± {100 * spread.at[variant, key]:.1f}"
            for key in SEED_FIGURES
        ]
        for variant in mean.index
    }
    return pd.DataFrame({"On the test films": SEED_FIGURES.values(), **found})


def licences(films: pd.DataFrame) -> pd.DataFrame:
    """Films by source and licence, as the source states it."""
    if "license" not in films.columns:
        return pd.DataFrame(columns=["Source", "Licence", "Films"])
    stated = films["license"].fillna("not stated").replace("", "not stated")
    table = films.assign(Licence=stated).groupby(["source", "Licence"], sort=False).size()
    table = table.rename("Films").reset_index().sort_values(["source", "Films"], ascending=[True, False])
    table["Source"] = [prediction_text.plain(prediction_text.source_title(source)) for source in table["source"]]
    table["Licence"] = [prediction_text.plain(licence) for licence in table["Licence"]]
    table["Films"] = [f"{number:,}" for number in table["Films"]]
    return table[["Source", "Licence", "Films"]]


def minutes(seconds: float) -> str:
    """A time in words, rounded up to whole minutes."""
    count = math.ceil(seconds / 60)
    return f"{count} minute{'' if count == 1 else 's'}"
