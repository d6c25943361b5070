"""Sentences and tables of the About page."""

from __future__ import annotations

import pandas as pd
import pytest

from covid_model.app.text import about as about_text


def test_what_the_accuracy_hides():
    films = pd.DataFrame({"source": ["kermany", "kermany", "cohen", "cohen"], "covid": [0, 0, 0, 1]})
    assert "Of the 3 non-COVID test X-rays, 2 show children" in about_text.pitfalls(films)
    assert "all 1 COVID-19 X-rays" in about_text.pitfalls(films)


def test_licenses():
    films = pd.DataFrame({"source": ["cohen", "cohen", "nih"], "license": ["CC BY", " ", "public"]})
    assert sorted(about_text.licenses(films)["License"]) == ["CC BY", "not stated", "public"]


@pytest.mark.parametrize(("seconds", "minutes"), [(60, "1 minute"), (61, "2 minutes"), (120, "2 minutes")])
def test_minutes(seconds, minutes):
    assert about_text.minutes(seconds) == minutes
