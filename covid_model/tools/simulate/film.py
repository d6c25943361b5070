"""From a chest to a film: projection, energies, scatter, quantum noise, processing, and marks on it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from covid_model.tools.simulate.ct import SOFT_LIMIT, Chest

# --- Projection ---

STEP = 2  # planes of voxels per step


@dataclass(frozen=True)
class Geometry:
    """Positions of source, body and detector.

    Attributes:
        view: "PA" (the detector at the front of the chest) or "AP" (at its back).
        distance: from source to detector, in mm (about 1800 for PA, 1000 to 1100 for AP at the bedside).
        gap: from the detector to the body's surface, in mm.
        aim: height of the source above the middle of the lungs, in mm (negative: below).
        pixel: millimeters per pixel on the detector.
        margins: left, top, right, bottom: distance from the lungs to the edges, in mm on the detector.
    """

    view: str = "PA"
    distance: float = 1800.0
    gap: float = 25.0
    aim: float = 0.0
    pixel: float = 0.5
    margins: tuple[float, float, float, float] = (32.0, 15.0, 32.0, 8.0)

    def __post_init__(self) -> None:
        if self.view not in ("PA", "AP"):
            raise ValueError(f"A view is PA or AP. Received: {self.view!r}.")


@dataclass(frozen=True)
class Paths:
    """Tissue along each ray, (height, width) float32 each, in display orientation: the patient's left on the right.

    Attributes:
        soft: centimeters of water equivalent to the soft tissue.
        bone: the same for bone mineral, at 70 keV.
        lung: centimeters of lung.
        lesion: centimeters of water added by the lesion.
        pixel: millimeters per pixel.
    """

    soft: np.ndarray
    bone: np.ndarray
    lung: np.ndarray
    lesion: np.ndarray
    pixel: float


def project(chest: Chest, lesion: np.ndarray, geometry: Geometry) -> Paths:
    """Sum tissue along the rays of a cone.

    Args:
        chest: the chest, lesion included.
        lesion: (z, y, x) float32, the density in g/cm3 that the lesion added.
        geometry: source, body, detector.
    """
    sz, sy, sx = chest.spacing
    occupied = np.flatnonzero((chest.hu > -500).any(axis=(0, 2)))
    back, front = occupied.min() * sy, occupied.max() * sy  # mm
    detector = front + geometry.gap if geometry.view == "PA" else back - geometry.gap
    source = detector - geometry.distance if geometry.view == "PA" else detector + geometry.distance

    lungs = chest.lungs
    (z_low, z_high), (y_low, y_high), (x_low, x_high) = (
        np.flatnonzero(lungs.any(axis=axes))[[0, -1]] for axes in ((1, 2), (0, 2), (0, 1))
    )
    z_low, z_high, x_low, x_high = z_low * sz, z_high * sz, x_low * sx, x_high * sx
    x_source, z_source = (x_low + x_high) / 2, (z_low + z_high) / 2 + geometry.aim
    middle = geometry.distance / abs((y_low + y_high) / 2 * sy - source)  # magnification at the middle of the lungs
    left, top, right, bottom = geometry.margins
    x_first = x_source + (x_low - x_source) * middle - left  # mm on the detector, of the left column
    z_first = z_source + (z_high - z_source) * middle + top  # of the top row
    width = round(((x_high - x_low) * middle + left + right) / geometry.pixel)
    height = round(((z_high - z_low) * middle + top + bottom) / geometry.pixel)

    total = np.zeros((height, width, 4), np.float32)
    first, last = int(occupied.min()), int(occupied.max()) + 1
    for y in range(first, last, STEP):
        thick = slice(y, min(y + STEP, last))
        layers = (*tissues(chest.hu[:, thick]), lungs[:, thick], lesion[:, thick])
        plane = np.stack([layer.sum(axis=1, dtype=np.float32) for layer in layers], axis=-1) * np.float32(sy / 10)
        middle_y = (thick.start + thick.stop - 1) / 2 * sy
        scale = abs(middle_y - source) / geometry.distance  # millimeters here per millimeter on the detector
        matrix = np.array(
            [
                [geometry.pixel * scale / sx, 0, (x_source + (x_first - x_source) * scale) / sx],
                [0, -geometry.pixel * scale / sz, (z_source + (z_first - z_source) * scale) / sz],
            ]
        )
        total += cv2.warpAffine(
            plane,  # (z, x, 4), centimeters
            matrix,
            (width, height),
            flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,  # continues the top and bottom slices: no edge of the CT is visible
        )
    columns = x_first + geometry.pixel * np.arange(width)[None, :] - x_source
    rows = z_first - geometry.pixel * np.arange(height)[:, None] - z_source
    total *= np.sqrt(1 + (columns**2 + rows**2) / geometry.distance**2)[..., None]  # oblique rays have longer paths
    total = np.maximum(total, 0)
    return Paths(*(np.ascontiguousarray(total[..., i]) for i in range(4)), geometry.pixel)


def tissues(hu: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split Hounsfield units into the density of soft tissue and that of bone mineral, both as water at 70 keV."""
    soft = np.clip(1 + np.minimum(hu, SOFT_LIMIT) / 1000, 0, None)
    return soft.astype(np.float32), (np.maximum(hu - SOFT_LIMIT, 0) / 1000).astype(np.float32)


# --- Exposure and processing ---

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
        soft, bone: (height, width) centimeters, see `Paths`.
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


def lean(picture: np.ndarray, degrees: float) -> np.ndarray:
    """Rotate a picture about its center, with edges replicated."""
    if not degrees:
        return picture
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1)
    return cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


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


# --- Objects on the film besides the body ---

FINE = 4  # supersampling, for smooth edges


def letter(shape: tuple[int, int], text: str, at: tuple[float, float], size: float, ring: bool = False) -> np.ndarray:
    """Draw a lead letter.

    Args:
        shape: height and width of the film.
        text: the letter or letters.
        at: center of the text, as fractions of width and height.
        size: height of a letter as a fraction of the film's height.
        ring: whether to draw a ring around it.

    Returns:
        (height, width) float32: the share of radiation that passes, 1 for all.
    """
    height, width = shape
    canvas = np.zeros((height * FINE, width * FINE), np.uint8)
    tall = size * height * FINE
    scale, thick = tall / 22, max(1, round(tall / 6.5))
    (wide, high), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thick)
    x, y = round(at[0] * width * FINE), round(at[1] * height * FINE)
    cv2.putText(canvas, text, (x - wide // 2, y + high // 2), cv2.FONT_HERSHEY_SIMPLEX, scale, 255, thick, cv2.LINE_AA)
    if ring:
        cv2.circle(canvas, (x, y), round(tall * 1.05), 255, max(1, thick // 2), cv2.LINE_AA)
    return 1 - 0.97 * _shrunk(canvas, shape)


def electrodes(shape: tuple[int, int], places: list[tuple[float, float]], exit_: tuple[float, float]) -> np.ndarray:
    """Draw ECG electrodes (a snap on a faint pad) with wires that hang toward `exit_`; return the share that passes."""
    height, width = shape
    snaps, pads, wires = (np.zeros((height * FINE, width * FINE), np.uint8) for _ in range(3))
    leave = np.array(exit_) * (width, height) * FINE
    for i, place in enumerate(places):
        start = np.array(place) * (width, height) * FINE
        point = tuple(int(v) for v in start)
        cv2.circle(pads, point, round(0.020 * height * FINE), 255, -1, cv2.LINE_AA)
        cv2.circle(snaps, point, round(0.0095 * height * FINE), 255, -1, cv2.LINE_AA)
        tail = start + np.array([0.016 * (-1) ** i, 0.022]) * height * FINE  # the clip
        cv2.line(snaps, point, tuple(int(v) for v in tail), 255, round(0.006 * height * FINE), cv2.LINE_AA)
        end = leave + np.array([0.03 * i * width * FINE, 0])
        bend = (tail + end) / 2 + np.array([0.16 * (-1) ** i * width * FINE, 0.14 * height * FINE])
        t = np.linspace(0, 1, 80)[:, None]
        curve = (1 - t) ** 2 * tail + 2 * t * (1 - t) * bend + t**2 * end
        cv2.polylines(wires, [np.rint(curve).astype(np.int32)], False, 255, round(0.0028 * height * FINE), cv2.LINE_AA)
    passes = (1 - 0.80 * _shrunk(snaps, shape)) * (1 - 0.06 * _shrunk(pads, shape))
    return passes * (1 - 0.38 * _shrunk(wires, shape))


def shutters(
    picture: np.ndarray, edges: tuple[float, float, float, float], slant: float, rng: np.random.Generator
) -> np.ndarray:
    """Blacken the area outside the collimated field.

    Args:
        picture: (height, width) uint8.
        edges: left, top, right, bottom: width of the black border, as fractions of width and height.
        slant: rotation of the field in degrees.
        rng: source of the faint grain in the black.
    """
    height, width = picture.shape
    left, top, right, bottom = edges
    corners = np.array([[left, top], [1 - right, top], [1 - right, 1 - bottom], [left, 1 - bottom]], np.float64)
    corners = corners * (width, height) - (width / 2, height / 2)
    for i, edge in enumerate((left, top, right, bottom)):  # move an edge without shutter far outside
        if not edge:
            axis, sign = i % 2, -1 if i < 2 else 1
            for corner in corners:
                if np.sign(corner[axis]) == sign:
                    corner[axis] *= 2
    angle = np.deg2rad(slant)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = corners @ turn.T + (width / 2, height / 2)
    field = np.zeros(picture.shape, np.uint8)
    cv2.fillPoly(field, [np.rint(corners * 16).astype(np.int32)], 255, cv2.LINE_AA, shift=4)
    share = cv2.GaussianBlur(field, (0, 0), 1.2).astype(np.float32) / 255
    black = rng.normal(6, 1.2, picture.shape)
    return np.clip(np.rint(share * picture + (1 - share) * black), 0, 255).astype(np.uint8)


def _shrunk(canvas: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    small = cv2.resize(canvas, (shape[1], shape[0]), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) / 255
