"""A handful of real films that anyone may have: which they are, and how they come into the user's cache.

For whoever has no data folder. They are fetched when somebody asks for them, never before, and are not in this
project. Their licence wants their authors named: the list gives each film's DOI, and pages show it.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from covid_model import config
from covid_model.data import dataset
from covid_model.data.download import sources

if TYPE_CHECKING:
    from covid_model.data.download import DownloadReport, Patience

LICENCES = ("CC BY 3.0", "CC BY 4.0")  # as assets/dataset.csv writes them; "CC BY" alone names no version
TERMS = {"nih": "public (NIH Clinical Center, attribution asked)"}  # of a source that is free as a whole
BACKOFF = 0.5  # seconds before the second attempt at a film: somebody is waiting
EACH = 5  # films of each truth at most
LISTING = "list.csv"  # of the films wanted, beside the manifest of those that are there
_alone = threading.Lock()  # two visitors may press the button at once: the second waits and finds the films there


def select(films: pd.DataFrame) -> pd.DataFrame:
    """Return the films that are offered: COVID-19 films and others by turns, one a patient, unseen by networks
    first, and of these the clear ones.

    Those with COVID-19 are from GitHub, under CC BY; those without are adults of NIH's, as no film under CC BY that can
    be had by itself is without COVID-19.

    Args:
        films: the committed list, indexed by id; the columns source, license, split, covid, finding and patient
            are looked at. A list without licences offers none, and no film without a label is offered.
    """
    if "license" not in films:
        return films.iloc[:0]
    films = dataset.labelled(films)
    free = films["source"].isin(sources.GITHUB_FOLDERS) & films["license"].isin(LICENCES)
    free |= films["license"].eq(films["source"].map(TERMS))
    found = films[free].assign(trained_on=lambda rows: rows["split"].isin(config.TRAINING_SPLITS))
    found["ill"] = ~found["finding"].fillna("").str.lower().isin(config.NORMAL_FINDINGS)
    found = found.sort_values(["trained_on", "ill"], kind="stable").drop_duplicates("patient")
    turn = found.groupby("covid").cumcount()
    found = found.assign(turn=turn)[turn < EACH].sort_values(["turn", "covid"], ascending=[True, False], kind="stable")
    return found.drop(columns=["trained_on", "ill", "turn"])


def download(ids: Collection[str], to: Path, patience: Patience | None = None) -> DownloadReport:
    """Fetch the films `ids` of the committed list into the data folder `to`; what is there is not fetched again.

    Raises:
        DownloadError: the committed list cannot be read.
        OSError: the folder cannot be written.
    """
    from covid_model.data import download as data_download

    patience = patience or data_download.Patience(
        retries=1,
        backoff=BACKOFF,
        connect=5.0,
        read=10.0,
        film=40.0,
    )
    with _alone:
        data_download.write_part(config.DATASET_CSV, ids, to / LISTING)
        return data_download.download(to, listing=to / LISTING, patience=patience, progress=False)
