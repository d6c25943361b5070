"""Sentences and tables of the About page."""

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


def test_pitfalls_state_their_figures():
    text = "\n".join(about_text.pitfalls(scores(), 0.6))
    assert "2 of the 3 non-COVID test X-rays show children" in text
    assert "is correct for 60.0 % of them" in text
    assert "Fine\\-tuned model** classifies 80.0 % of the test X-rays correctly at 0.6. Of the 1 adults" in text
    assert "calls **1** positive" in text


def test_no_pitfalls_without_test_films():
    assert about_text.pitfalls(scores().query("split != 'test'"), 0.6) == []


def test_positives_are_counted_by_group():
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
    assert table["Ground truth"].tolist() == ["COVID-19", "Non-COVID"]
    assert registry.short_title("fine-tuned") not in table.columns


def test_licenses():
    films = pd.DataFrame({"source": ["cohen", "cohen", "nih"], "license": ["CC BY", " ", "public"]})
    assert sorted(about_text.licenses(films)["License"]) == ["CC BY", "not stated", "public"]


@pytest.mark.parametrize(("seconds", "minutes"), [(60, "1 minute"), (61, "2 minutes"), (120, "2 minutes")])
def test_minutes(seconds, minutes):
    assert about_text.minutes(seconds) == minutes
