"""Lay out the screens of "Can you trust it?", and play them full screen, one after the other.

A screen has headline, one idea and a control on the left, one picture on the right. The player is a component in plain
JavaScript; its markup, styles and code are the files beside this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlencode

import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from covid_model.app import widgets
from covid_model.app.components import case_list
from covid_model.formatting import unbroken

PAPER, TUNED = "paper", "fine-tuned"  # the network that the story is about, and the one that it ends with
AGAIN = "python -m covid_model audit --only"

CRITICS = {
    "roberts": "[Roberts et al. 2021](https://doi.org/10.1038/s42256-021-00307-0)",
    "degrave": "[DeGrave et al. 2021](https://doi.org/10.1038/s42256-021-00338-7)",
    "maguolo": "[Maguolo and Nanni 2021](https://doi.org/10.1016/j.inffus.2021.04.008)",
    "cohen": "[Cohen et al. 2020](https://arxiv.org/abs/2002.02497)",
}


@dataclass(frozen=True)
class Figure:
    """Hold one of a screen's numbers: as text ("15 of 16"), what it counts, and as a share in [0, 1] for a bar."""

    text: str
    label: str
    share: float


@dataclass(frozen=True)
class Point:
    """Hold what a screen says: its headline, the numbers in it (two at most), and further lines; all plain text."""

    headline: str
    figures: tuple[Figure, ...] = ()
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Slide:
    """Hold the slots of a screen, each to be filled once."""

    headline: DeltaGenerator
    idea: DeltaGenerator
    control: DeltaGenerator
    picture: DeltaGenerator
    details: DeltaGenerator

    def say(self, headline: str, idea: str) -> None:
        """Fill in the headline (plain text), and the idea below it (Markdown)."""
        self.headline.header(unbroken(headline), anchor=False)
        self.idea.markdown(unbroken(idea))

    def show(self, figure: go.Figure, key: str, alt: str, network: str | None = None) -> None:
        """Draw the picture; with the name of a network, a click on a point opens its film."""
        with self.picture.container():
            if network is None:
                widgets.show_chart(figure, key, alt)
            else:
                case_list.film_chart(figure, key, alt, network)

    def explain(self, *paragraphs: str, critics: tuple[str, ...]) -> None:
        """Write the details (Markdown; empty ones are left out), and who recommends the check (keys of CRITICS)."""
        recommended = f":small[Recommended by {' and '.join(CRITICS[name] for name in critics)}.]"
        self.details.markdown("\n\n".join([*filter(None, paragraphs), recommended]))


def slide() -> Slide:
    """Create the slots. On a phone they follow one another in their own order."""
    left, right = st.columns([5, 7], gap="large")
    with left:
        headline, idea, control = st.empty(), st.empty(), st.container()
    with right:
        picture, details = st.empty(), st.expander("The figures behind it", key="details")
    return Slide(headline, idea, control, picture, details)


def no_scores() -> str:
    """Return why a screen has no figures, and what to do."""
    return "There are no scores of the test set yet. `python -m covid_model evaluate` creates them."


# --- The player, with a link to each screen ---

SECONDS = 90  # of the whole story
_HERE = Path(__file__).parent
_MOUNT = st.components.v2.component(
    "covid_model_player",
    html=(_HERE / "player.html").read_text(),
    css=(_HERE / "player.css").read_text(),
    js=(_HERE / "player.js").read_text(),
)


def play(points: Mapping[str, Point], address: str) -> None:
    """Draw the button that plays the story by itself.

    Args:
        points: what each screen says, by its name.
        address: the name in the URL that leads to a screen.
    """
    scenes = [
        {"title": name, "link": f"?{urlencode({address: name})}"} | asdict(point) for name, point in points.items()
    ]
    _MOUNT(key="player", data={"label": f"Play it in {SECONDS} seconds", "seconds": SECONDS, "scenes": scenes})
