"""Play the story of "Can you trust it?" full screen, by itself, with a link to each screen.

The component is plain JavaScript; its markup, styles and code are the files beside this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

from covid_model.app.components.slide import Point

SECONDS = 90  # of the whole story
_HERE = Path(__file__).parent
_MOUNT = st.components.v2.component(
    "covid_model_player",
    html=(_HERE / "player.html").read_text(),
    css=(_HERE / "player.css").read_text(),
    js=(_HERE / "player.js").read_text(),
)


def show(points: Mapping[str, Point], address: str) -> None:
    """Draw the button that plays the story.

    Args:
        points: what each screen says, by its name.
        address: the name in the URL that leads to a screen.
    """
    scenes = [
        {"title": name, "link": f"?{urlencode({address: name})}"} | asdict(point) for name, point in points.items()
    ]
    _MOUNT(key="player", data={"label": f"Play it in {SECONDS} seconds", "seconds": SECONDS, "scenes": scenes})
