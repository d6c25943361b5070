"""10,000 damaged files, others in every run: each is read or refused, in time and within the memory
(tests/support/fuzz.py).

`make test` takes 2,000. The seed stands in the head of pytest's report: COVID_MODEL_FUZZ_SEED repeats a run, and
COVID_MODEL_FUZZ_CASES makes more.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from covid_model import config
from tests.conftest import FUZZ_SEED
from tests.support.fuzz import KINDS, checksums_right
from tests.support.synthetic_images import film, save

CASES = int(os.environ.get("COVID_MODEL_FUZZ_CASES", 10_000))  # files in all
FEW = 2000  # of them in the quick tests


@pytest.mark.measured
@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux counts it")
@pytest.mark.parametrize("total", [FEW, pytest.param(CASES, marks=pytest.mark.long)], ids=["few", "all"])
@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files(kind, total):
    cases = total // len(KINDS)
    command = [sys.executable, "-m", "tests.support.fuzz", kind, str(cases), str(FUZZ_SEED)]
    done = subprocess.run(command, cwd=config.ROOT, capture_output=True, text=True, timeout=60 + total / 5)
    assert done.returncode == 0, f"{' '.join(command[1:])}:\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
    print(done.stdout)
    files, read, refused = map(int, re.search(r": (\d+) files, (\d+) read, (\d+) refused", done.stdout).groups())
    assert files >= cases and read > 0 and refused > 0


def test_checksums_are_put_right():
    """So that damage gets past a PNG's checksums, to its decoder."""
    whole = save(film())
    assert checksums_right(whole) == whole
    at = whole.index(b"IHDR") + 4
    assert checksums_right(whole[: at + 13] + b"\0\0\0\0" + whole[at + 17 :]) == whole
