"""From paths along the rays to a film: energies, scatter, quantum noise, and the detector's processing."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

# Linear attenuation of water in 1/cm, and of bone mineral, scaled to water's at 70 keV (NIST XCOM,
# cortical bone), at 50, 70 and 100 keV.
WATER = {50: 0.227, 70: 0.193, 100: 0.171}
BONE = {50: 0.312, 70: 0.193, 100: 0.137}
BEAMS = {"PA": {50: 0.15, 70: 0.45, 100: 0.40}, "AP": {50: 0.40, 70: 0.45, 100: 0.15}}  # 120 kV and 85 kV


@dataclass(frozen=True)
class Look:
    """Exposure and processing of a film.

    Attributes:
        scatter: scattered per unit of direct radiation, on average over the body.
        quanta: X-ray quanta per pixel without a body, in thousands.
        lung, dense: target gray levels, 0 to 1, of the clear part of the lungs and of the mediastinum.
        level: share of the coarse differences (over centimeters) that is removed, 0 to 1.
        edge: strength of the edge enhancement.
        lean: rotation of the film in its plane, in degrees.
    """

    scatter: float = 0.9
    quanta: float = 300.0
    lung: float = 0.30
    dense: float = 0.84
    level: float = 0.25
    edge: float = 0.9
    lean: float = 0.0


def expose(
    soft: np.ndarray,
    bone: np.ndarray,
    view: str,
    look: Look,
    pixel: float,
    rng: np.random.Generator | None,
    shield: np.ndarray | None = None,
) -> np.ndarray:
    """Return the density of each pixel, -ln(radiation / radiation without a body).

    Args:
        soft, bone: (height, width) centimeters, see `projection.Paths`.
        view: "PA" or "AP", which sets the tube voltage.
        look: scatter and quanta.
        pixel: millimeters per pixel.
        rng: source of the quantum noise; None for no noise.
        shield: (height, width) share of the radiation that passes markers and wires.
    """
    direct = np.zeros(soft.shape, np.float64)
    for energy, weight in BEAMS[view].items():
        direct += weight * np.exp(-WATER[energy] * soft - BONE[energy] * bone)
    if shield is not None:
        direct *= shield
    # Scatter is highest where radiation is absorbed and can still escape; it spreads over a few centimeters.
    born = direct * -np.log(np.clip(direct, 1e-6, 1))
    scattered = 0.7 * _blur(born, 22 / pixel) + 0.3 * _blur(born, 60 / pixel)
    body = direct < 0.6
    scattered *= look.scatter * direct[body].mean() / max(scattered[body].mean(), 1e-12) if body.any() else 0
    quanta = (direct + scattered) * look.quanta * 1000
    counted = rng.poisson(np.maximum(quanta, 1)).astype(np.float64) if rng else quanta
    counted = _blur(counted, 0.28 / pixel)  # light spreads in the detector's screen
    return -np.log(np.maximum(counted, 1) / (look.quanta * 1000 * (1 + look.scatter * 0.2))).astype(np.float64)


def develop(
    density: np.ndarray, lung: np.ndarray, look: Look, pixel: float, clear: np.ndarray | None = None
) -> np.ndarray:
    """Process a film: reduce coarse differences, sharpen, and map lungs and mediastinum to their gray levels.

    Args:
        density: (height, width) from `expose`.
        lung: (height, width) bool, the lungs (a real processor finds them by the histogram).
        look: gray levels, leveling, edges.
        pixel: millimeters per pixel.
        clear: the density without the lesion; gray levels are set between those of both, so that a dense lung
            remains dense. None if there is no lesion.

    Returns:
        (height, width) uint8, bright where dense.
    """
    sharp, low, high = _processed(density, lung, look, pixel)
    if clear is not None:
        _, clear_low, clear_high = _processed(clear, lung, look, pixel)
        low, high = 0.35 * low + 0.65 * clear_low, 0.35 * high + 0.65 * clear_high
    logit = [np.log(gray / (1 - gray)) for gray in (look.lung, look.dense)]
    gain = (logit[1] - logit[0]) / max(high - low, 0.2)
    gray = 1 / (1 + np.exp(-(logit[0] + gain * (sharp - low))))
    return np.clip(np.rint(gray * 255), 0, 255).astype(np.uint8)


def _processed(density: np.ndarray, lung: np.ndarray, look: Look, pixel: float) -> tuple[np.ndarray, float, float]:
    """Return the leveled, sharpened density and its values in the clear part of the lungs and in the mediastinum."""
    body = density > np.log(2)
    typical = np.median(density[body]) if body.any() else 0.0
    held = np.maximum(density, typical - 1.2)  # the bright air beside the body must not dominate the leveling
    flat = density - look.level * (_blur(held, 28 / pixel) - typical)
    down = cv2.GaussianBlur(flat, (1, 0), sigmaX=0.01, sigmaY=1.0 / pixel)  # the CT is coarser along the body
    sharp = flat + look.edge * (flat - _blur(flat, 7 / pixel))
    sharp += 1.6 * look.edge * (flat - _blur(flat, 1.0 / pixel)) + look.edge * (flat - down)
    low = np.percentile(sharp[lung], 30) if lung.any() else np.percentile(sharp, 20)
    high = np.percentile(sharp[body], 90) if body.any() else np.percentile(sharp, 90)
    return sharp, float(low), float(high)


def lean(picture: np.ndarray, degrees: float, nearest: bool = False) -> np.ndarray:
    """Rotate a picture about its center, with edges replicated."""
    if not degrees:
        return picture
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1)
    interpolation = cv2.INTER_NEAREST if nearest else cv2.INTER_CUBIC
    edge = cv2.BORDER_CONSTANT if nearest else cv2.BORDER_REPLICATE
    return cv2.warpAffine(picture, matrix, (width, height), flags=interpolation, borderMode=edge)


def _blur(picture: np.ndarray, sigma: float) -> np.ndarray:
    """Apply a Gaussian blur; broad ones on a reduced copy."""
    if sigma < 0.2:
        return picture
    if sigma <= 6:
        return cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    factor = 4 / sigma
    height, width = picture.shape
    small = cv2.resize(
        picture, (max(2, round(width * factor)), max(2, round(height * factor))), interpolation=cv2.INTER_AREA
    )
    small = cv2.GaussianBlur(small, (0, 0), 4, borderType=cv2.BORDER_REFLECT)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
