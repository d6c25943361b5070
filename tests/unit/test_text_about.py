"""The figures of the About page, and the sentences that are made of them."""

from __future__ import annotations

import pandas as pd
import pytest

from covid_model.app.text import about as about_text
from covid_model.model import registry
from tests.support.app_pages import ROWS

COLUMNS = ["id", "split", "source", "covid", "network", "score"]


def scores() -> pd.DataFrame:
    """The scores of ROWS by both networks."""
    rows = [
        (film, split, source, covid, name, score)
        for film, source, split, covid, _, *both in ROWS
        for name, score in zip(("fine-tuned", "paper"), both, strict=True)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def test_traps_name_their_figures():
    says = "\n".join(about_text.pitfalls(scores(), 0.6))
    assert "2 of the 3 test films without COVID-19 are of children" in says
    assert "is right on 60.0% of them" in says
    assert "Fine\\-tuned model** is right on 80.0% of the test films at 0.6; of the 1 adults" in says
    assert "calls **1** positive" in says


def test_no_traps_without_test_films():
    assert about_text.pitfalls(scores().query("split != 'test'"), 0.6) == []


def test_called_positive_counts_each_group_apart():
    table = pd.DataFrame(
        [
            ("a", "test", "cohen", 1, "paper", 0.7),
            ("b", "test", "cohen", 0, "paper", 0.6),
            ("c", "test", "cohen", 0, "paper", 0.61),
            ("d", "train", "cohen", 0, "paper", 0.9),
        ],
        columns=COLUMNS,
    )
    table = about_text.positives_by_group(table, 0.6)
    assert table[registry.short_title("paper")].tolist() == ["1 of 1", "1 of 2"]
    assert table["Films"].tolist() == ["COVID-19", "Other"]
    assert registry.short_title("fine-tuned") not in table.columns


def test_licences():
    films = pd.DataFrame({"source": ["cohen", "cohen", "nih"], "license": ["CC BY", None, "public"]})
    assert sorted(about_text.licences(films)["Licence"]) == ["CC BY", "not stated", "public"]


@pytest.mark.parametrize(("seconds", "minutes"), [(60, "1 minute"), (61, "2 minutes"), (120, "2 minutes")])
def test_minutes(seconds, minutes):
    assert about_text.minutes(seconds) == minutes
