"""Rows on pages that work on all films at once: the gallery's filters, and training a head live."""

from __future__ import annotations

import statistics

from covid_model.tools.benchmark.server import first_page, served
from covid_model.tools.benchmark.timing import Row
from covid_model.tools.headless_client import HeadlessClient
from covid_model.training import playground
from covid_model.training.playground.train import training_rows

RUNS = 3  # runs in the playground, and rounds through the filters
EVERYTHING = playground.Recipe(adults="all")  # the paper's training films and all adults, 10 epochs
FILTERS = (  # of the page Browse X-rays, as in its URL
    {"order": "Most wrong first"},
    {"verdict": "False positives"},
    {"truth": "COVID-19"},
    {"sheet": "40"},
    {"network": "paper", "threshold": "0.4"},
)


def rows() -> tuple[list[Row], dict]:
    """Measure; return all rows and the record behind them."""
    store = playground.load()
    runs = [list(playground.train(store, EVERYTHING))[-1].seconds for _ in range(RUNS)]
    with served() as (address, _):
        first_page(address).close()
        picked = [_seconds(address, picks) for _ in range(RUNS + 1) for picks in ({}, *FILTERS)][1 + len(FILTERS) :]
    measured = [
        Row(
            f"Training a head live: {EVERYTHING.epochs} epochs on all X-rays",
            statistics.median(runs),
            "s",
            most=5.0,
            detail=f"{len(training_rows(store.films, EVERYTHING)):,} X-rays",
            note="Each epoch also scores the test set and the adult test set, with intervals.",
        ),
        Row(
            "Filtering, sorting or paging through all X-rays, server side",
            1000 * statistics.median(picked),
            "ms",
            most=100,
            detail=f"longest of {len(picked)}: {1000 * max(picked):.0f} ms",
            note="Each in a new session, whose first run draws the whole page.",
        ),
    ]
    return measured, {"lab_seconds": runs, "gallery_seconds": picked}


def _seconds(address: str, picks: dict[str, str]) -> float:
    """Return the seconds to draw the page of all films with these filters in a new session."""
    with HeadlessClient(address) as visitor:
        return visitor.open("browse", set="All", **picks).seconds
