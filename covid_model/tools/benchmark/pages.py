"""Pages that work on all films at once: the gallery's filters, and a head that is trained while a class looks on."""

from __future__ import annotations

import statistics

from covid_model.tools.benchmark.row import Row
from covid_model.tools.benchmark.server import first_page, served
from covid_model.tools.headless_client import HeadlessClient
from covid_model.training import playground
from covid_model.training.playground.train import chosen

RUNS = 3  # of a lab run, and rounds through the filters
EVERYTHING = playground.Recipe(adults="all")  # the paper's training films and all adults, 10 epochs
FILTERS = (  # of the page Films, as they stand in an address
    {"order": "Most wrong first"},
    {"verdict": "False positives"},
    {"truth": "COVID-19"},
    {"sheet": "40"},
    {"network": "paper", "threshold": "0.4"},
)


def rows() -> tuple[list[Row], dict]:
    """A lab run on all films; the gallery of all films picked and ordered anew."""
    store = playground.load()
    runs = [list(playground.train(store, EVERYTHING))[-1].seconds for _ in range(RUNS)]
    with served() as (address, _):
        first_page(address).close()
        picked = [_seconds(address, picks) for _ in range(RUNS + 1) for picks in ({}, *FILTERS)][1 + len(FILTERS) :]
    found = [
        Row(
            f"A head trained live: {EVERYTHING.epochs} epochs on all films",
            statistics.median(runs),
            "s",
            most=5.0,
            detail=f"{len(chosen(store.films, EVERYTHING)):,} films",
            note="Each epoch also scores the test films and the adults of extra-test, with intervals.",
        ),
        Row(
            "The gallery of all films picked, ordered or leafed through anew, server side",
            1000 * statistics.median(picked),
            "ms",
            most=100,
            detail=f"longest of {len(picked)}: {1000 * max(picked):.0f} ms",
            note="Every time as a visitor who has just come: the first run of a session draws the whole page.",
        ),
    ]
    return found, {"lab_seconds": runs, "gallery_seconds": picked}


def _seconds(address: str, picks: dict[str, str]) -> float:
    """How long the page of all films takes to be drawn with these picks."""
    with HeadlessClient(address) as visitor:
        return visitor.open("browse", set="All", **picks).seconds
