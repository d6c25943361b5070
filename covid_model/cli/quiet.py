"""Keeps TensorFlow's start-up chatter out of our output."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """While this lasts, compiled code writes its messages nowhere, and Python's own output goes to standard error.

    TensorFlow greets on file descriptor 2 before its log level counts, and Keras shows downloads on standard output,
    where results belong. Does nothing where standard error is no file descriptor, as in tests.
    """
    try:
        number = sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):  # none, or a stand-in (io.UnsupportedOperation is both of the latter)
        yield
        return
    sys.stderr.flush()
    kept = os.dup(number)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)
    try:
        with (
            open(kept, "w", buffering=1, errors="backslashreplace", closefd=False) as own,
            contextlib.redirect_stderr(own),
            contextlib.redirect_stdout(own),
        ):
            yield
    finally:
        os.dup2(kept, number)
        os.close(kept)
