"""`python -m tests.browser.screenshot FOLDER`: the pictures of README.md, none of which shows a real patient's film."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

from covid_model import config
from covid_model.cli.tools import SCREENSHOTS
from covid_model.training import playground
from tests.browser import demo
from tests.conftest import browser_path

WIDTH = 1280  # pixels


def _stay(page: Page) -> None:
    """Nothing to do on this page."""


def _train(page: Page) -> None:
    """Play the first two scenes, one after the other."""
    for number, name in enumerate(list(playground.PRESETS)[:2], 1):
        page.locator(f".st-key-scene_{name} button").click()
        page.locator(f"[class*=st-key-lab_run_{number}_]").first.wait_for()
        demo.settle(page)


@dataclass(frozen=True)
class Shot:
    """A page to take: its address, the height of the window in pixels, what to do on it first."""

    address: str
    height: int
    first: Callable[[Page], None] = _stay


SHOTS = {
    "screenshot.png": Shot("results", 1180),  # down to the matrix and the distribution
    "screenshot-read.png": Shot("?film=ground-glass-2", 1500),
    "screenshot-films.png": Shot("browse?set=All&part=Simulated&heatmaps=true", 1180),
    "screenshot-how-it-works.png": Shot("how_it_works?film=ground-glass-2&block=block1", 1500),
    "screenshot-train.png": Shot("train_it_yourself", 1400, _train),
}


def take(folder: Path) -> None:
    """Write the pictures that README.md shows, in light colors, into `folder`."""
    path = browser_path()
    if path is None:
        sys.exit("No Chromium here: install it, or name one with COVID_MODEL_CHROMIUM.")
    os.environ.pop(config.DATA_VARIABLE, None)  # no film of a data folder can get into a picture,
    with tempfile.TemporaryDirectory() as empty:
        os.environ["COVID_MODEL_WORK"] = empty  # and no fetched one
        with demo.served() as (address, _), demo.chromium(path) as browser:
            for name in SCREENSHOTS:
                page = browser.new_page(viewport={"width": WIDTH, "height": SHOTS[name].height}, color_scheme="light")
                page.set_default_timeout(demo.PATIENCE)
                demo.open_page(page, f"{address}/{SHOTS[name].address}")
                SHOTS[name].first(page)
                page.screenshot(path=folder / name)
                page.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]))
