"""`python -m tests.browser.screenshot FILE`: the picture of README.md, of a page that shows no film."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from covid_model import settings
from tests.browser import demo
from tests.conftest import browser_path

SIZE = {"width": 1280, "height": 1180}  # down to the matrix and the distribution
PAGE = "test_set"


def take(to: Path) -> None:
    """Write the top of the test set page, in light colours, to `to`."""
    path = browser_path()
    if path is None:
        sys.exit("No Chromium here: install it, or name one with COVID_MODEL_CHROMIUM.")
    os.environ.pop(settings.DATA_VARIABLE, None)  # no film of a data folder can get into the picture
    with demo.served() as (address, _), demo.chromium(path) as browser:
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        demo.open_page(page, f"{address}/{PAGE}")
        page.screenshot(path=to)


if __name__ == "__main__":
    take(Path(sys.argv[1]))
