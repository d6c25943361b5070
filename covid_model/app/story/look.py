"""How the story's figures and pictures are put on the page."""

from __future__ import annotations

import numpy as np
import streamlit as st

from covid_model import overlay

GROUND = 96  # grey where a map says nothing


def gallery(cells: list[list[tuple[np.ndarray, str]]], captions: list[str]) -> None:
    """Cells of pictures, one above the other, each with what it shows, and a caption; six a row, three on a phone."""
    with st.grid(6, min_column_width=96, gap="small"):
        for pictures, caption in zip(cells, captions, strict=True):
            with st.container(gap="xsmall"):
                for picture, alt in pictures:
                    st.image(picture, width="stretch", alt=alt)
                st.caption(caption)


def coloured(values: np.ndarray, direction: str = "both") -> np.ndarray:
    """A map (h, w) in [-1, 1] in the heatmap's colours on grey, (h, w, 3) uint8."""
    ground = np.full(values.shape, GROUND, np.uint8)
    return overlay.blend(ground, values, (0, 0, 1, 1), 1.0, direction)
