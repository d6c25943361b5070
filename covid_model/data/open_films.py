"""Select and download a few real films under open licenses, for use without a data folder.

They are not part of the project and are downloaded only on request. Their licenses require attribution: the list
has each film's DOI, and pages show it.
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

LICENSES = ("CC BY 3.0", "CC BY 4.0")  # as assets/dataset.csv writes them; "CC BY" alone names no version
TERMS = {"nih": "public (NIH Clinical Center, attribution asked)"}  # of a source that is free as a whole
BACKOFF = 0.5  # seconds before the second attempt at a film: somebody is waiting
EACH = 5  # films per class, at most
LISTING = "list.csv"  # lists the requested films, next to the manifest of those downloaded
_lock = threading.Lock()  # of two simultaneous requests, the second waits and then has nothing to download


def select(films: pd.DataFrame) -> pd.DataFrame:
    """Return the films offered: COVID-19 films and others alternate, one per patient.

    Films that no network was trained on come first, among them those without findings. The COVID-19 films are from
    GitHub, under CC BY; the others are of adults, from NIH, as no single CC BY film without COVID-19 can be downloaded.

    Args:
        films: the committed list, indexed by id, with the columns source, license, split, covid, finding and patient.
            Without licenses nothing is offered, and unlabeled films never are.
    """
    if "license" not in films:
        return films.iloc[:0]
    films = dataset.labeled(films)
    free = films["source"].isin(sources.GITHUB_FOLDERS) & films["license"].isin(LICENSES)
    free |= films["license"].eq(films["source"].map(TERMS))
    offered = films[free].assign(trained_on=lambda rows: rows["split"].isin(config.TRAINING_SPLITS))
    offered["abnormal"] = ~offered["finding"].fillna("").str.lower().isin(config.NORMAL_FINDINGS)
    offered = offered.sort_values(["trained_on", "abnormal"], kind="stable").drop_duplicates("patient")
    rank = offered.groupby("covid").cumcount()
    offered = offered.assign(rank=rank)[rank < EACH]
    offered = offered.sort_values(["rank", "covid"], ascending=[True, False], kind="stable")
    return offered.drop(columns=["trained_on", "abnormal", "rank"])


def download(ids: Collection[str], to: Path, patience: Patience | None = None) -> DownloadReport:
    """Download the films `ids` of the committed list into the data folder `to`, without those that are already there.

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
    with _lock:
        data_download.write_part(config.DATASET_CSV, ids, to / LISTING)
        return data_download.download(to, listing=to / LISTING, patience=patience, progress=False)
