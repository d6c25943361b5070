"""`python -m tests.browser.screenshot FOLDER`: the picture of README.md, without a real patient's film."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from covid_model import config
from covid_model.cli.tools import SCREENSHOT
from tests.browser import demo
from tests.conftest import browser_path

ADDRESS, WIDTH, HEIGHT = "results", 1280, 1180  # down to the matrix and the distribution


def take(folder: Path) -> None:
    """Write the picture that README.md shows, in light colors, into `folder`."""
    path = browser_path()
    if path is None:
        sys.exit("No Chromium here: install it, or name one with COVID_MODEL_CHROMIUM.")
    os.environ.pop(config.DATA_VARIABLE, None)  # no film of a data folder can get into the picture,
    with tempfile.TemporaryDirectory() as empty:
        os.environ["COVID_MODEL_WORK"] = empty  # and no fetched one
        with demo.served() as (address, _), demo.chromium(path) as browser:
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
            page.set_default_timeout(demo.PATIENCE)
            demo.open_page(page, f"{address}/{ADDRESS}")
            page.screenshot(path=folder / SCREENSHOT)


if __name__ == "__main__":
    take(Path(sys.argv[1]))
