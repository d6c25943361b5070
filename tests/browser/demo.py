"""Drive the demo in a real browser: serve it, open a page, wait until it is idle, press its keys."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from covid_model import config
from covid_model.formatting import MODEL_SCORE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

BUILD = config.ROOT / "build"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
ARGUMENTS += ["--disable-component-update", "--no-first-run"]
READING = 180.0  # seconds for TensorFlow, a network and one film on a busy machine
PATIENCE = 120_000  # milliseconds for anything else that a browser is asked for
STILL = 0.7  # seconds without a change that count as the end of a run
BUSY = "[data-testid=stStatusWidget], [data-testid=stSkeleton], [data-testid=stSpinner]"
SLIDER = ".st-key-threshold input[type=range]"
TALLEST = 6000  # pixels of a screenshot
DESKTOP = {"viewport": {"width": 1440, "height": 900}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    # Streamlit tells a phone by its name, not its width, when it closes the menu after a choice.
    "user_agent": "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/130.0.0.0 Mobile Safari/537.36",
}


@contextlib.contextmanager
def served(
    patience: float = 60.0, log: str = "streamlit", environment: dict[str, str] | None = None
) -> Iterator[tuple[str, subprocess.Popen]]:
    """Run the demo on a free port of this machine; gives its address and its process, and ends it afterwards.

    Its output goes to a file in BUILD, named after `log` and this process, so that several servers may run at a time.
    """
    BUILD.mkdir(exist_ok=True)
    file = BUILD / f"{log}-{os.getpid()}.log"
    with running(["streamlit", "run", "streamlit_app.py"], file, patience, environment) as started:
        yield started


@contextlib.contextmanager
def running(
    module: list[str], log: Path, patience: float, environment: dict[str, str] | None = None
) -> Iterator[tuple[str, subprocess.Popen]]:
    """Run `python -m` with a Streamlit server of ours in it, which takes Streamlit's options; as `served`."""
    port = free_port()
    options = ["--server.headless", "true", "--server.port", str(port), "--server.address", "127.0.0.1"]
    with started([*module, *options], port, "_stcore/health", log, patience, environment) as server:
        yield server


@contextlib.contextmanager
def started(
    module: list[str],
    port: int,
    health: str,
    log: Path,
    patience: float,
    environment: dict[str, str] | None = None,
    ending: float = 10,
) -> Iterator[tuple[str, subprocess.Popen]]:
    """Run `python -m` with a server on `port`; give its address and its process once its page `health` answers.

    `ending`: seconds that it may take to end. Raises RuntimeError with its log if none comes in `patience` seconds, or
    if it ends before it is told to.
    """
    environment = {**(os.environ if environment is None else environment), "PYTHONFAULTHANDLER": "1"}
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *module], cwd=config.ROOT, stdout=output, stderr=subprocess.STDOUT, env=environment
        )
    try:
        address = f"http://127.0.0.1:{port}"
        end = time.monotonic() + patience
        while not _answers(f"{address}/{health}"):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"The server did not start:\n{log.read_text()}")
            time.sleep(0.1)
        yield address, process
        if process.poll() is not None:
            raise RuntimeError(f"The server ended by itself, with code {process.returncode}:\n{log.read_text()}")
    finally:
        process.terminate()
        try:
            process.wait(ending)
        except subprocess.TimeoutExpired:
            process.kill()


def free_port() -> int:
    """Return a free port of this machine, never one that another worker of pytest-xdist may be given."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    while True:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        if port // 2 % workers == worker:  # Linux gives out odd ports only
            return port


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


@contextlib.contextmanager
def chromium(path: str) -> Iterator[Browser]:
    """The Chromium at `path`, driven by Playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


def settle(page: Page, patience: float = READING) -> None:
    """Wait until the app is connected, has drawn something and no run, spinner or placeholder is left."""
    page.wait_for_selector("[data-testid=stMainBlockContainer] h1", timeout=PATIENCE)
    end, still_since = time.monotonic() + patience, None
    while True:
        running = page.locator("[data-testid=stApp][data-test-script-state=running]").count()
        if running or page.locator(BUSY).count():
            still_since = None
        elif still_since is None:
            still_since = time.monotonic()
        elif time.monotonic() - still_since > STILL:
            return
        if time.monotonic() > end:
            raise AssertionError(f"The page was still busy after {patience:.0f} s.")
        page.wait_for_timeout(100)


def open_page(page: Page, url: str) -> None:
    """Go to an address and wait until the page stands still."""
    page.goto(url, wait_until="commit", timeout=PATIENCE)
    settle(page)


def score(page: Page) -> str | None:
    """The model score as the page shows it, None where it shows none."""
    metric = page.locator("[data-testid=stMetric]", has_text=MODEL_SCORE)
    return metric.locator("[data-testid=stMetricValue]").inner_text() if metric.count() else None


def upload(page: Page, *files: Path | dict) -> None:
    """Give the upload field files (paths, or name, mimeType and buffer), and wait until they are read."""
    page.locator("input[type=file]").first.set_input_files(list(files))
    page.wait_for_timeout(500)
    settle(page)


def threshold(page: Page) -> float:
    """Return the threshold that the slider shows."""
    return float(page.locator(SLIDER).first.input_value())


def move_threshold(page: Page, key: str) -> float:
    """Press a key on the threshold's slider (ArrowRight, ArrowLeft, Home, End); gives the threshold then."""
    page.locator(SLIDER).first.press(key)
    page.wait_for_timeout(400)
    settle(page)
    return threshold(page)


def change_page(page: Page, path: str) -> None:
    """Go to another page by the navigation on top; `path` is its own in the address, "" for the first one."""
    page.locator(f"header a[href$='/{path}']").first.click()
    arrived(page, path)


def arrived(page: Page, path: str) -> None:
    """Wait until another page is open and stands still."""
    page.wait_for_url(lambda url: page_of(url) == path, timeout=PATIENCE, wait_until="commit")
    settle(page)


def page_of(url: str) -> str:
    """The path of the page that an address leads to, "" for the first one."""
    return urllib.parse.urlsplit(url).path.strip("/")


def grow(page: Page) -> None:
    """Make the window as high as the page, which Streamlit scrolls inside the window."""
    size = page.viewport_size
    height = page.evaluate("(document.querySelector('[data-testid=stMain]') || document.body).scrollHeight")
    page.set_viewport_size({"width": size["width"], "height": min(max(size["height"], height), TALLEST)})
    settle(page)


def picture(page: Page, path: Path) -> None:
    """Keep a screenshot of the whole page."""
    size = page.viewport_size
    grow(page)
    path.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=path)
    page.set_viewport_size(size)


def tensorflow_loaded(process: subprocess.Popen) -> bool | None:
    """Whether a process has TensorFlow in memory; None where this machine cannot tell."""
    try:
        maps = Path(f"/proc/{process.pid}/maps").read_text()
    except OSError:
        return None
    return "libtensorflow" in maps
