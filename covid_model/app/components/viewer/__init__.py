"""Show X-rays and their Grad-CAM heatmaps in a viewer: compare, zoom, pan, window and level without the server.

The viewer is a Streamlit component in plain JavaScript; its markup, styles and code are the files beside this one.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

from covid_model import config
from covid_model.imaging import heatmap, image
from covid_model.model.predictor import Prediction

QUALITY = 95  # of the JPEG: higher than a thumbnail's, as narrow windows amplify its blocks
HEIGHT = "clamp(320px, 47vh, 680px)"  # of the picture: score, picture and controls fit a laptop's first screen
LEGENDS = {"for": "Raises the score, from a little to most", "against": "Lowers the score, from a little to most"}
KEY = "viewer"  # in the session: the click of the last run
COLUMNS = [9, 4]  # widths: the viewer, and what is beside it
FILM_ALT = "The chest X-ray as supplied"  # alternative text

_HERE = Path(__file__).parent
_MOUNT = st.components.v2.component(
    "covid_model_viewer",
    html=(_HERE / "viewer.html").read_text().replace('class="stage"', f'class="stage" style="--height: {HEIGHT}"'),
    css=(_HERE / "viewer.css").read_text(),
    js=(_HERE / "viewer.js").read_text(),
)


@dataclass(frozen=True)
class Picture:
    """An X-ray to show.

    Attributes:
        name: one or two words: its label over the picture, and that of the button which shows it.
        pixels: (h, w) uint8.
        alt: alternative text of the X-ray itself.
        reading: whose heatmap is shown; None shows the X-ray alone.
        map_alt: alternative text of the X-ray under its heatmap.
        method: the heatmap's, as it is named over it.
    """

    name: str
    pixels: np.ndarray
    alt: str
    reading: Prediction | None = None
    map_alt: str = "The X-ray under its Grad-CAM heatmap, colored where the last convolutional layer moved the score"
    method: str = "Grad-CAM"


def show(
    pictures: Sequence[Picture], on_place: Callable[[tuple[float, float]], None] | None = None, key: str = KEY
) -> None:
    """Draw the viewer.

    Args:
        pictures: one or more; a button for each switches between them, and the last one is shown when it is new.
        on_place: called with the point clicked, as fractions of the picture's width and height, before the page runs
            again; None if a click means nothing.
        key: of the component. All viewers share zoom and tones.
    """

    def placed() -> None:
        if on_place and (point := point_of(st.session_state[key].click)):
            on_place(point)

    _MOUNT(
        key=key,
        data={
            "key": KEY,
            "pictures": [_as_data(picture) for picture in pictures],
            "ramps": heatmap.RAMPS,
            "legends": LEGENDS,
            "opacity": round(100 * config.OVERLAY_OPACITY),
            "place": on_place is not None,
        },
        on_click_change=placed,
    )


def point_of(sent: object) -> tuple[float, float] | None:
    """Return the point that a browser sent, (x, y) in [0, 1]; None if it sent anything else."""
    if not isinstance(sent, dict):
        return None
    point = sent.get("x"), sent.get("y")
    if all(isinstance(part, int | float) and 0 <= part <= 1 for part in point):
        return float(point[0]), float(point[1])
    return None


def _as_data(picture: Picture) -> dict[str, object]:
    height, width = picture.pixels.shape
    reading = picture.reading
    data: dict[str, object] = {
        "name": picture.name,
        "src": _url(image.encode_jpeg(picture.pixels, QUALITY), "jpeg"),
        "width": width,
        "height": height,
        "alt": picture.alt,
        "mapAlt": picture.map_alt,
        "method": picture.method,
        "layers": None,
    }
    if reading is not None:
        left, top, right, bottom = reading.box
        covered = (round((bottom - top) * height), round((right - left) * width))
        layers = {side: heatmap.layer(reading.heatmap, side, covered) for side in heatmap.RAMPS}
        data |= {
            "layers": {side: _url(heatmap.to_png(layer), "png") for side, layer in layers.items()},
            "box": list(reading.box),
        }
    return data


def _url(image: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"
