"""Sentences and tables of the About page, computed from the committed tables."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from covid_model import config
from covid_model.app.text import prediction as prediction_text
from covid_model.config import split_title
from covid_model.formatting import percent
from covid_model.model import registry
from covid_model.verdict import is_positive

UNSEEN = ("test", "extra-test", "external")  # splits that no network was trained on


def positives_by_group(scores: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Count the unseen films called positive: a row per split, source and ground truth, a column per network.

    Args:
        scores: columns split, source, covid, network, score.
        threshold: in [0, 1].

    Returns:
        Cells such as "18 of 18".
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
                    "Ground truth": "COVID-19" if covid else "Non-COVID",
                }
                for name in networks:
                    own = part.loc[part["network"] == name, "score"]
                    row[registry.short_title(name)] = (
                        f"{int(is_positive(own, threshold).sum()):,} of {len(own):,}" if len(own) else "–"
                    )
                rows.append(row)
    return pd.DataFrame(rows)


def pitfalls(scores: pd.DataFrame, threshold: float) -> list[str]:
    """Return what can mislead in figures like the paper's: sentences with this copy's figures, as Markdown."""
    test = scores[scores["split"] == "test"].drop_duplicates("id")
    if test.empty:
        return []
    other, covid = test[test["covid"] == 0], test[test["covid"] == 1]
    children = int((other["source"] == config.CHILDREN).sum())
    adults_with_covid = int((covid["source"] != config.CHILDREN).sum())
    sentences = [
        f"**Adults versus children.** {children:,} of the {len(other):,} non-COVID test X-rays show children aged one "
        f"to five; {adults_with_covid:,} of the {len(covid):,} COVID-19 X-rays come from sources of adults. A network "
        "that tells adults from children looks as if it recognized the disease.",
        f"**Class imbalance.** Answering “negative” to every test X-ray is correct for "
        f"{percent(len(other) / len(test))} of them. Read every accuracy against this baseline.",
    ]
    for name in registry.names():
        own = scores[(scores["split"] == "test") & (scores["network"] == name)]
        adults = own[(own["covid"] == 0) & (own["source"] != config.CHILDREN)]
        if len(adults):
            correct = (is_positive(own["score"], threshold) == (own["covid"] == 1)).mean()
            positives = int(is_positive(adults["score"], threshold).sum())
            title = prediction_text.plain(registry.title(name))
            sentences.append(
                f"**{title}** classifies {percent(correct)} of the test X-rays correctly at {threshold}. Of the "
                f"{len(adults)} adults without COVID-19 among them, it calls **{positives}** positive."
            )
    sentences.append(
        "**Other hospitals, other equipment.** A score reflects whatever separates the X-rays: disease, but also age, "
        "equipment, markers and how the files were processed. The table below shows how each network does on X-rays "
        "from sources it has never seen."
    )
    return sentences


SEED_FIGURES = {  # key in paper_seeds.json: row of the table
    "accuracy_at_0.5": f"Accuracy at {config.HALF}",
    "accuracy_at_0.6": f"Accuracy at {config.PAPER_MARK}",
    "always_no_accuracy": "Majority-class baseline (always negative)",
    "sensitivity": f"Sensitivity at {config.PAPER_MARK}",
    "specificity": f"Specificity at {config.PAPER_MARK}",
    "auc": "AUC",
    "covid_above_0.6": f"COVID-19 X-rays above {config.PAPER_MARK}",
    "covid_above_0.9": f"COVID-19 X-rays above {config.HIGH}",
    "adults_positive_test": f"False positives among adults, {split_title('test')}",
    "adults_positive_extra_test": f"False positives among adults, {split_title('extra-test')}",
}

VARIANTS = {"with jitter": "With augmentation", "without jitter": "Without augmentation"}  # of paper_seeds.json


def seed_runs(runs: list[dict[str, Any]]) -> pd.DataFrame:
    """Tabulate repeated runs of the paper's recipe: a row per figure, a column per variant, mean ± standard deviation.

    Args:
        runs: one object per run with "variant" and the keys of SEED_FIGURES.
    """
    groups = pd.DataFrame(runs).groupby("variant", sort=False)
    mean, deviation = groups[list(SEED_FIGURES)].mean(), groups[list(SEED_FIGURES)].std()
    columns = {
        VARIANTS.get(variant, variant): [
            f"{mean.at[variant, key]:.3f} ± {deviation.at[variant, key]:.3f}"
            if key == "auc"
            else f"{100 * mean.at[variant, key]:.1f} ± {100 * deviation.at[variant, key]:.1f} %"
            for key in SEED_FIGURES
        ]
        for variant in mean.index
    }
    return pd.DataFrame({"On the test set": SEED_FIGURES.values(), **columns})


def licenses(films: pd.DataFrame) -> pd.DataFrame:
    """Count films by source and license, as the source states it; no rows where the list has no licenses."""
    if "license" not in films.columns:
        return pd.DataFrame(columns=["Source", "License", "X-rays"])
    stated = films["license"].fillna("").str.strip().replace("", "not stated")
    table = films.assign(License=stated).groupby(["source", "License"], sort=False).size()
    table = table.rename("X-rays").reset_index().sort_values(["source", "X-rays"], ascending=[True, False])
    table["Source"] = [prediction_text.plain(prediction_text.source_title(source)) for source in table["source"]]
    table["License"] = [prediction_text.plain(terms) for terms in table["License"]]
    table["X-rays"] = [f"{number:,}" for number in table["X-rays"]]
    return table[["Source", "License", "X-rays"]]


def minutes(seconds: float) -> str:
    """Return a duration in words, rounded up to whole minutes."""
    count = math.ceil(seconds / 60)
    return f"{count} minute{'' if count == 1 else 's'}"


# --- Paragraphs of the page ---

PURPOSE = (
    "A demo for teaching transfer learning. The convolutional layers of VGG-19 were trained on photographs; two dense "
    "layers on top of them learn to tell chest X-rays of people with COVID-19 from others. The demo shows what the "
    "model outputs, how to read it, and how a good-looking figure can mislead."
)
NO_DEVICE = (
    "Not a medical device, and not a step toward one. A score says how much an X-ray resembles the COVID-19 X-rays "
    "that the network was trained on; it is not the probability that somebody has the disease. Nothing here was tested "
    "on patients in a clinic, and it must not be used for decisions about anyone's health."
)
PAPER = (
    f"M. H. Amini, M. B. Menhaj, H. A. Talebi: *{config.PAPER_TITLE}*, 2021, "
    f"[doi {config.PAPER_DOI}](https://doi.org/{config.PAPER_DOI}). It reports an accuracy of "
    f"{100 * config.PAPER_ACCURACY:.0f} % on {config.PAPER_TEST[0]:,} test X-rays ({config.PAPER_TEST[1]} COVID-19), "
    f"after training on {config.PAPER_TRAIN[0]:,} X-rays ({config.PAPER_TRAIN[1]} COVID-19)."
)


def repeated_runs(count: int) -> str:
    """Return what the table of `count` repeated runs shows."""
    return (
        f"A single run can be lucky. These are {count} runs with different random seeds, with and without data "
        "augmentation: the mean and the standard deviation over the runs."
    )


def data_set(total: int, covid: int) -> str:
    """Return what the data set is; `total` and `covid`: its numbers of films."""
    return (
        f"{total:,} frontal chest X-rays from public sources, {covid:,} of them of people with COVID-19. "
        f"{config.SPLIT_LABELS['test'][0]} has the same counts as the paper's; {config.SPLIT_LABELS['external'][0]} "
        "are in no other split; the model card counts them all. This project contains none of these X-rays: its list "
        "says where to get each of them."
    )


def privacy(seconds: float) -> str:
    """Return what happens to an upload; `seconds`: how long the server keeps a disconnected session."""
    return (
        "Your X-ray is decoded and analyzed in the memory of the machine that runs this demo, for your session only. "
        "It is deleted when you remove or replace it, and when you close the page (within "
        f"{minutes(seconds)}, so that a lost connection can be resumed). While a file of more than a megabyte is being "
        "uploaded, the server keeps it in an unnamed temporary file, which is gone once the upload is complete. Your "
        "X-ray is not stored, not shared, and not used for training. The log has one line for each prediction: the "
        "network, the time it took, and whether the file was refused. Names, dates and other DICOM tags are never "
        "shown, logged or exported."
    )
