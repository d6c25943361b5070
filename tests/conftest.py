"""Fixtures of several test files, and which tests this machine can run: the others are skipped, with the reason."""

from __future__ import annotations

import os
import secrets
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from covid_model import config
from tests.support import bad_inputs

os.environ.setdefault(config.PRELOAD_VARIABLE, "0")  # a test that is not about it loads what it asks for
CHROMIUM = "/usr/bin/chromium"
FUZZ_SEED = int(os.environ.get("COVID_MODEL_FUZZ_SEED") or secrets.randbelow(2**31))  # of this run's damaged files


def _missing_films() -> str | None:
    folder = os.environ.get(config.DATA_VARIABLE, "").strip()
    if not folder:
        return f"no real films: {config.DATA_VARIABLE} is not set"
    return None if (Path(folder) / "manifest.csv").is_file() else f"no real films: {folder} has no manifest.csv"


def _missing_vgg19() -> str | None:
    file = os.environ.get(config.VGG19_VARIABLE, "").strip()
    if not file:
        return f"no ImageNet weights: {config.VGG19_VARIABLE} is not set"
    return None if Path(file).is_file() else f"no ImageNet weights: {file} does not exist"


def _missing_browser() -> str | None:
    if find_spec("playwright") is None:
        return "no browser: Playwright is not installed"
    return None if browser_path() else "no browser: neither chromium nor COVID_MODEL_CHROMIUM is there"


def _missing_ray() -> str | None:
    return None if find_spec("ray") else "no Ray: requirements-cluster.txt is not installed"


def browser_path() -> str | None:
    """The Chromium to drive: COVID_MODEL_CHROMIUM's, the system's, or the first on the path."""
    for candidate in (os.environ.get("COVID_MODEL_CHROMIUM"), CHROMIUM):
        if candidate and Path(candidate).is_file():
            return candidate
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


NEEDS = {"films": _missing_films, "vgg19": _missing_vgg19, "browser": _missing_browser, "cluster": _missing_ray}


def pytest_report_header() -> str:
    return f"seed of damaged files: COVID_MODEL_FUZZ_SEED={FUZZ_SEED}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, with the reason, the tests whose marker is in NEEDS and names what is absent here. Mark rows by name."""
    for item in items:
        for row in bad_inputs.rows_of(item.name):
            item.add_marker(pytest.mark.row(n=row))
    for marker, missing in NEEDS.items():
        reason = missing()
        for item in items if reason else ():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real films, for tests marked `films`."""
    reason = _missing_films()
    if reason:
        pytest.skip(reason)
    return Path(os.environ[config.DATA_VARIABLE])


@pytest.fixture(scope="session")
def vgg19_file() -> Path:
    """The file of VGG-19's ImageNet weights, for tests marked `vgg19`."""
    reason = _missing_vgg19()
    if reason:
        pytest.skip(reason)
    return Path(os.environ[config.VGG19_VARIABLE])


@pytest.fixture(scope="session")
def network_name() -> str:
    """A network that can be loaded here without a download."""
    from covid_model.model import registry

    for name in registry.names():
        if registry.spec(name).base != registry.IMAGENET or _missing_vgg19() is None:
            return name
    pytest.skip("no network can be loaded here without a download")
