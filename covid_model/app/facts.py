"""Figures of the About page, computed from the committed tables. No streamlit in here."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from covid_model import settings
from covid_model.app import words
from covid_model.network import IMAGENET, NetworkSpec

UNSEEN = ("test", "extra-test", "external")  # splits that no network was trained on


def called_positive(scores: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """One row a split, source and truth of the unseen films; a column a network: "18 of 18".

    Args:
        scores: columns split, source, covid, network, score.
        threshold: in [0, 1].
    """
    rows = []
    networks = [name for name in settings.NETWORK_NAMES if name in set(scores["network"])]
    unseen = scores[scores["split"].isin(UNSEEN)]
    for split in UNSEEN:
        for source in settings.SOURCE_TITLES:
            for covid in (1, 0):
                part = unseen[(unseen["split"] == split) & (unseen["source"] == source) & (unseen["covid"] == covid)]
                if part.empty:
                    continue
                row = {
                    "Split": split,
                    "Source": words.plain(words.source(source)),
                    "Films": "COVID-19" if covid else "Other",
                }
                for name in networks:
                    its = part.loc[part["network"] == name, "score"]
                    row[name] = f"{int((its > threshold).sum()):,} of {len(its):,}" if len(its) else "–"
                rows.append(row)
    return pd.DataFrame(rows)


def traps(scores: pd.DataFrame, threshold: float) -> list[str]:
    """What goes wrong with figures like the paper's, in sentences with the figures of this copy, as Markdown."""
    test = scores[scores["split"] == "test"].drop_duplicates("id")
    if test.empty:
        return []
    other, covid = test[test["covid"] == 0], test[test["covid"] == 1]
    children = int((other["source"] == settings.CHILDREN).sum())
    grown = int((covid["source"] != settings.CHILDREN).sum())
    found = [
        f"**Adults against children.** {children:,} of the {len(other):,} test films without COVID-19 are of children "
        f"of one to five years; {grown:,} of the {len(covid):,} COVID-19 films come from sources of adults. A "
        "network that tells adults from children looks as if it knew the disease.",
        f"**The rare class.** Who answers “no” to every test film is right on {len(other) / len(test):.1%} of them. An "
        "accuracy has to be read beside that.",
    ]
    for name in settings.NETWORK_NAMES:
        its = scores[(scores["split"] == "test") & (scores["network"] == name)]
        adults = its[(its["covid"] == 0) & (its["source"] != settings.CHILDREN)]
        if len(adults):
            right = ((its["score"] > threshold) == (its["covid"] == 1)).mean()
            called = int((adults["score"] > threshold).sum())
            found.append(
                f"**The network `{name}`** is right on {right:.1%} of the test films at {threshold}; of the "
                f"{len(adults)} adults without COVID-19 among them it calls **{called}** positive."
            )
    found.append(
        "**Other hospitals, other machines.** A score rests on whatever set the films apart: disease, but also age, "
        "machine, markers and file history. What a network reaches on films of a source that it never saw is in the "
        "table below."
    )
    return found


TOLD_ABOVE = ("preprocessing", "head")  # parts of a recipe that the table of a network tells in words


def of_network(spec: NetworkSpec) -> pd.DataFrame:
    """What a network is, one row a fact."""
    how = spec.preprocessing
    steps = [f"{how.size} × {how.size} pixels"]
    steps += [f"{how.border:.0%} cut off each side"] if how.border else []
    steps += [f"blurred by {how.blur:g} pixels"] if how.blur else []
    steps += ["grey levels equalised"] if how.equalize else []
    base = "VGG-19 as ImageNet left it, frozen" if spec.base == IMAGENET else "VGG-19, trained further"
    facts = {
        "Base": base,
        "Head": f"{spec.head.pooling}, {spec.head.units} units, dropout {spec.head.dropout:g}, then one unit",
        "Parameters": f"{spec.parameters:,}",
        "Sees": ", ".join(steps),
        "Threshold": f"{spec.threshold:g}",
        "Weights": f"{spec.weights}, SHA-256 {spec.sha256[:12]}…",
    }
    recipe = spec.recipe.get("ours", spec.recipe)  # the rest of a recipe is what it was chosen from
    facts |= {f"Recipe: {_title(key)}": _value(value) for key, value in recipe.items() if key not in TOLD_ABOVE}
    facts |= {f"Training: {_title(key)}": _value(value) for key, value in spec.training.items()}
    known = {words.plain(key): words.plain(value) for key, value in facts.items() if value not in (None, "")}
    return pd.DataFrame({"": list(known.values())}, index=list(known))


SEED_FIGURES = {  # as paper_seeds.json names them, and as the page does
    "accuracy_at_0.5": f"Accuracy at {settings.HALF}",
    "accuracy_at_0.6": f"Accuracy at {settings.THRESHOLD}",
    "always_no_accuracy": "Accuracy of always “no”",
    "sensitivity": f"Sensitivity at {settings.THRESHOLD}",
    "specificity": f"Specificity at {settings.THRESHOLD}",
    "auc": "AUC",
    "covid_above_0.6": f"COVID-19 films above {settings.THRESHOLD}",
    "covid_above_0.9": f"COVID-19 films above {settings.HIGH}",
    "adults_positive_test": "Adults without COVID-19 called positive, test",
    "adults_positive_extra_test": "Adults without COVID-19 called positive, extra-test",
}


def seeds(runs: list[dict[str, Any]]) -> pd.DataFrame:
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


def counts(films: pd.DataFrame) -> pd.DataFrame:
    """Films by source (rows) and split (columns), with the COVID-19 films in brackets."""
    table = pd.DataFrame(index=[source for source in settings.SOURCE_TITLES if source in set(films["source"])])
    for split in (*settings.SPLITS, "all"):
        part = films if split == "all" else films[films["split"] == split]
        all_of, covid = part.groupby("source").size(), part.groupby("source")["covid"].sum()
        table[split] = [
            f"{all_of[source]:,} ({int(covid[source]):,})" if source in all_of.index else "" for source in table.index
        ]
    total = {
        split: f"{len(part):,} ({int(part['covid'].sum()):,})" if len(part) else ""
        for split in table.columns
        for part in (films if split == "all" else films[films["split"] == split],)
    }
    table.loc["all sources"] = total
    table.index = [words.plain(words.source(source)) for source in table.index]
    return table


def licences(films: pd.DataFrame) -> pd.DataFrame:
    """Films by source and licence, as the source states it."""
    if "license" not in films.columns:
        return pd.DataFrame(columns=["Source", "Licence", "Films"])
    stated = films["license"].fillna("not stated").replace("", "not stated")
    table = films.assign(Licence=stated).groupby(["source", "Licence"], sort=False).size()
    table = table.rename("Films").reset_index().sort_values(["source", "Films"], ascending=[True, False])
    table["Source"] = [words.plain(words.source(source)) for source in table["source"]]
    table["Licence"] = [words.plain(licence) for licence in table["Licence"]]
    table["Films"] = [f"{number:,}" for number in table["Films"]]
    return table[["Source", "Licence", "Films"]]


def _title(key: str) -> str:
    return str(key).replace("_", " ")


def _value(value: Any) -> str:
    """A value of a recipe on one line."""
    if isinstance(value, dict):
        return ", ".join(
            f"{_title(key)} {_value(one)}" for key, one in value.items() if one is False or one not in (None, 0)
        )
    if isinstance(value, (list, tuple)):
        return ", ".join(_value(one) for one in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    return str(value)


def minutes(seconds: float) -> str:
    """A time in words, rounded up to whole minutes."""
    count = math.ceil(seconds / 60)
    return f"{count} minute{'' if count == 1 else 's'}"
