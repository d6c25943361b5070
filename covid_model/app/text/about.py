"""Sentences and tables of the About page, computed from the committed tables."""

from __future__ import annotations

import math

import pandas as pd

from covid_model import config
from covid_model.app.text import prediction as prediction_text


def pitfalls(films: pd.DataFrame) -> str:
    """Return what the paper's figure hides, from the test films (columns source, covid), as Markdown."""
    other, covid = films[films["covid"] == 0], films[films["covid"] == 1]
    children = int((other["source"] == config.CHILDREN).sum())
    adults = int((covid["source"] != config.CHILDREN).sum())
    share = f"all {len(covid):,}" if adults == len(covid) else f"{adults:,} of the {len(covid):,}"
    return (
        f"Of the {len(other):,} non-COVID test X-rays, {children:,} show children aged one to five; {share} "
        "COVID-19 X-rays come from sources of adults. A network that only tells adults from children would look as if "
        "it recognized the disease. *Can you trust it?* tells that story."
    )


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

MEASURED = "Repeated runs, trials of recipes, speed and load are in `assets/MEASUREMENTS.md` of the repository."

PURPOSE = (
    "A demo for teaching transfer learning. The convolutional layers of VGG-19 were trained on photographs; two dense "
    "layers on top of them learn to tell chest X-rays of people with COVID-19 from others. The demo shows what the "
    "model outputs, how to read it, and how a good-looking figure can mislead."
)
NO_DEVICE = (
    "Not a medical device, and not a step toward one. A score says how much an X-ray resembles the COVID-19 X-rays "
    "that the network was trained on; it is not the probability that a person has the disease. Nothing here has been "
    "tested in a clinic. Do not use it for decisions about anyone's health."
)
PAPER = (
    f"M. H. Amini, M. B. Menhaj, H. A. Talebi: *{config.PAPER_TITLE}*, 2021, "
    f"[doi {config.PAPER_DOI}](https://doi.org/{config.PAPER_DOI}). It reports an accuracy of "
    f"{100 * config.PAPER_ACCURACY:.0f} % on {config.PAPER_TEST[0]:,} test X-rays ({config.PAPER_TEST[1]} COVID-19), "
    f"after training on {config.PAPER_TRAIN[0]:,} X-rays ({config.PAPER_TRAIN[1]} COVID-19)."
)


def data_set(total: int, covid: int) -> str:
    """Return what the data set is; `total` and `covid`: its numbers of films."""
    return (
        f"{total:,} frontal chest X-rays from public sources, {covid:,} of them of people with COVID-19. "
        f"*{config.SPLIT_LABELS['test'][0]}* has the same counts as the paper's test set; the hospitals of "
        f"*{config.SPLIT_LABELS['external'][0]}* are in no other split; the model card has the counts of all splits. "
        "This project contains none of these X-rays; its list says where to get each one."
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
