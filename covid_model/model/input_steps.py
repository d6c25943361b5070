"""What is done to a film before a network sees it, one picture a step."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from covid_model.imaging.preprocessing import Preprocessing, prepare, to_input


@dataclass(frozen=True)
class Step:
    """One step: what it is called, what it does in a sentence, and the film after it, (h, w) uint8."""

    title: str
    sentence: str
    picture: np.ndarray


def preparation(pixels: np.ndarray, how: Preprocessing) -> list[Step]:
    """The steps that `how` asks for, in their order; the last picture is what `prepare` gives.

    Args:
        pixels: the film, (height, width) uint8.
        how: a network's preprocessing.
    """
    height, width = pixels.shape
    steps = [Step("As it came", f"{width} × {height} grey pixels.", pixels)]
    if how.border:
        top, left = round(height * how.border), round(width * how.border)
        inner = pixels[top : height - top, left : width - left]
        steps.append(
            Step("Border cut", f"{how.border:.0%} is cut off each side: letters and frames stand there.", inner)
        )
    plain = replace(how, blur=0.0, equalize=False)
    sentence = (
        f"{how.size} × {how.size} pixels, the size this network takes. A film that is not square changes its shape."
    )
    steps.append(Step("Squashed", sentence, prepare(pixels, plain)))
    if how.blur:
        blurred = prepare(pixels, replace(how, equalize=False))
        steps.append(
            Step(
                "Blurred",
                "All films become about as sharp: sharpness could give away which archive a film is from.",
                blurred,
            )
        )
    if how.equalize:
        sentence = "Grey levels are spread evenly: a film printed darker or paler looks the same."
        steps.append(Step("Levelled", sentence, prepare(pixels, how)))
    return steps


def input_ranges(pixels: np.ndarray, how: Preprocessing) -> dict[str, tuple[float, float]]:
    """Lowest and highest number of each channel (blue, green, red) that goes into the network."""
    numbers = to_input(prepare(pixels, how)[None])[0]  # (size, size, 3)
    return {
        name: (float(numbers[..., at].min()), float(numbers[..., at].max()))
        for at, name in enumerate(("blue", "green", "red"))
    }
