"""The films that the demo brings along, for the first page: simulated ones, and a real one that may be carried."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from covid_model import config


class SampleError(RuntimeError):
    """The list of films, or a film on it, is not as it must be. The message says which and what to do."""


@dataclass(frozen=True)
class Sample:
    """A film of ours.

    Attributes:
        id: its short name, fit for an address.
        title: a few words; of simulated films they begin with "Simulated:".
        description: one sentence on what the film shows.
        path: the picture or DICOM file.
        simulated: False for a real film.
        credit: whom it comes from, and under which licence.
        covid: 1 where it shows ground glass of the COVID sort, 0 where not, None where nobody says.
        mask: a black and white PNG of the film's size, white where its lesion is; None where it has none.
        lungs: the same, white where the lungs are; None where unknown.
    """

    id: str
    title: str
    description: str
    path: Path
    simulated: bool
    credit: str
    covid: int | None
    mask: Path | None
    lungs: Path | None


def samples(listing: Path | None = None) -> list[Sample]:
    """Every film of ours, in the list's order.

    Args:
        listing: a `films.json` (the committed one where none is given); its films lie beside it.

    Raises:
        SampleError: the list is missing or damaged, names a film twice, or names a file that is not there.
    """
    listing = listing or config.FILMS_JSON
    try:
        entries = json.loads(listing.read_text(encoding="utf-8"))["films"]
    except FileNotFoundError:
        raise SampleError(
            f"There is no list of films at {listing}: make it with "
            f"`python -m covid_model simulate --to {listing.parent} --ct CT`."
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SampleError(f"The list of films {listing} cannot be read: {type(error).__name__}: {error}.") from error
    if not isinstance(entries, list):
        raise SampleError(f'The list of films {listing} must hold a list "films". Received: {type(entries).__name__}.')
    found = [_sample(entry, listing) for entry in entries]
    ids = [sample.id for sample in found]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise SampleError(f"The list of films {listing} names {', '.join(twice)} more than once.")
    return found


def sample(name: str, listing: Path | None = None) -> Sample:
    """The film of ours called `name`. Raises SampleError where there is none."""
    known = {film.id: film for film in samples(listing)}
    if name not in known:
        raise SampleError(f"Films of ours are {', '.join(known)}. Received: {name!r}.")
    return known[name]


def _sample(entry: dict, listing: Path) -> Sample:
    """One entry of the list, checked."""
    if not isinstance(entry, dict):
        raise SampleError(f"A film in {listing} must be an object. Received: {entry!r}.")
    name = entry.get("id", "?")
    missing = [key for key in ("id", "file", "title", "shows", "simulated", "credit") if entry.get(key) in (None, "")]
    if missing:
        raise SampleError(f"The film {name!r} in {listing} lacks {', '.join(missing)}.")
    if entry.get("covid") not in (0, 1, None):
        raise SampleError(f"The film {name!r} in {listing} has covid 0, 1 or null. Received: {entry['covid']!r}.")
    files = {key: _beside(listing, entry.get(key), name) for key in ("file", "mask", "lungs")}
    return Sample(
        id=entry["id"],
        title=entry["title"],
        description=entry["shows"],
        path=files["file"],
        simulated=bool(entry["simulated"]),
        credit=entry["credit"],
        covid=entry.get("covid"),
        mask=files["mask"],
        lungs=files["lungs"],
    )


def _beside(listing: Path, file: str | None, name: str) -> Path | None:
    """The file `file` in the list's folder; SampleError where it is not there or lies elsewhere."""
    if file is None:
        return None
    path = listing.parent / file
    if Path(file).name != file or not path.is_file():
        raise SampleError(f"The file {file!r} of the film {name!r} is not in {listing.parent}.")
    return path


# --- A chest film drawn in code, for where no film is at hand. It is a drawing: nobody's, and no radiograph

SCHEMATIC_WIDTH, SCHEMATIC_HEIGHT = 448, 512  # pixels
GRAIN_SEED = 2021  # of the grain


def draw_schematic(width: int = SCHEMATIC_WIDTH, height: int = SCHEMATIC_HEIGHT) -> np.ndarray:
    """(height, width) uint8, bright where dense: a body with two lungs, ribs, a spine, a heart and a diaphragm."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = 2 * x / width - 1, 2 * y / height - 1  # -1 to 1, from left to right and from top to bottom
    shoulders = np.clip(1.5 + 1.2 * y, 0.25, 0.92)  # half the body's width
    film = 165 * _inside(shoulders - np.abs(x), 0.05)
    lungs = np.zeros_like(film)
    for side in (-1, 1):
        across = (x - side * 0.42) / (0.3 - 0.05 * np.clip(-y, 0, 1))
        down = (y + 0.05) / 0.66
        lungs = np.maximum(lungs, _inside(1 - across**2 - down**2, 0.25))
    lungs *= _inside(0.5 - 0.12 * np.cos(3 * x) - y, 0.05)  # the diaphragm cuts them off below
    film -= 120 * lungs
    ribs = np.sin(16 * (y + 0.45 * x**2)) > 0.72
    film += 22 * lungs * ribs
    film += 45 * np.exp(-((x / 0.09) ** 2))  # spine
    heart = 1 - ((x - 0.14) / 0.34) ** 2 - ((y - 0.3) / 0.3) ** 2
    film += 75 * lungs * _inside(heart, 0.2)
    film += np.random.default_rng(GRAIN_SEED).normal(0, 3, film.shape)
    return np.clip(film, 0, 255).astype(np.uint8)


def _inside(distance: np.ndarray, soft: float) -> np.ndarray:
    """1 where `distance` is above 0, 0 where below, with a `soft` edge."""
    return np.clip(0.5 + distance / (2 * soft), 0, 1)
