"""What a network is, as its JSON says it; nothing here loads weights."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from covid_model import config
from covid_model.imaging.preprocessing import Preprocessing
from covid_model.model import registry
from covid_model.model.calibration import Calibration

STORED = "stored"  # the base lies in the network's own weights file
IMAGENET = "imagenet"  # the base is Keras' VGG-19, frozen, and is not in the file


class NetworkError(RuntimeError):
    """A network cannot be used. The message names the file or the weights, and says what to do."""


@dataclass(frozen=True)
class Head:
    """The two fully-connected layers.

    Attributes:
        pooling: "flatten" keeps all 7 x 7 x 512 features (the paper); "average" keeps 512, their means over the film.
        units: of the first layer; the second has one, the logit.
        dropout: share of the first layer's outputs dropped in training, 0 to 1.
    """

    pooling: str = "flatten"
    units: int = 256
    dropout: float = 0.5


@dataclass(frozen=True)
class NetworkSpec:
    """What a network is, as its JSON says it; that JSON and the weights file are all that a network needs.

    `title`, `short_title` (where there is little room), `help` (one sentence) and `order` (among the others; the first
    is the default) are what a page says of it. `trained_on` names the splits whose films it was trained on. `recipe`,
    `history` and `training` tell how it came about.

    `calibration` is put there by `audit.calibration`; a network trained anew has none until it is audited.
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
    order: float = registry.LAST
    trained_on: tuple[str, ...] = ()
    recipe: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    training: dict[str, Any] = field(default_factory=dict)
    calibration: Calibration | None = None

    @property
    def holds_out(self) -> bool:
        """Whether the validation part of those splits (`dataset.hold_out`) stayed out of its training for good."""
        return bool(self.training.get("validation"))

    def save(self, folder: Path | None = None) -> Path:
        """Write NAME.json into `folder`."""
        folder = config.NETWORKS if folder is None else folder
        path = folder / f"{self.name}.json"
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")
        return path


def available(folder: Path | None = None) -> list[str]:
    """Names of the networks whose JSON is there, in their order, the default first."""
    folder = config.NETWORKS if folder is None else folder
    return list(registry.names(folder))


def spec(name: str, folder: Path | None = None) -> NetworkSpec:
    """What the network `name` is. Raises NetworkError for an unknown name or a damaged JSON."""
    folder = config.NETWORKS if folder is None else folder
    there = registry.names(folder)
    path = folder / f"{name}.json"
    if name not in there and (Path(name).name != name or path.is_file()):
        raise NetworkError(f"Networks are {', '.join(there)}. Received: {name!r}.")
    try:
        content = json.loads(path.read_text())
        known = {one.name for one in fields(NetworkSpec)}
        content = {key: value for key, value in content.items() if key in known}
        content["preprocessing"] = Preprocessing(**content["preprocessing"])
        content["head"] = Head(**content["head"])
        content["calibration"] = Calibration.of(content.get("calibration"))
        content["trained_on"] = tuple(content["trained_on"])
        return NetworkSpec(**content)
    except FileNotFoundError as error:
        raise NetworkError(
            f"{path} is missing; networks there are: {', '.join(there) or 'none'}. {how_to_make(name)}"
        ) from error
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise NetworkError(f"{path} is damaged ({error}). {how_to_make(name)}") from error


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def how_to_make(name: str) -> str:
    return f"Get it back with git, or make it again: python -m covid_model train --recipe {name}."
