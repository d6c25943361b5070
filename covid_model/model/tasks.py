"""Name what the app asks of a network about one film, so that it can be asked of a service on another computer too.

Between the app and the service, a film travels as a NumPy array file, an answer as a NumPy archive: its arrays, and
JSON for the rest. Nothing is unpickled, and only the classes of CLASSES are built from what arrives.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from covid_model import config
from covid_model.imaging import Film
from covid_model.imaging.image import check_size
from covid_model.model import activations, attribution, robustness
from covid_model.model.activations import Block, ForwardTrace, HeadActivations, Layer, Maps
from covid_model.model.gradcam import GradCamSteps
from covid_model.model.predictor import Prediction, Predictor
from covid_model.verdict import OutOfDistribution

PREDICT = "predict"  # the task that the queue's pace is measured by
EXPLAIN = "explain"  # the only one with an option: methods, a list


def _features(predictor: Predictor, film: Film) -> np.ndarray:
    return next(predictor.outputs([film.pixels]))[1]


TASKS: dict[str, Callable[..., Any]] = {
    PREDICT: lambda predictor, film: predictor.predict(film),
    "trace": lambda predictor, film: activations.trace(predictor, film),
    EXPLAIN: lambda predictor, film, methods: attribution.explain(predictor, film.pixels, tuple(methods)),
    "randomized": lambda predictor, film: attribution.randomized(predictor, film.pixels),
    "robustness": lambda predictor, film: robustness.copy_scores(predictor, film.pixels),
    "features": _features,
}


@dataclass(frozen=True)
class Task:
    """One question about one film. Called with a predictor, it returns the answer.

    Attributes:
        name: A key of TASKS.
        film: The film. A service gets its pixels only.
        options: Further arguments of the task, plain values that JSON can hold.
    """

    name: str
    film: Film
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        if self.name not in TASKS:
            raise ValueError(f"The task must be one of {', '.join(TASKS)}. Received: {self.name!r}.")
        methods = self.options.get("methods") if self.name == EXPLAIN else []
        if set(self.options) != ({"methods"} if self.name == EXPLAIN else set()) or not isinstance(methods, list):
            raise ValueError(f"Expected a list of methods for {EXPLAIN}, nothing else. Received: {self.options!r}.")
        if unknown := [method for method in methods if method not in attribution.METHODS]:
            raise ValueError(f"The methods must be of {', '.join(attribution.METHODS)}. Received: {unknown!r}.")

    def __call__(self, predictor: Predictor) -> Any:
        return TASKS[self.name](predictor, self.film, **self.options)

    def completed(self, answer: Any) -> Any:
        """Return the answer to the pixels alone with what the film is known to be besides."""
        if self.name != PREDICT:
            return answer
        return replace(answer, warnings=self.film.warnings, in_color=self.film.in_color)


def of_pixels(name: str, pixels: np.ndarray, **options: Any) -> Task:
    """Return the task `name` about a film of these pixels, (height, width) uint8."""
    return Task(name, Film(pixels, (), "PNG"), options)


# --- Films and answers as bytes ---

CLASSES = {
    kind.__name__: kind
    for kind in (Prediction, ForwardTrace, Block, Layer, Maps, HeadActivations, GradCamSteps, OutOfDistribution)
}
HEADER_BYTES = 4096  # more than the header of an array file takes
KIND, CONTENT = "kind", "content"  # keys of an encoded value that JSON has no form for
TREE = "tree"  # name of the JSON in the archive


class Code(StrEnum):
    """Why the service gave no answer."""

    FULL = "queue full"
    FILM = "film refused"
    NO_SCORE = "no score"
    NETWORK = "network not available"
    AGAIN = "try again"
    TOKEN = "token"
    REQUEST = "request"  # one that this service does not understand


def film_to_bytes(pixels: np.ndarray) -> bytes:
    """Return a film (height, width) uint8 as the bytes of a .npy file."""
    file = io.BytesIO()
    np.save(file, np.ascontiguousarray(pixels), allow_pickle=False)
    return file.getvalue()


def film_from_bytes(data: bytes) -> np.ndarray:
    """Return a film from the bytes of a .npy file, (height, width) uint8, read-only.

    Raises:
        FilmError: The film is too small, too large or too long.
        ValueError: The bytes are not those of a film.
    """
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        shape, _, kind = np.lib.format.read_array_header_1_0(file)
    except Exception as error:  # NumPy evaluates the header as a literal and raises almost anything
        raise ValueError("expected the bytes of a .npy file") from error
    if version != (1, 0) or kind != np.uint8 or len(shape) != 2:
        raise ValueError(f"expected a film (height, width) of uint8. Received: {kind} of shape {shape}")
    check_size(shape[1], shape[0])
    if len(data) - file.tell() != shape[0] * shape[1]:
        raise ValueError(f"expected {shape[0] * shape[1]} pixels. Received: {len(data) - file.tell()} bytes")
    pixels = np.load(io.BytesIO(data), allow_pickle=False)
    pixels.setflags(write=False)
    return pixels


def most_film_bytes() -> int:
    """Return the most bytes that a film takes on its way."""
    return config.MAX_PIXELS + HEADER_BYTES


def digest(pixels: np.ndarray) -> str:
    """Return the SHA-256 of a film's shape and pixels: an answer carries it, so that it cannot be taken for another."""
    return hashlib.sha256(str(pixels.shape).encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()


def encode(answer: Any) -> bytes:
    """Return an answer as bytes: numbers, texts, arrays, lists, tuples, dicts with text keys, and CLASSES."""
    arrays: dict[str, np.ndarray] = {}

    def tree(value: Any) -> Any:
        if value is None or (isinstance(value, str | bool | int | float) and type(value).__name__ not in CLASSES):
            return value
        if isinstance(value, np.ndarray):
            name = f"array{len(arrays)}"
            arrays[name] = value
            return {KIND: "array", CONTENT: name}
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, list):
            return [tree(item) for item in value]
        if isinstance(value, tuple):
            return {KIND: "tuple", CONTENT: [tree(item) for item in value]}
        if isinstance(value, dict):
            return {KIND: "dict", CONTENT: {key: tree(item) for key, item in value.items()}}
        name = type(value).__name__
        if CLASSES.get(name) is not type(value):
            raise TypeError(f"a {name} cannot be sent")
        if is_dataclass(value):
            return {KIND: name, CONTENT: {part.name: tree(getattr(value, part.name)) for part in fields(value)}}
        return {KIND: name, CONTENT: value.value}

    described, file = json.dumps(tree(answer)), io.BytesIO()
    np.savez(file, **{TREE: np.frombuffer(described.encode(), np.uint8)}, **arrays)
    return file.getvalue()


def decode(data: bytes) -> Any:
    """Return the answer that `encode` was given. Raises ValueError for other bytes."""

    def value(node: Any) -> Any:
        if isinstance(node, list):
            return [value(item) for item in node]
        if not isinstance(node, dict):
            return node
        kind, content = node[KIND], node[CONTENT]
        if kind == "array":
            return archive[content]
        if kind == "tuple":
            return tuple(value(item) for item in content)
        if kind == "dict":
            return {key: value(item) for key, item in content.items()}
        if is_dataclass(CLASSES[kind]):
            return CLASSES[kind](**{key: value(item) for key, item in content.items()})
        return CLASSES[kind](content)

    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return value(json.loads(archive[TREE].tobytes()))
    except Exception as error:  # zipfile, NumPy and JSON each have their own
        raise ValueError(f"expected an answer of the prediction service ({type(error).__name__})") from error
