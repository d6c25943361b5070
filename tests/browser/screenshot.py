"""`python -m tests.browser.screenshot FILE`: the picture of README.md, of a page that shows no film."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.browser import demo
from tests.conftest import browser_path

SIZE = {"width": 1280, "height": 900}
PAGE = "test_set"


def take(to: Path) -> None:
    """Write the top of the test set page, in light colours, to `to`."""
    path = browser_path()
    if path is None:
        sys.exit("No Chromium here: install it, or name one with COVID_MODEL_CHROMIUM.")
    with demo.served() as (address, _), demo.chromium(path) as browser:
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        demo.open_page(page, f"{address}/{PAGE}")
        page.screenshot(path=to)


if __name__ == "__main__":
    take(Path(sys.argv[1]))
