"""One server and one Chromium for all tests of this folder; each test has its own visitor."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from covid_model.data import samples
from tests.browser import demo
from tests.conftest import browser_path


@pytest.fixture(scope="session")
def server() -> Iterator[tuple[str, subprocess.Popen]]:
    """The demo's address and its process."""
    with demo.served() as running:
        yield running


@pytest.fixture(scope="session")
def address(server) -> str:
    return server[0]


@pytest.fixture(scope="session")
def browser() -> Iterator:
    with demo.chromium(browser_path()) as running:
        yield running


@pytest.fixture
def visitor(browser) -> Iterator:
    """A new page of a new visitor at a desk; it must come without an error of the app or of the browser."""
    yield from visit(browser, demo.DESKTOP)


@pytest.fixture
def phone(browser) -> Iterator:
    """As `visitor`, on a phone."""
    yield from visit(browser, demo.PHONE)


def visit(browser, device: dict) -> Iterator:
    """A page of a browser on `device`; in the end neither the app nor the browser may have shown an error."""
    context = browser.new_context(**device)
    context.set_default_timeout(demo.PATIENCE)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    try:
        assert page.locator("[data-testid=stException]").count() == 0, "the app shows an exception"
        assert errors == []
    finally:
        context.close()


def made_up_film() -> bytes:
    """A drawing in the manner of a chest film: two dark lungs in a bright chest, as PNG."""
    down, across = np.mgrid[-1:1:480j, -1:1:400j]
    chest = 190 * np.exp(-((across / 0.95) ** 6) - (down / 1.2) ** 6)
    for side in (-0.42, 0.42):
        chest -= 130 * np.exp(-((((across - side) / 0.3) ** 2 + ((down + 0.05) / 0.62) ** 2) ** 2))
    noise = np.random.default_rng(0).normal(0, 4, chest.shape)
    file = io.BytesIO()
    Image.fromarray(np.clip(chest + noise + 20, 0, 255).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="session")
def film() -> Path:
    """The real film that the project carries, to upload: the networks take it for a chest film."""
    return samples.sample("rg1").path
