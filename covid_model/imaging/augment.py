"""Augment films at random: small changes that must not change a score.

The paper suggests random jitter against overfitting; the fine-tuned recipe adds changes to the properties by which
archives can be told apart (framing, tone curve, sharpness, noise, compression).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from covid_model import config


@dataclass(frozen=True)
class Augmentation:
    """The limits of the changes. Every draw is uniform between them; zero leaves a property unchanged.

    Attributes:
        rotation: degrees, either way.
        shift: share of width and height, either way.
        zoom: share by which each axis is independently stretched or shrunk, either way.
        crop: largest share cut off, drawn for each side.
        gamma: largest absolute logarithm (base 2) of the exponent of the tone curve.
        contrast: largest absolute logarithm (base 2) of the gain about the mean gray.
        blur: largest standard deviation of a Gaussian blur, in thousandths of the film's longer side.
        sharpen: largest strength of an unsharp mask.
        noise: largest standard deviation of added noise, in gray levels.
        jpeg: lowest JPEG quality, 1 to 100; None for no compression.
        flip: probability of mirroring left and right.
        each: probability that each of blur, sharpen, noise and jpeg is applied.
    """

    rotation: float = 0.0
    shift: float = 0.0
    zoom: float = 0.0
    crop: float = 0.0
    gamma: float = 0.0
    contrast: float = 0.0
    blur: float = 0.0
    sharpen: float = 0.0
    noise: float = 0.0
    jpeg: int | None = None
    flip: float = 0.0
    each: float = 0.5

    def __call__(self, pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return one augmented copy of a film: (height, width) uint8 to (height', width') uint8."""
        return self._archive(self._tone(self._place(pixels, rng), rng), rng)

    def _place(self, pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Crop, then rotate, shift and zoom about the center; the edge is repeated outside the film."""
        height, width = pixels.shape
        left, top, right, bottom = rng.uniform(0, self.crop, 4) * (width, height, width, height)
        pixels = pixels[int(top) : height - int(bottom), int(left) : width - int(right)]
        if rng.random() < self.flip:
            pixels = pixels[:, ::-1]
        if not (self.rotation or self.shift or self.zoom):
            return np.ascontiguousarray(pixels)
        height, width = pixels.shape
        angle = np.deg2rad(rng.uniform(-self.rotation, self.rotation))
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        linear = turn @ np.diag(1 + rng.uniform(-self.zoom, self.zoom, 2))  # (2, 2)
        middle = np.array([width, height]) / 2
        moved = rng.uniform(-self.shift, self.shift, 2) * (width, height)
        affine = np.column_stack([linear, middle + moved - linear @ middle])  # (2, 3)
        return cv2.warpAffine(np.ascontiguousarray(pixels), affine, (width, height), borderMode=cv2.BORDER_REPLICATE)

    def _tone(self, pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Apply gamma and contrast as one lookup table of 256 gray levels."""
        if not (self.gamma or self.contrast):
            return pixels
        levels = np.linspace(0, 1, config.GRAY_LEVELS + 1) ** 2 ** rng.uniform(-self.gamma, self.gamma)
        middle = pixels.mean() / config.GRAY_LEVELS
        levels = middle + (levels - middle) * 2 ** rng.uniform(-self.contrast, self.contrast)
        return cv2.LUT(pixels, (levels.clip(0, 1) * config.GRAY_LEVELS).round().astype(np.uint8))

    def _archive(self, pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Apply blur, sharpening, noise and compression, by which archives differ."""
        longer = max(pixels.shape)
        if self.blur and rng.random() < self.each:
            pixels = cv2.GaussianBlur(pixels, (0, 0), 0.1 + rng.uniform(0, self.blur) * longer / 1000)
        elif self.sharpen and rng.random() < self.each:
            strength = rng.uniform(0, self.sharpen)
            soft = cv2.GaussianBlur(pixels, (0, 0), longer / config.INPUT_SIZE)
            pixels = cv2.addWeighted(pixels, 1 + strength, soft, -strength, 0)
        if self.noise and rng.random() < self.each:
            grain = rng.standard_normal(pixels.shape, np.float32) * rng.uniform(0, self.noise)
            pixels = (pixels + grain).clip(0, config.GRAY_LEVELS).astype(np.uint8)
        if self.jpeg is not None and rng.random() < self.each:
            quality = int(rng.integers(self.jpeg, 96))
            _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
            pixels = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
        return pixels
