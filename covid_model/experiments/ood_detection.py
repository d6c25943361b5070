"""Out-of-distribution detection: fit the detector on training films, calibrate it on validation films, measure it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pandas as pd
from tqdm import tqdm

from covid_model import config, evaluation, imaging
from covid_model.data import dataset
from covid_model.evaluation.bootstrap import share
from covid_model.experiments.context import ExperimentContext
from covid_model.model import device, registry
from covid_model.model.ood import CHANGES, OodDetector, detector_path
from covid_model.training.score_dataset import OutputStore

DIRECTIONS = 64  # principal components of the training films' features
GROUP = 300  # films of one group that it is fitted on, at most
PENALTY = 1e-2  # C of the logistic regression
RATE = 0.01  # share of validation films above the cut
TAUGHT_FILMS = 240  # training films whose rotated and inverted copies it learns from
CHANGED_FILMS = 200  # test films that are rotated, inverted ... to measure it
SAME_FILMS = 32  # films whose distances are compared between precisions
GOALS = {"genuine": 0.02, "other": 0.97}  # flagged: of each source at most, of what is no chest X-ray at least


def run(context: ExperimentContext) -> dict[str, Any]:
    """Fit, store and measure one network's detector. Writes NAME-novelty.npz into `context.networks`.

    It is fitted on all training films, those included that this network was not trained on: the question is whether
    an image is an upright chest X-ray, not whose.
    """
    features = Features(context, device.fast_precision())
    training = dataset.labeled_training_films(context.data.films, *config.TRAINING_SPLITS)
    groups = dataset.group_names(training)
    held_out = dataset.validation_films(context.data.films, *config.TRAINING_SPLITS)
    fitted_on = sample(groups[~held_out], GROUP, context.seed)
    validation = list(training.index[held_out])
    detector = fit(
        features.of_films(fitted_on),
        taught_by(context, fitted_on, features),
        features.of_films(validation),
        groups[held_out],
    )
    file_sha256 = replace(detector, network=np.array(context.spec.sha256)).save(context.name, context.networks)
    detector = OodDetector.load(context.name, context.networks)
    others, refused = other_pictures(context)
    distances = {
        kind: detector.distances(features.of_pictures(many, kind)).max(axis=1) for kind, many in others.items()
    }
    flagged = {kind: values > 1 for kind, values in distances.items()}
    every = np.concatenate(list(flagged.values()))
    return {
        "gate": {
            "file": detector_path(context.name, context.networks).name,
            "sha256": file_sha256,
            "directions": len(detector.directions),
            "rate": RATE,
            "fitted_on": len(fitted_on),
            "taught_by": {"films": min(TAUGHT_FILMS, len(fitted_on)), "changes": list(CHANGES)},
            "cut_on": len(validation),
        },
        "wanted": GOALS,
        "genuine": genuine(context, detector, features),
        "other": {
            kind: {
                "taught": kind in CHANGES,
                "flagged": evaluation.proportion(int(flagged[kind].sum()), flagged[kind].size),
                "median_distance": float(np.median(distances[kind])),
            }
            for kind in others
        },
        "every_other": evaluation.proportion(int(every.sum()), every.size),
        "mean_of_kinds": float(np.mean([flags.mean() for flags in flagged.values()])),
        "refused_by_the_decoder": refused,
        "precision_moves_distance_by": precision_gap(context, detector, features),
    }


def fit(upright: np.ndarray, changed: np.ndarray, validation: np.ndarray, groups: Iterable[str]) -> OodDetector:
    """Return a fitted detector whose `network` is still to be set.

    Args:
        upright: (n, d), pooled features of training films.
        changed: (m, d), of rotated and inverted ones.
        validation: (v, d), of films of other patients, on which the cuts are set.
        groups: (v,), their groups (`dataset.group_names`), which count equally, however few their films.
    """
    from sklearn.decomposition import PCA

    directions = min(DIRECTIONS, len(upright) - 2, upright.shape[1] - 1)
    pca = PCA(directions, svd_solver="randomized", random_state=0).fit(upright)
    arrays = (pca.mean_, pca.components_, pca.explained_variance_, pca.noise_variance_)
    slope, offset = tell_apart(upright, changed)
    cut, network = np.float32(1), np.array("")
    detector = OodDetector(*(np.asarray(array, np.float32) for array in arrays), cut, slope, offset, network)
    groups = np.asarray(list(groups))
    far, turned = detector.distances(validation).T
    scale = cut_of(turned, groups)
    detector = replace(detector, cut=cut_of(far, groups), slope=slope / scale, offset=offset / scale)
    both = cut_of(detector.distances(validation).max(axis=1), groups)
    return replace(detector, cut=detector.cut * both, slope=detector.slope / both, offset=detector.offset / both)


def tell_apart(upright: np.ndarray, changed: np.ndarray) -> tuple[np.ndarray, np.float32]:
    """Return slope (d,) and offset of a logistic regression, shifted to 0 for the mean upright film."""
    from sklearn.linear_model import LogisticRegression

    spread = upright.std(axis=0) + upright.std() / 100
    x = np.concatenate([upright, changed]) / spread
    truth = np.repeat([0, 1], [len(upright), len(changed)])
    model = LogisticRegression(C=PENALTY, class_weight="balanced", max_iter=1000).fit(x, truth)
    slope = (model.coef_[0] / spread).astype(np.float32)
    return slope, np.float32(-(upright @ slope).mean())


def cut_of(values: np.ndarray, groups: np.ndarray, rate: float = RATE) -> np.float32:
    """Return the lowest of `values` (n,) with at most `rate` of the films above it, all groups weighted equally."""
    names, number, count = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.argsort(-values)
    above = np.cumsum(1 / (count[number[order]] * len(names)))  # share of films from the highest down to each
    within = np.flatnonzero(above <= rate + 1e-9)
    return np.float32(values[order[within[-1] + 1 if within.size else 0]])


def taught_by(context: ExperimentContext, films: list[str], features: Features) -> np.ndarray:
    """Return pooled features (m, d) of rotated and inverted copies of some training films."""
    rng = np.random.default_rng(context.seed)
    rows = rng.choice(len(films), min(TAUGHT_FILMS, len(films)), replace=False)
    pixels = [context.pixels(films[row]) for row in rows]
    return np.concatenate(
        [features.of_pictures([change(film) for film in pixels], name) for name, change in CHANGES.items()]
    )


def sample(groups: pd.Series, most: int, seed: int) -> list[str]:
    """Return the ids of at most `most` films of each group, drawn at random, in the order of `groups`."""
    rng = np.random.default_rng(seed)
    rows = [np.flatnonzero(groups == name) for name in sorted(set(groups))]
    drawn = np.concatenate([rng.choice(own, min(most, own.size), replace=False) for own in rows])
    return list(groups.index[np.sort(drawn)])


def genuine(context: ExperimentContext, detector: OodDetector, features: Features) -> list[dict[str, Any]]:
    """Return the share of flagged films for every reported split and source; all are chest X-rays."""
    parts = []
    reported = context.data.films[~context.data.films["split"].isin(config.TRAINING_SPLITS)]
    far, turned = detector.distances(features.of_films(list(reported.index))).T
    distances = pd.Series(np.maximum(far, turned), reported.index)
    for split in dict.fromkeys(reported["split"]):
        whole = reported[reported["split"] == split]
        sources = list(dict.fromkeys(whole["source"]))
        for source in [*([None] if len(sources) > 1 else []), *sources]:
            part = whole if source is None else whole[whole["source"] == source]
            parts.append(
                {
                    "split": split,
                    "source": source,
                    "flagged": share(distances[part.index] > 1, part["patient"]),
                    "median_distance": float(distances[part.index].median()),
                }
            )
    return parts


def other_pictures(context: ExperimentContext) -> tuple[dict[str, list[np.ndarray]], int]:
    """Return images by kind, gray (height, width) uint8, none an upright chest X-ray, and the files refused."""
    rng = np.random.default_rng(context.seed)
    test = context.data.split("test")
    rows = np.sort(rng.choice(len(test), min(CHANGED_FILMS, len(test)), replace=False))
    films = [context.pixels(film) for film in test.index[rows]]
    parts, refused = body_parts()
    images = {"photographs": list(photographs()), "other body parts": parts}
    images |= {name: [paint(rng) for _ in range(DRAWN)] for name, paint in PAINTED.items()}
    return images | {name: [change(film) for film in films] for name, change in CHANGES.items()}, refused


def precision_gap(context: ExperimentContext, detector: OodDetector, features: Features) -> float | None:
    """Return the largest change of a distance from the fit's precision to float32; None if these are the same."""
    if features.precision == "float32":
        return None
    films = list(context.data.split("test").index[:SAME_FILMS])
    exact = detector.distances(Features(context, "float32").of_films(films)).max(axis=1)
    return float(np.abs(detector.distances(features.of_films(films)).max(axis=1) - exact).max())


class Features:
    """Pooled features of the detector's LAYERS at one precision; those of films are stored in the work folder.

    Networks on the frozen base have the same features, so they share those of the first one.
    """

    def __init__(self, context: ExperimentContext, precision: str):
        spec = context.spec
        if spec.base == registry.IMAGENET:
            same = (registry.spec(name, context.networks) for name in registry.names(context.networks))
            spec = next(
                other for other in same if other.base == spec.base and other.preprocessing == spec.preprocessing
            )
        self.precision = precision
        self.store = OutputStore(spec, context.data, context.vgg19, precision, context.work)

    def of_films(self, ids: list[str]) -> np.ndarray:
        """Return features (n, d) float32 of the films `ids`."""
        return self.store.get(ids)[1]

    def of_pictures(self, many: Iterable[np.ndarray], name: str) -> np.ndarray:
        """Return features (n, d) float32 of images, each (height, width) uint8."""
        return np.stack([pooled for _, pooled in self.store.predictor.outputs(tqdm(many, name, unit="film"))])


# --- Images that are not upright chest X-rays ---

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
