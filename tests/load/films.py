"""Films for a load test: simulated ones, changed a little so that no two have the same score; and invalid files."""

from __future__ import annotations

import cv2
import numpy as np

from covid_model import imaging
from covid_model.data import samples

BAD = (b"", b"<html>no film</html>", b"\x89PNG\r\n\x1a\n" + bytes(64), b"GIF89a")
SIDE = 512  # pixels: the longest side


def pool(count: int) -> list[bytes]:
    """`count` different films as PNG, always the same ones."""
    drawn = [item for item in samples.samples() if item.simulated]
    return [_variant(imaging.read(drawn[n % len(drawn)].path).pixels, n // len(drawn)) for n in range(count)]


def _variant(pixels: np.ndarray, number: int) -> bytes:
    """A film cut by a few pixels more each time, and a little darker."""
    scale = SIDE / max(pixels.shape)
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    cut = 6 * number
    inner = small[cut : small.shape[0] - cut, cut // 2 : small.shape[1] - cut // 2]
    darker = np.rint(255 * (inner / 255.0) ** (1 + 0.1 * number)).astype(np.uint8)
    return cv2.imencode(".png", darker)[1].tobytes()
