"""Show the preprocessing of a film step by step, as a network sees it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from covid_model.imaging.preprocessing import Preprocessing, prepare, to_input


@dataclass(frozen=True)
class Step:
    """One step: its title, a sentence on what it does, and the film after it, (h, w) uint8."""

    title: str
    sentence: str
    picture: np.ndarray


def preparation(pixels: np.ndarray, preprocessing: Preprocessing) -> list[Step]:
    """Return the steps of a network's `preprocessing` in order; the last picture is what `prepare` returns.

    Args:
        pixels: The film, (height, width) uint8.
        preprocessing: The network's preprocessing.
    """
    height, width = pixels.shape
    size, border = preprocessing.size, preprocessing.border
    steps = [Step("Original", f"{width} × {height} gray pixels.", pixels)]
    if border:
        top, left = round(height * border), round(width * border)
        inner = pixels[top : height - top, left : width - left]
        sentence = f"{border:.0%} is cropped from each side, where letters and frames are."
        steps.append(Step("Border cropped", sentence, inner))
    sentence = f"{size} × {size} pixels, this network's input size. An X-ray that is not square changes its shape."
    steps.append(Step("Resized", sentence, prepare(pixels, replace(preprocessing, blur=0.0, equalize=False))))
    if preprocessing.blur:
        sentence = "All X-rays become about equally sharp, because sharpness could reveal the source of an X-ray."
        steps.append(Step("Blurred", sentence, prepare(pixels, replace(preprocessing, equalize=False))))
    if preprocessing.equalize:
        sentence = "Gray levels are spread evenly, so that a darker or paler copy of an X-ray looks the same."
        steps.append(Step("Histogram-equalized", sentence, prepare(pixels, preprocessing)))
    return steps


def input_ranges(pixels: np.ndarray, preprocessing: Preprocessing) -> dict[str, tuple[float, float]]:
    """Return the minimum and maximum of each input channel: "blue", "green", "red"."""
    values = to_input(prepare(pixels, preprocessing)[None])[0]  # (size, size, 3)
    return {
        name: (float(values[..., channel].min()), float(values[..., channel].max()))
        for channel, name in enumerate(("blue", "green", "red"))
    }
