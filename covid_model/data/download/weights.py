"""Download VGG-19's ImageNet weights to where Keras looks for them, without loading TensorFlow."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

from covid_model import config
from covid_model.data.download.http import Failure, NotAvailable, OnProgress, Patience, Web
from covid_model.data.download.images import write_file

MAX_BYTES = 120 * 1024 * 1024  # the file has 80 MB
WAITING = Patience(retries=2, backoff=1.0, connect=5.0, read=20.0, film=900.0)  # of somebody who asked for it
_lock = threading.Lock()  # of two simultaneous requests, the second waits and then has nothing to download


def download(patience: Patience = WAITING, on_progress: OnProgress | None = None) -> Path:
    """Download the weights unless they are there, check them, and return their path.

    Args:
        patience: time-outs.
        on_progress: called with the bytes received so far and those announced.

    Raises:
        NotAvailable: they cannot be downloaded, or are not the expected file.
        OSError: they cannot be saved.
    """
    path = config.vgg19_cache()
    with _lock:
        if path.is_file() and _md5(path.read_bytes()) == config.VGG19_MD5:
            return path
        web = Web(patience, MAX_BYTES)
        try:
            content = web.get(config.VGG19_URL, on_progress)
        finally:
            web.close()
        if _md5(content) != config.VGG19_MD5:  # as keras.applications.vgg19 checks it
            raise NotAvailable("what was downloaded is not the expected file", Failure.DAMAGED)
        write_file(content, path)
        return path


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
