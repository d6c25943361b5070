"""Lay out a screen of "Can you trust it?": headline and text on the left, one picture on the right."""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from covid_model.app import widgets

PAPER, TUNED = "paper", "fine-tuned"  # the network that the story is about, and the one that it ends with
AGAIN = "python -m covid_model audit --only"

CRITICS = {
    "roberts": "[Roberts et al. 2021](https://doi.org/10.1038/s42256-021-00307-0)",
    "degrave": "[DeGrave et al. 2021](https://doi.org/10.1038/s42256-021-00338-7)",
    "maguolo": "[Maguolo and Nanni 2021](https://doi.org/10.1016/j.inffus.2021.04.008)",
    "cohen": "[Cohen et al. 2020](https://arxiv.org/abs/2002.02497)",
}


@dataclass(frozen=True)
class Slide:
    """Hold the slots of a screen, each to be filled once."""

    headline: DeltaGenerator
    words: DeltaGenerator
    control: DeltaGenerator
    remarks: DeltaGenerator
    picture: DeltaGenerator
    source: DeltaGenerator

    def say(self, headline: str, words: str, remarks: str = "") -> None:
        """Fill in the headline (plain text), and Markdown above and below the control."""
        self.headline.header(headline.replace(" %", "\u00a0%"), anchor=False)  # no line break between the two
        self.words.markdown(words)
        if remarks:
            self.remarks.markdown(remarks)

    def show(self, figure: go.Figure, key: str, alt: str) -> None:
        """Draw the picture."""
        with self.picture:
            widgets.show_chart(figure, key, alt)

    def check(self, sentence: str, *critics: str) -> None:
        """Write the small line: what is checked, and who recommends it (keys of CRITICS)."""
        self.source.markdown(f":small[{sentence} Recommended by {' and '.join(CRITICS[name] for name in critics)}.]")


def slide() -> Slide:
    """Create the slots. On a phone they follow one another in their own order."""
    left, right = st.columns([5, 7], gap="large")
    with left:
        headline, words = st.empty(), st.container(key="slide_words").empty()
        control, remarks = st.container(), st.empty()
    with right:
        picture, source = st.empty(), st.empty()
    return Slide(headline, words, control, remarks, picture, source)


def no_scores() -> str:
    """Return why a screen has no figures, and what to do."""
    return "There are no scores of the test set yet. `python -m covid_model evaluate` creates them."
