"""Images that are not upright chest X-rays, to measure the detector on. Some need requirements-dev.txt."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np

from covid_model import config, imaging

SIDE = 320  # pixels a side of an image drawn here
DRAWN = 40  # images of each kind that is drawn
PHOTOGRAPHS = (  # that come with scikit-image, its drawings and textures included
    "astronaut", "brick", "camera", "cell", "chelsea", "clock", "coffee", "coins", "colorwheel", "grass", "gravel",
    "horse", "hubble_deep_field", "immunohistochemistry", "logo", "microaneurysms", "moon", "page", "retina", "rocket",
    "shepp_logan_phantom", "text",
)  # fmt: skip
OTHER_BODY_PARTS = (  # pydicom-data's files, one of each image; its chest X-ray (RG1) is left out
    "693_UNCR.dcm", "JPEG-LL.dcm", "JPGLosslessP14SV1_1s_1f_8b.dcm", "MR-SIEMENS-DICOM-WithOverlays.dcm",
    "MR2_UNCR.dcm", "OBXXXX1A.dcm", "RG3_UNCR.dcm", "US1_UNCR.dcm", "bad_sequence.dcm", "color3d_jpeg_baseline.dcm",
    "emri_small.dcm", "explicit_VR-UN.dcm", "gdcm-US-ALOKA-16.dcm",
)  # fmt: skip
WORDS = "the score of this film is no measure of illness, and a page of text is no film at all"


def photographs() -> Iterator[np.ndarray]:
    """Yield scikit-image's images as gray (height, width) uint8, and a square from the center of each."""
    from skimage import color, data, util

    for name in PHOTOGRAPHS:
        picture = getattr(data, name)()
        gray = color.rgb2gray(picture[..., :3]) if picture.ndim == 3 else picture
        whole = util.img_as_ubyte(gray)
        yield whole
        side = min(whole.shape) * 2 // 3
        top, left = (whole.shape[0] - side) // 2, (whole.shape[1] - side) // 2
        yield whole[top : top + side, left : left + side]


def body_parts() -> tuple[list[np.ndarray], int]:
    """Return pydicom-data's images of other body parts, gray, and the number of files that the decoder refuses.

    Raises:
        FileNotFoundError: pydicom-data is not installed.
    """
    from pydicom.data import get_testdata_file

    images, refused = [], 0
    for name in OTHER_BODY_PARTS:
        path = get_testdata_file(name, download=False)
        if path is None:
            raise FileNotFoundError(f"pydicom-data's {name} is missing. Install requirements-dev.txt.")
        try:
            with open(path, "rb") as file:
                images.append(imaging.decode(file.read()).pixels)
        except imaging.FilmError:
            refused += 1
    return images, refused


def noise(rng: np.random.Generator) -> np.ndarray:
    """Return random gray (SIDE, SIDE) uint8, from single-pixel grain to clouds as large as half the image."""
    coarse = int(2 ** rng.uniform(1, np.log2(SIDE)))
    grain = rng.standard_normal((coarse, coarse)).astype(np.float32)
    picture = cv2.resize(grain, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    picture = (picture - picture.mean()) / picture.std() * rng.uniform(20, 70) + rng.uniform(80, 170)
    return picture.clip(0, config.GRAY_LEVELS).astype(np.uint8)


def text_page(rng: np.random.Generator) -> np.ndarray:
    """Return a page of text in one of OpenCV's fonts, dark on light or light on dark, (height, width) uint8."""
    height, width = SIDE * rng.integers(9, 14) // 10, SIDE
    paper, ink = (250, 20) if rng.random() < 0.7 else (15, 230)
    page = np.full((height, width), paper, np.uint8)
    size, font = rng.uniform(0.3, 0.9), int(rng.integers(0, 8))
    for line in range(int(40 * size), height - 10, int(34 * size) + 4):
        words = " ".join(rng.choice(WORDS.split(), 12))
        cv2.putText(page, words[: int((width - 30) / (18 * size))], (15, line), font, size, ink, 1, cv2.LINE_AA)
    return page


def drawing(rng: np.random.Generator) -> np.ndarray:
    """Return lines, disks and boxes over a ramp of gray, like a chart or a logo, (SIDE, SIDE) uint8."""
    ramp = np.linspace(*rng.uniform(0, 255, 2), SIDE)
    picture = np.ascontiguousarray(np.tile(ramp, (SIDE, 1)).astype(np.uint8))
    for _ in range(int(rng.integers(4, 25))):
        start, end = rng.integers(0, SIDE, (2, 2)).tolist()
        gray, thick = int(rng.integers(256)), int(rng.choice([-1, 1, 2, 6]))
        kind = int(rng.integers(3))
        if kind == 0:
            cv2.line(picture, start, end, gray, max(1, thick), cv2.LINE_AA)
        elif kind == 1:
            cv2.circle(picture, start, int(rng.integers(4, SIDE // 4)), gray, thick, cv2.LINE_AA)
        else:
            cv2.rectangle(picture, start, end, gray, thick)
    return picture


PAINTED: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "noise": noise,
    "text pages": text_page,
    "drawings": drawing,
}
