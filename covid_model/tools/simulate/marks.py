"""Objects on a film besides the body: lead letters, electrodes with wires, the collimator's shutters."""

from __future__ import annotations

import cv2
import numpy as np

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
