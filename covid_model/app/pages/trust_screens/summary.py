"""Draw the last screen: the story in a few sentences, and what would make a network trustworthy."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from covid_model import config
from covid_model.app import cache, networks
from covid_model.app.components.slides import PAPER, TUNED, Point
from covid_model.app.pages.trust_screens import accuracy, erasure
from covid_model.app.text import bias as bias_text
from covid_model.app.text import erasure as erasure_text
from covid_model.app.text import prediction as prediction_text
from covid_model.data import dataset
from covid_model.data.dataset import DataError
from covid_model.formatting import in_sentence, unbroken
from covid_model.model import registry

HEADLINE = "What would make it trustworthy?"


def point() -> Point:
    """Return the ending: what would help, and why."""
    return Point(HEADLINE, lines=tuple(f"{title}. {why}" for title, why in bias_text.WOULD_HELP.items()))


def show(headlines: Mapping[str, str]) -> None:
    """Draw the screen. `headlines`: of the other screens by name, each at its default settings."""
    left, right = st.columns(2, gap="large")
    with left, st.container(key="story_short"):
        st.header("In short", anchor=False)
        st.markdown("\n".join(f"- {unbroken(prediction_text.plain(line))}" for line in headlines.values()))
        marks = sorted({config.THRESHOLD, accuracy.threshold(), erasure.threshold()})
        values = " and ".join(f"{mark:.2f}" for mark in marks)
        scope = f"At a threshold of {values}" if len(marks) == 1 else f"At thresholds of {values}, as each was measured"
        st.markdown(f":small[{scope}.]")
    with right, st.container(key="story_end"):
        st.header(HEADLINE, anchor=False)
        known = measured()
        name = in_sentence(registry.title(TUNED), first=True)
        for title, why in bias_text.WOULD_HELP.items():
            today = f"  \n:small[{name} today: {known[title]}]" if known.get(title) else ""
            st.markdown(unbroken(f"**{title}.** {why}{today}"))


def measured() -> dict[str, str]:
    """Return what is known today of the network that the story ends with, by the keys of WOULD_HELP."""
    hospitals, alike, elsewhere, lungs, meaning, _ = bias_text.WOULD_HELP
    known = {elsewhere: bias_text.holds_elsewhere(cache.areas(TUNED))}
    spec = networks.spec(TUNED)
    try:
        films = cache.films_table()
    except DataError:
        films = None
    if spec is not None and films is not None:
        known[hospitals] = bias_text.both_classes(dataset.labeled(films[films["split"].isin(spec.trained_on)]))
    changes = cache.changes(PAPER, TUNED, config.THRESHOLD)
    known[alike] = bias_text.adults_today(changes)
    if record := cache.audit_record(TUNED, "lungs"):
        known[lungs] = erasure_text.erased_in_short(erasure_text.stays_positive(record, "erased"), erasure.FILL)
    if record := cache.audit_record(TUNED, "calibration"):
        splits = record["splits"]
        if bias_text.ADULTS_SPLIT in splits:
            known[meaning] = bias_text.calibration_today(splits[bias_text.ADULTS_SPLIT])
    return known
