"""A client without a browser: opens the demo over Streamlit's websocket protocol, uploads films, uses widgets.

For load tests, timings and health checks: a browser would use more resources than the server. It receives the messages
of a script run and answers as Streamlit's frontend would (`streamlit/proto/BackMsg.proto`, ForwardMsg.proto).
"""

from __future__ import annotations

import contextlib
import time
import urllib.parse
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests

from covid_model.formatting import MODEL_SCORE

if TYPE_CHECKING:
    from streamlit.proto.Element_pb2 import Element
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

PATIENCE = 120.0  # seconds without a message until a run fails
LONGEST_MESSAGE = 200 * 2**20  # bytes: Streamlit's own limit
XSRF = "_streamlit_xsrf"


class ClientError(RuntimeError):
    """Raised for unexpected behavior of the server. The message says which."""


@dataclass
class Page:
    """The page after a script run: elements by position, each with its fragment's id."""

    elements: dict[tuple[int, ...], tuple[Element, str]] = field(default_factory=dict)
    seconds: float = 0.0  # from the request to the end of the run

    def all(self, kind: str) -> Iterator[Any]:
        """Yield the elements of a kind ("metric", "alert", "download_button", ...), top to bottom."""
        for _, (element, _) in sorted(self.elements.items()):
            if element.WhichOneof("type") == kind:
                yield getattr(element, kind)

    def widget(self, key: str) -> tuple[str, str]:
        """Return id and fragment of the widget with this key. Raises ClientError if there is none."""
        for element, fragment in self.elements.values():
            content = getattr(element, element.WhichOneof("type") or "empty")
            if getattr(content, "id", "").endswith(f"-{key}"):
                return content.id, fragment
        raise ClientError(f"The page has no widget {key!r}.")

    def has(self, key: str) -> bool:
        """Return whether the page has a widget with this key."""
        with contextlib.suppress(ClientError):
            return bool(self.widget(key))
        return False

    @property
    def score(self) -> str | None:
        """The model score as shown; None without one."""
        return next((metric.body for metric in self.all("metric") if metric.label == MODEL_SCORE), None)

    @property
    def alerts(self) -> list[str]:
        """The texts of alerts, without Markdown's backslashes."""
        return [alert.body.replace("\\", "") for alert in self.all("alert")]

    @property
    def texts(self) -> list[str]:
        """The plain texts, such as names of films."""
        return [element.body for element in self.all("text")]


class HeadlessClient:
    """A client with its own session: `with HeadlessClient(address) as visitor: visitor.open()`.

    Args:
        address: of the server, such as http://127.0.0.1:8501.
        patience: seconds without a message until a run fails.
    """

    def __init__(self, address: str, patience: float = PATIENCE):
        from websockets.sync.client import connect

        self.address, self.patience = address.rstrip("/"), patience
        self.page = Page()
        self.session = ""  # its id, known from the first run on
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.headers["Connection"] = "close"  # a kept connection may be closed by the server just as it is reused
        self._http.get(f"{self.address}/_stcore/health", timeout=patience).raise_for_status()
        self._token = self._http.cookies.get(XSRF, "")
        self._values: dict[str, Any] = {}  # WidgetState by widget id
        self._pages: dict[str, str] = {}  # script hashes by name in the URL
        self._script = self._query = self._page_name = ""
        self._connected = contextlib.ExitStack()
        connection = connect(
            f"ws{self.address.removeprefix('http')}/_stcore/stream",
            origin=self.address,
            additional_headers={"Cookie": f"{XSRF}={self._token}"},
            subprotocols=["streamlit", self._token] if self._token else ["streamlit"],
            max_size=LONGEST_MESSAGE,
            proxy=None,
            ping_interval=None,  # like browsers: a server that imports TensorFlow may be silent for a while
        )
        self._socket = self._connected.enter_context(connection)

    def __enter__(self) -> HeadlessClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the session, as a browser does when its tab is closed."""
        self._connected.close()
        self._http.close()

    # --- Actions -------------------------------------------------------------------------------------

    def open(self, page: str = "", **query: str) -> Page:
        """Open a page by its name in the URL ("" is the first), with a query (network="paper")."""
        self._page_name, self._query = page, urllib.parse.urlencode(query)
        self._script = self._pages.get(page, "")
        return self.run()

    def upload(self, name: str, data: bytes, key: str = "uploader") -> Page:
        """Put one file into the uploader `key`, in place of its files, and wait for the page."""
        self.send_upload(name, data, key)
        return self._finish(time.perf_counter())

    def send_upload(self, name: str, data: bytes, key: str = "uploader") -> None:
        """Upload without waiting for the page."""
        from streamlit.proto.BackMsg_pb2 import BackMsg
        from streamlit.proto.Common_pb2 import FileURLsRequest, UploadedFileInfo

        request = FileURLsRequest(request_id=uuid.uuid4().hex, file_names=[name], session_id=self.session)
        self._socket.send(BackMsg(file_urls_request=request).SerializeToString())
        answer = next(message for message in self._messages() if message.WhichOneof("type") == "file_urls_response")
        (urls,) = answer.file_urls_response.file_urls
        self._http.put(
            urllib.parse.urljoin(f"{self.address}/", urls.upload_url),
            files={"file": (name, data)},
            headers={"X-Xsrftoken": self._token},
            timeout=self.patience,
        ).raise_for_status()
        state = self._state(key)
        state.file_uploader_state_value.uploaded_file_info.append(
            UploadedFileInfo(name=name, size=len(data), file_id=urls.file_id, file_urls=urls)
        )
        self._send()

    def move(self, key: str, value: float) -> Page:
        """Move the slider `key` to `value`."""
        self._state(key).double_array_value.data.append(value)
        return self.run(self.page.widget(key)[1])

    def press(self, key: str) -> Page:
        """Press the button `key`."""
        self._state(key).trigger_value = True
        return self.run(self.page.widget(key)[1])

    def fetch(self, key: str) -> bytes:
        """Return the content of the download button `key`."""
        button = next((button for button in self.page.all("download_button") if button.id.endswith(f"-{key}")), None)
        if button is None:
            raise ClientError(f"The page has no download button {key!r}.")
        answer = self._http.get(urllib.parse.urljoin(f"{self.address}/", button.url), timeout=self.patience)
        answer.raise_for_status()
        return answer.content

    def run(self, fragment: str = "") -> Page:
        """Run the page's script, or one fragment of it, and wait until it ends."""
        started = time.perf_counter()
        self._send(fragment)
        return self._finish(started)

    # --- The protocol ------------------------------------------------------------------------------

    def _state(self, key: str) -> Any:
        """Return a new, empty state of the widget `key`."""
        from streamlit.proto.WidgetStates_pb2 import WidgetState

        name, _ = self.page.widget(key)
        self._values[name] = WidgetState(id=name)
        return self._values[name]

    def _send(self, fragment: str = "") -> None:
        """Request a run, with the state of every widget used."""
        from streamlit.proto.BackMsg_pb2 import BackMsg

        message = BackMsg()
        client = message.rerun_script
        client.query_string, client.fragment_id = self._query, fragment
        client.page_script_hash, client.page_name = self._script, self._page_name
        client.widget_states.widgets.extend(self._values.values())
        client.context_info.url, client.context_info.timezone = f"{self.address}/{self._page_name}", "UTC"
        client.context_info.color_scheme = "light"
        self._socket.send(message.SerializeToString())
        pressed = [name for name, state in self._values.items() if state.WhichOneof("value") == "trigger_value"]
        for name in pressed:
            del self._values[name]

    def _messages(self) -> Iterator[ForwardMsg]:
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
        from websockets.exceptions import ConnectionClosed

        while True:
            try:
                data = self._socket.recv(self.patience)
            except TimeoutError as error:
                raise ClientError(f"No message for {self.patience:.0f} s.") from error
            except ConnectionClosed as error:
                raise ClientError("The server closed the connection.") from error
            message = ForwardMsg()
            message.ParseFromString(data)
            yield message

    def _finish(self, started: float) -> Page:
        """Receive messages until the run ends. Raises ClientError if the page shows an exception."""
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

        for message in self._messages():
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self._begin(message)
            elif kind == "delta":
                self._draw(message)
            elif kind == "navigation":
                self._pages = {page.url_pathname: page.page_script_hash for page in message.navigation.app_pages}
                self._script = message.navigation.page_script_hash
            elif kind == "page_info_changed":
                self._query = message.page_info_changed.query_string
            elif kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                break
        self.page.seconds = time.perf_counter() - started
        for exception in self.page.all("exception"):
            raise ClientError(f"The page shows an exception: {exception.type} {exception.message}")
        return self.page

    def _begin(self, message: ForwardMsg) -> None:
        self.session = message.new_session.initialize.session_id or self.session
        if not message.metadata.run.fragment_ids:  # a fragment's run keeps the rest of the page
            self.page = Page()

    def _draw(self, message: ForwardMsg) -> None:
        place, delta = tuple(message.metadata.delta_path), message.delta
        kind = delta.WhichOneof("type")
        if kind == "add_block":
            self.page.elements.pop(place, None)
        elif kind == "new_element":
            inside = [position for position in self.page.elements if position[: len(place)] == place]
            for position in inside:
                del self.page.elements[position]
            self.page.elements[place] = (delta.new_element, delta.fragment_id)
