"""Blend a heatmap over a film, and draw its legend. What the values mean is up to model/gradcam.

Evidence for COVID runs from dark red through orange to yellow, evidence against it from dark blue to light cyan. Both
get steadily lighter with magnitude, so their order is visible without color, and they differ along the blue-yellow
axis, which color-blind people can distinguish. Opacity grows with the evidence: without evidence, the film shows.
"""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import cv2
import numpy as np

from covid_model import config
from covid_model.imaging.image import shrink

# Red, green, blue from no evidence to the strongest.
RAMPS = {
    "for": ((120, 0, 30), (190, 30, 20), (235, 95, 10), (255, 160, 0), (255, 225, 40)),
    "against": ((0, 20, 120), (0, 70, 190), (0, 125, 225), (0, 175, 240), (90, 225, 255)),
}
LEGEND_SIZE = (256, 16)  # pixels, width and height
STEPS = 256  # of a ramp: the size of an OpenCV color map
LEGEND_GROUND = 96  # gray under the legend, similar to that of a lung
OVERLAY_ENDING = "-overlay.png"  # of an overlay's file, after the name of the film
LAYER_SIDE = 192  # pixels: the longer side of a `layer`, which the browser enlarges smoothly


def blend(
    pixels: np.ndarray,
    heatmap: np.ndarray,
    box: tuple[float, float, float, float],
    opacity: float | None = None,
    direction: str = "for",
) -> np.ndarray:
    """Blend a heatmap over the part of a film that it covers.

    Args:
        pixels: film (H, W) uint8.
        heatmap: (h, w) in [-1, 1], of any size: positive is evidence for COVID, negative against.
        box: left, top, right, bottom of the part of the film that the heatmap covers, as fractions of it in [0, 1].
        opacity: of the strongest evidence, in [0, 1]; 0 leaves the film as it is.
        direction: which evidence is shown, "for", "against" or "both".

    Returns:
        (H, W, 3) uint8 red, green, blue; a larger film is scaled down to a longer side of config.OVERLAY_SIDE.

    Raises:
        ValueError: a wrong shape or type, a heatmap that is not finite, or a value out of its range.
    """
    opacity = config.OVERLAY_OPACITY if opacity is None else opacity
    heatmap = np.asarray(heatmap, np.float32)
    if pixels.ndim != 2 or pixels.dtype != np.uint8 or not pixels.size:
        raise ValueError(f"pixels must be (H, W) uint8. Received: {pixels.shape} {pixels.dtype}")
    if heatmap.ndim != 2 or not heatmap.size or not np.isfinite(heatmap).all():
        raise ValueError(f"heatmap must be (h, w) finite numbers. Received: shape {heatmap.shape}")
    left, top, right, bottom = box
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise ValueError(f"box must be left < right and top < bottom in [0, 1]. Received: {box}")
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity must be in [0, 1]. Received: {opacity}")
    _check_direction(direction)

    gray = shrink(pixels, config.OVERLAY_SIDE)
    height, width = gray.shape
    picture = cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB)
    x0, x1 = _edges(left, right, width)
    y0, y1 = _edges(top, bottom, height)
    smooth = cv2.resize(heatmap, (x1 - x0, y1 - y0), interpolation=cv2.INTER_CUBIC)
    picture[y0:y1, x0:x1] = _painted(picture[y0:y1, x0:x1], smooth, opacity, direction)
    return picture


def layer(heatmap: np.ndarray, side: str, shape: tuple[int, int]) -> np.ndarray:
    """Return one side of a heatmap as a picture to lay over a film; at opacity 1 it equals that side of `blend`.

    Args:
        heatmap: (h, w) in [-1, 1], of any size.
        side: "for" or "against": the evidence that is drawn.
        shape: (height, width) of the part of the film that the heatmap covers, of which only the ratio counts.

    Returns:
        (H, W, 4) uint8 red, green, blue, opacity; the longer side is LAYER_SIDE.

    Raises:
        KeyError: any other side.
    """
    scale = LAYER_SIDE / max(shape)
    height, width = (max(1, round(length * scale)) for length in shape)
    smooth = cv2.resize(np.asarray(heatmap, np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    magnitude = np.clip(smooth if side == "for" else -smooth, 0, 1)
    steps = np.rint((STEPS - 1) * magnitude).astype(np.uint8)
    return np.dstack([cv2.applyColorMap(steps, _ramp(side)), steps])


def legend(direction: str = "for") -> np.ndarray:
    """Draw the colors of `blend` as a strip: (height, width, 3) uint8 of LEGEND_SIZE.

    Left to right: no evidence to the strongest for "for" and "against"; strongest against to strongest for for "both".
    Raises ValueError for any other direction.
    """
    _check_direction(direction)
    width, height = LEGEND_SIZE
    start, end = {"for": (0, 1), "against": (0, -1), "both": (-1, 1)}[direction]
    values = np.tile(np.linspace(start, end, width, dtype=np.float32), (height, 1))
    ground = np.full((height, width, 3), LEGEND_GROUND, np.uint8)
    return _painted(ground, values, 1.0, direction)


def to_png(rgb: np.ndarray) -> bytes:
    """Encode an image as a PNG.

    Args:
        rgb: (H, W, 3) uint8 red, green, blue, or (H, W, 4) with opacity.

    Raises:
        ValueError: any other shape or type.
    """
    if rgb.ndim != 3 or rgb.shape[2] not in (3, 4) or rgb.dtype != np.uint8 or not rgb.size:
        raise ValueError(f"rgb must be (H, W, 3) or (H, W, 4) uint8. Received: {rgb.shape} {rgb.dtype}")
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR if rgb.shape[2] == 3 else cv2.COLOR_RGBA2BGRA)
    done, encoded = cv2.imencode(".png", bgr)
    if not done:
        raise ValueError(f"The image could not be encoded as a PNG. Received: {rgb.shape}")
    return encoded.tobytes()


def write_overlay(pixels: np.ndarray, heatmap: np.ndarray, box: tuple[float, float, float, float], path: Path) -> None:
    """Write the overlay of a film and its heatmap (see `blend`) as a PNG. Raises OSError.

    Written to a temporary file and moved, which leaves no partial image and does not follow links.
    """
    picture = to_png(blend(pixels, heatmap, box))
    with tempfile.TemporaryDirectory(prefix=".overlay-", dir=path.parent) as folder:
        draft = Path(folder, "overlay.png")
        draft.write_bytes(picture)
        draft.replace(path)


def _check_direction(direction: str) -> None:
    if direction not in config.OVERLAY_DIRECTIONS:
        raise ValueError(f"direction must be one of {config.OVERLAY_DIRECTIONS}. Received: {direction!r}")


def _edges(start: float, end: float, size: int) -> tuple[int, int]:
    """Return first and end pixel of the part from `start` to `end` (fractions) of `size` pixels, at least one wide."""
    first = min(round(start * size), size - 1)
    return first, max(round(end * size), first + 1)


def _painted(ground: np.ndarray, values: np.ndarray, opacity: float, direction: str) -> np.ndarray:
    """Paint the colors of `values` (h, w), clipped to [-1, 1], over `ground` (h, w, 3) uint8."""
    painted = ground
    for side, magnitude in (("for", values), ("against", -values)):
        if direction not in (side, "both"):
            continue
        magnitude = np.clip(magnitude, 0, 1).astype(np.float32, copy=False)
        alpha = opacity * magnitude
        colors = cv2.applyColorMap(np.rint((STEPS - 1) * magnitude).astype(np.uint8), _ramp(side))
        painted = cv2.blendLinear(colors, painted, alpha, 1 - alpha)
    return painted


@functools.cache
def _ramp(side: str) -> np.ndarray:
    """Return colors (STEPS, 1, 3) uint8 for magnitudes 0 to 1, linear between the ramp's stops."""
    stops = np.array(RAMPS[side], np.float32)
    at, steps = np.linspace(0, 1, len(stops)), np.linspace(0, 1, STEPS)
    colors = np.stack([np.interp(steps, at, stops[:, channel]) for channel in range(3)], -1)  # (STEPS, 3)
    return np.rint(colors).astype(np.uint8)[:, None]
