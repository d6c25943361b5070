"""Processes of a cluster for tests: they score with a mock network, and slowly, so that there is time to kill them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from covid_model import config
from tests.support import mock_networks

# Python runs it at the start of every process that has its folder in PYTHONPATH: drivers, Ray's workers.
AT_START = """
import os, sys, time
from pathlib import Path

def slow_read(path):
    if "poison" in Path(path).name:
        os.kill(os.getpid(), 9)
    time.sleep(float(os.environ["TEST_DELAY"]))
    return read(path)

if any("default_worker" in part or "covid_model" in part for part in sys.orig_argv):  # the others start faster without
    from covid_model import config, imaging

    config.NETWORKS = Path(os.environ["TEST_NETWORKS"])
    imaging.read, read = slow_read, imaging.read
"""


@pytest.fixture(scope="package")
def mock_folder(tmp_path_factory) -> Path:
    """A folder with a mock network, the only one."""
    folder = tmp_path_factory.mktemp("networks")
    mock_networks.save(folder)
    return folder


@pytest.fixture
def processes(mock_folder, tmp_path, monkeypatch) -> None:
    """From here on, processes of the project have the mock network and need 30 ms to read a film; so has this one."""
    at_start = tmp_path / "at_start"
    at_start.mkdir()
    (at_start / "sitecustomize.py").write_text(AT_START)
    path = [str(at_start), str(config.ROOT), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, path)))
    monkeypatch.setenv("TEST_NETWORKS", str(mock_folder))
    monkeypatch.setenv("TEST_DELAY", "0.03")
    monkeypatch.setattr(config, "NETWORKS", mock_folder)
