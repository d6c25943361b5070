"""The real server on this machine's loopback, with networks of a few lines, and guests who write the protocol's
messages themselves. A test can hold a reading, let it fail, or give no number, by a file in the server's folder.

`served(folder)` starts `python -m tests.support.live_server FOLDER`, which puts the stand-ins in place and runs
Streamlit.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
import urllib.parse
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import requests

from covid_model import config, imaging
from covid_model.imaging.preprocessing import prepare, to_input
from covid_model.model import registry, vgg19
from covid_model.tools.headless_client import HeadlessClient, Page
from tests.browser import demo

HOLD, BROKEN, NOTHING = "hold", "broken", "nothing"  # files that a test makes: wait, raise an error, give NaN
ENTERED = "entered"  # what the server makes longer by a letter with every reading that begins
LOG = "log.txt"
SECRET = "secret-detail-of-an-error"
BIAS = {"fine-tuned": 0.3, "paper": 1.1}  # so that the networks differ
STEEP = 50.0
PACE = 0.02  # seconds a reading, so that thirty of them can be watched


# --- The server ------------------------------------------------------------------------------------------


def logit(inputs: np.ndarray, name: str) -> np.ndarray:
    """A mock network: (n, size, size, 3) to (n, 1), the brighter the higher."""
    return inputs.mean(axis=(1, 2, 3), keepdims=False)[:, None] / STEEP + BIAS[name]


def score(data: bytes, name: str = registry.default()) -> str:
    """The score that the server must show for these bytes."""
    inputs = to_input(prepare(imaging.decode(data).pixels, registry.spec(name).preprocessing)[None])
    return f"{1 / (1 + np.exp(-logit(inputs, name)[0, 0])):.3f}"


class Tensor(np.ndarray):
    """An array that is asked for its numbers as a tensor is."""

    def numpy(self) -> np.ndarray:
        return np.asarray(self)


def _stand_in(folder: Path) -> None:
    """Put networks of a few lines in the place of the real ones; readers, queues and pages stay as they are."""
    from covid_model import config
    from covid_model.model import device, ood, predictor

    def functions(name: str):
        def explain(inputs: np.ndarray):
            with (folder / ENTERED).open("a") as entered:
                entered.write(".")
            time.sleep(PACE)
            while (folder / HOLD).exists():
                time.sleep(0.01)
            if (folder / BROKEN).exists():
                raise ZeroDivisionError(SECRET)
            inputs = np.asarray(inputs)
            result = logit(inputs, name) * (np.nan if (folder / NOTHING).exists() else 1)
            maps = np.random.default_rng(0).uniform(0, 1, (len(inputs), 14, 14, 8)).astype(np.float32)
            return [item.view(Tensor) for item in (result, maps, maps - 0.5, maps[:, 0, 0])]

        return explain, None

    config.vgg19_available = lambda: True
    device.gpu_name = lambda: None  # without loading TensorFlow
    vgg19.load = lambda name, *_args, **_kwargs: name
    predictor.functions = functions
    ood.load_detector = lambda *_args: None


@dataclass(frozen=True)
class Server:
    """A running demo."""

    address: str
    process: subprocess.Popen
    folder: Path

    @property
    def spool(self) -> Path:
        """Where temporary files go."""
        return self.folder / "spool"

    @property
    def log(self) -> str:
        """All that it has written."""
        return (self.folder / LOG).read_text()

    def switch(self, name: str, on: bool) -> None:
        """HOLD, BROKEN or NOTHING from now on, or no longer."""
        (self.folder / name).touch() if on else (self.folder / name).unlink(missing_ok=True)

    def entered(self) -> int:
        """How many readings have begun."""
        path = self.folder / ENTERED
        return path.stat().st_size if path.is_file() else 0

    def uploaded(self) -> int:
        """Bytes of uploads that the server has in memory, by its own count."""
        text = requests.get(f"{self.address}/_stcore/metrics?families=cache_memory_bytes", timeout=20).text
        result = re.search(r"cache_memory_bytes\{[^}]*UploadedFileManager[^}]*\} (\d+)", text)
        return int(result[1]) if result else 0


@contextlib.contextmanager
def served(folder: Path, *options: str, patience: float = 120.0) -> Iterator[Server]:
    """Run the demo with stand-ins for its networks; `options` go to Streamlit. Uploads spool to `folder`/spool."""
    (folder / "spool").mkdir()
    environment = {**os.environ, "TMPDIR": str(folder / "spool"), "PYTHONUNBUFFERED": "1"}
    environment.pop(config.DATA_VARIABLE, None)
    module = ["tests.support.live_server", str(folder), *options]
    with demo.running(module, folder / LOG, patience, environment) as (address, process):
        yield Server(address, process, folder)


def until(true: Any, patience: float = 60.0) -> bool:
    """Wait until `true()`; whether that came."""
    end = time.monotonic() + patience
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


# --- Its guests ------------------------------------------------------------------------------------------


class Guest(HeadlessClient):
    """A visitor who uploads as he likes and keeps every byte that the server sends."""

    def __init__(self, server: Server, patience: float = 120.0):
        self.heard: list[bytes] = []
        self.progress: list[str] = []
        super().__init__(server.address, patience)

    def places(self, *names: str) -> list[Any]:
        """Where files of these names are to be sent."""
        from streamlit.proto.BackMsg_pb2 import BackMsg
        from streamlit.proto.Common_pb2 import FileURLsRequest

        wish = FileURLsRequest(request_id=uuid.uuid4().hex, file_names=names, session_id=self.session)
        self._socket.send(BackMsg(file_urls_request=wish).SerializeToString())
        answer = next(item for item in self._messages() if item.WhichOneof("type") == "file_urls_response")
        return list(answer.file_urls_response.file_urls)

    def url(self, place: Any) -> str:
        return urllib.parse.urljoin(f"{self.address}/", place.upload_url)

    def headers(self) -> dict[str, str]:
        return {"X-Xsrftoken": self._token, "Cookie": f"_streamlit_xsrf={self._token}"}

    def put(self, place: Any, name: str, data: Any, **options: Any) -> requests.Response:
        """Send one file to its place; `options` are requests'."""
        options = {"headers": self.headers(), "timeout": self.patience} | options
        return requests.put(self.url(place), files={"file": (name, data)}, **options)

    def hand_in(self, *sent: tuple[str, bytes]) -> None:
        """Put files into the upload field, in place of what it held, without waiting for the page."""
        from streamlit.proto.Common_pb2 import UploadedFileInfo

        places = self.places(*(name for name, _ in sent))
        for place, (name, data) in zip(places, sent, strict=True):
            self.put(place, name, data).raise_for_status()
        state = self._state("uploader").file_uploader_state_value
        state.SetInParent()
        for place, (name, data) in zip(places, sent, strict=True):
            state.uploaded_file_info.append(
                UploadedFileInfo(name=name, size=len(data), file_id=place.file_id, file_urls=place)
            )
        self._send()

    def give(self, *sent: tuple[str, bytes]) -> Page:
        """The same, and wait until the page is done."""
        self.hand_in(*sent)
        return self.wait()

    def close(self) -> None:
        """Be gone at once, without a goodbye."""
        with contextlib.suppress(OSError):
            self._socket.socket.shutdown(socket.SHUT_RDWR)
        super().close()

    def wait(self) -> Page:
        """Wait for the end of a run that was asked for."""
        return self._finish(time.perf_counter())

    def press_again(self, times: int) -> None:
        """Ask for further runs while one goes on, as an impatient finger does."""
        for _ in range(times):
            self._send()

    def empty_field(self) -> None:
        """Forget the field's files, as a browser does when the page changes."""
        self._values.clear()

    def pictures(self) -> list[bytes]:
        """Every picture on the page, as the server gives it."""
        urls = [image.url for images in self.page.all("imgs") for image in images.imgs]
        return [requests.get(urllib.parse.urljoin(self.address, url), timeout=20).content for url in urls]

    def _messages(self) -> Iterator[Any]:
        for message in super()._messages():
            self.heard.append(message.SerializeToString())
            yield message

    def _draw(self, message: Any) -> None:
        super()._draw(message)
        if message.delta.new_element.WhichOneof("type") == "progress":
            self.progress.append(message.delta.new_element.progress.text)


def main(arguments: Sequence[str]) -> None:
    from streamlit.web import cli
    from streamlit.web.server.starlette import starlette_routes

    starlette_routes._METRICS_EXPENSIVE_STATS_TTL_SECONDS = 0  # `Server.uploaded` asks for what is so now
    _stand_in(Path(arguments[0]))
    cli.main(["run", "streamlit_app.py", *arguments[1:]])


if __name__ == "__main__":
    main(sys.argv[1:])
