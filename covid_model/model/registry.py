"""List and describe the networks: every JSON file of assets/networks that describes one, typed and checked.

To add a network, add NAME.json and its weights; no code names it. Other JSON files in the folder, such as the text of
the model cards, are ignored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from covid_model import config
from covid_model.imaging.preprocessing import Preprocessing

REQUIRED_KEYS = ("weights", "base", "preprocessing")  # what makes a JSON file a network's
LAST = 1000  # the order of a network whose JSON gives none
NONE = "none"  # the default network's name if there is no network at all


@dataclass(frozen=True)
class Entry:
    """How pages name a network.

    Attributes:
        name: Stem of its JSON file, used in URLs, options and records.
        title: Name on a page.
        short_title: Name where space is tight.
        help: One sentence on how it was made.
        order: Position in lists; the lowest is the default network.
        trained_on: Splits whose films it was trained on.
        stored: Whether its weights file includes the base.
    """

    name: str
    title: str
    short_title: str
    help: str = ""
    order: float = LAST
    trained_on: tuple[str, ...] = ()
    stored: bool = False


def entries(folder: Path | None = None) -> tuple[Entry, ...]:
    """Return the networks of `folder` (default: `config.NETWORKS`) in their order.

    A JSON file that is unreadable or incomplete is listed if there are weights of the same name: it is a damaged
    network, and loading it says so.
    """
    folder = config.NETWORKS if folder is None else folder
    described = [_entry(path, *_stamp(path)) for path in sorted(folder.glob("*.json"))]
    return tuple(sorted(filter(None, described), key=lambda entry: (entry.order, entry.name)))


def names(folder: Path | None = None) -> tuple[str, ...]:
    """Return the names of the networks in their order."""
    return tuple(entry.name for entry in entries(folder))


def default() -> str:
    """Return the name of the default network; NONE if there is no network."""
    return next(iter(names()), NONE)


def entry(name: str) -> Entry:
    """Return how pages name the network `name`, even if it has scores or records but no JSON file."""
    known = {entry.name: entry for entry in entries()}
    return known.get(name) or Entry(name, name.capitalize(), name.capitalize())


def title(name: str) -> str:
    """Return the network's title."""
    return entry(name).title


def short_title(name: str) -> str:
    """Return the network's title for where space is tight."""
    return entry(name).short_title


def _stamp(path: Path) -> tuple[int, int]:
    """Return a file's time of change and size: a key of the cache, so that edits show without a restart."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


@lru_cache(maxsize=256)
def _entry(path: Path, changed: int, size: int) -> Entry | None:
    """Return the network that a JSON file describes; None if it describes none."""
    name = path.stem
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        content = None
    if isinstance(content, Mapping) and all(key in content for key in REQUIRED_KEYS):
        return _from_json(name, content)
    return Entry(name, name.capitalize(), name.capitalize()) if path.with_suffix(".npz").is_file() else None


def _from_json(name: str, content: Mapping[str, Any]) -> Entry:
    title = str(content.get("title") or name.capitalize())
    order, splits = content.get("order"), content.get("trained_on")
    return Entry(
        name,
        title,
        str(content.get("short_title") or title),
        str(content.get("help") or ""),
        order if isinstance(order, int | float) else LAST,
        tuple(map(str, splits)) if isinstance(splits, list) else (),
        content["base"] == "stored",
    )


STORED = "stored"  # the weights file includes the base
IMAGENET = "imagenet"  # the base is Keras' VGG-19, frozen, and is not in the file


class NetworkError(RuntimeError):
    """A network cannot be used. The message names the file and says what to do."""


class WeightsMissingError(NetworkError):
    """A network needs VGG-19's ImageNet weights, which are not on this computer yet."""


@dataclass(frozen=True)
class Head:
    """The two fully connected layers.

    Attributes:
        pooling: "flatten" keeps all 7 x 7 x 512 features (the paper); "average" keeps their 512 means over the film.
        units: Units of the first layer. The second has one, the logit.
        dropout: Fraction of the first layer's outputs to drop in training, in [0, 1).
    """

    pooling: str = "flatten"
    units: int = 256
    dropout: float = 0.5


@dataclass(frozen=True)
class Calibration:
    """Temperature scaling (Guo et al. 2017, https://arxiv.org/abs/1706.04599), fitted by `experiments.calibration`.

    Attributes:
        temperature: Divisor of the logit, above 0. Above 1 it moves scores toward 0.5, below 1 away from it; it never
            changes their order.
        fitted_on: Number of validation films.
        helps: For each part of the reported films ("test", "external", ...): whether the cross-entropy fell there, up
            to the upper end of its interval.
    """

    temperature: float
    fitted_on: int
    helps: dict[str, bool]

    def __post_init__(self):
        if not self.temperature > 0:
            raise ValueError(f"`temperature` must be above 0. Received: {self.temperature!r}.")

    @property
    def helped(self) -> bool:
        """Whether it helped out of sample: on every part where it was tried, none of which it was fitted on."""
        return bool(self.helps) and all(self.helps.values())

    @classmethod
    def from_json(cls, content: Mapping[str, Any] | None) -> Calibration | None:
        """Return the calibration in a network's JSON; None if there is none. Raises TypeError or ValueError."""
        return None if content is None else cls(**content)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Calibration:
        """Return the calibration that an experiment's record reports."""
        helps = {part: bool(result["helps"]) for part, result in record["splits"].items()}
        return cls(record["temperature"], record["fitted_on"]["films"], helps)


@dataclass(frozen=True)
class NetworkSpec:
    """The content of a network's JSON file. With the weights file, it is all that a network needs.

    `title`, `short_title`, `help` and `order` are what pages show, and `trained_on` the splits it was trained on (see
    `Entry`). `recipe`, `history` and `training` record how it was trained. `calibration` is None until
    `python -m covid_model audit` has measured the network. `bfloat16` says whether predictions in bfloat16 are close
    enough; false until `python -m covid_model benchmark --only precision` has found so on all test films.
    """

    name: str
    title: str
    summary: str
    threshold: float
    preprocessing: Preprocessing
    base: str
    head: Head
    weights: str
    sha256: str
    parameters: int
    short_title: str = ""
    help: str = ""
    order: float = LAST
    trained_on: tuple[str, ...] = ()
    recipe: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    training: dict[str, Any] = field(default_factory=dict)
    calibration: Calibration | None = None
    bfloat16: bool = False

    @property
    def holds_out(self) -> bool:
        """Whether the validation part of its splits (`dataset.hold_out`) was never trained on."""
        return bool(self.training.get("validation"))

    def save(self, folder: Path | None = None) -> Path:
        """Write NAME.json into `folder` and return its path."""
        folder = config.NETWORKS if folder is None else folder
        path = folder / f"{self.name}.json"
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")
        return path


def spec(name: str, folder: Path | None = None) -> NetworkSpec:
    """Return the description of the network `name`. Raises NetworkError if it is unknown or its JSON is damaged."""
    folder = config.NETWORKS if folder is None else folder
    known = names(folder)
    path = folder / f"{name}.json"
    if name not in known and (Path(name).name != name or path.is_file()):
        raise NetworkError(f"The network must be one of {', '.join(known) or 'none'}. Received: {name!r}.")
    try:
        content = json.loads(path.read_text())
        keys = {field.name for field in fields(NetworkSpec)}
        content = {key: value for key, value in content.items() if key in keys}
        content["preprocessing"] = Preprocessing(**content["preprocessing"])
        content["head"] = Head(**content["head"])
        content["calibration"] = Calibration.from_json(content.get("calibration"))
        content["trained_on"] = tuple(content["trained_on"])
        return NetworkSpec(**content)
    except FileNotFoundError as error:
        raise NetworkError(
            f"{path} is missing. The networks here are: {', '.join(known) or 'none'}. {how_to_make(name)}"
        ) from error
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise NetworkError(f"{path} is damaged ({error}). {how_to_make(name)}") from error


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def how_to_make(name: str) -> str:
    """Return the sentence that says how to get a network's files."""
    return f"Restore it from git, or train it: python -m covid_model train --recipe {name}."
