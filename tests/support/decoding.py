"""Decode and refuse files, for the tests of image and DICOM decoders."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import numpy as np
import pytest

from covid_model import imaging
from covid_model.imaging import FilmError, Refusal


def refusal(data: bytes) -> Refusal:
    """Return the code with which `data` is refused."""
    return refused(data).code


def refused(data: bytes) -> FilmError:
    """Return the error with which `data` is refused; its message is one sentence or more, on one line."""
    with pytest.raises(FilmError) as caught:
        imaging.decode(data)
    message = str(caught.value)
    assert message[0].isupper() and message.endswith(".") and "\n" not in message and "  " not in message
    return caught.value


def scaled(values: np.ndarray) -> np.ndarray:
    """Return `values` scaled by their own range, computed independently of the decoder."""
    values = values.astype(np.float64)
    return np.rint((values - values.min()) / (values.max() - values.min()) * 255).astype(np.uint8)


def peak_memory(file) -> float:
    """Return the megabytes that reading `file` (or refusing it) takes above rest; Linux counts them."""
    code = textwrap.dedent(f"""
        from pathlib import Path
        from covid_model import imaging
        from tests.support import synthetic_images

        def peak():  # in kB, of this process alone: getrusage's would begin at its parent's
            return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])

        imaging.decode(synthetic_images.save(synthetic_images.film()))
        rest = peak()
        try:
            imaging.read({str(file)!r})
        except imaging.FilmError:
            pass
        print(peak() - rest)
    """)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(done.stdout) / 1024
