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

from covid_model import dataset, settings

if TYPE_CHECKING:
    from covid_model.fetch import FetchReport, Patience

EACH = 5  # films of each truth at most
LISTING = "list.csv"  # of the films wanted, beside the manifest of those that are there
_alone = threading.Lock()  # two visitors may press the button at once: the second waits and finds the films there


def handful(films: pd.DataFrame) -> pd.DataFrame:
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
    free = films["source"].isin(settings.FETCH_GITHUB_FOLDERS) & films["license"].isin(settings.FREE_LICENCES)
    free |= films["license"].eq(films["source"].map(settings.FREE_TERMS))
    found = films[free].assign(trained_on=lambda rows: rows["split"].isin(settings.TRAINING_SPLITS))
    found["ill"] = ~found["finding"].fillna("").str.lower().isin(settings.NORMAL_FINDINGS)
    found = found.sort_values(["trained_on", "ill"], kind="stable").drop_duplicates("patient")
    turn = found.groupby("covid").cumcount()
    found = found.assign(turn=turn)[turn < EACH].sort_values(["turn", "covid"], ascending=[True, False], kind="stable")
    return found.drop(columns=["trained_on", "ill", "turn"])


def bring(ids: Collection[str], to: Path, patience: Patience | None = None) -> FetchReport:
    """Fetch the films `ids` of the committed list into the data folder `to`; what is there is not fetched again.

    Raises:
        FetchError: the committed list cannot be read.
        OSError: the folder cannot be written.
    """
    from covid_model import fetch

    patience = patience or fetch.Patience(
        retries=1,
        backoff=settings.FREE_BACKOFF,
        connect=settings.FREE_CONNECT_TIMEOUT,
        read=settings.FREE_READ_TIMEOUT,
        film=settings.FREE_FILM_TIMEOUT,
    )
    with _alone:
        fetch.write_part(settings.DATASET_CSV, ids, to / LISTING)
        return fetch.fetch(to, listing=to / LISTING, patience=patience, progress=False)
