"""The server itself, over HTTP and its websocket: what it refuses, keeps, forgets and logs. The numbers are the rows
of the list of bad inputs. One server with stand-ins for its networks (tests/support/live_server.py) serves all tests
of this file.
"""

from __future__ import annotations

import http.client
import re
import socket
import sys
import threading
import time
import tomllib
from urllib.parse import urlsplit

import numpy as np
import pytest
import requests

from covid_model import config
from covid_model.app import films
from covid_model.app.text.prediction import plain
from covid_model.formatting import in_sentence, verdict
from covid_model.model import registry
from covid_model.tools.headless_client import ClientError
from tests.support import bad_inputs, live_server, peak_memory, synthetic_images
from tests.support.live_server import Guest, Server, served, until

FILM = synthetic_images.film()
GOOD = synthetic_images.save(FILM)
TTL = 2  # seconds that this server keeps a broken session
HOSTILE = "<img src=x onerror=alert(1)> **b** [x](http://evil.example) `c` :red[r]\u202egnp.exe" + "A" * 300 + ".png"
MEGABYTE = 2**20
FORM = "multipart/form-data; boundary=x"
PART = b'--x\r\nContent-Disposition: form-data; name="file"; filename="film.png"\r\n\r\n'
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks at a process as Linux shows it")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with served(tmp_path_factory.mktemp("server"), "--server.disconnectedSessionTTL", str(TTL)) as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_held(server):
    yield
    for name in (live_server.HOLD, live_server.BROKEN, live_server.NOTHING):
        server.switch(name, False)


@pytest.fixture
def empty(server):
    """The uploads of earlier tests have gone; a lost connection keeps them for disconnectedSessionTTL."""
    assert until(lambda: server.uploaded() == 0, patience=180)


@pytest.fixture
def guest(server):
    with Guest(server) as item:
        item.open()
        yield item


def film(brightness: int) -> bytes:
    """A film that no other test sends."""
    return synthetic_images.save(np.clip(FILM.astype(int) + brightness - 128, 0, 255).astype(np.uint8))


def grain(side: int) -> bytes:
    """A film of about side * side bytes, which no packing makes smaller."""
    noise = np.random.default_rng(side).integers(0, 256, (side, side), np.uint8)
    return synthetic_images.save(noise, compress_level=0)


# --- Settings ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        ("server", "maxUploadSize", config.MAX_BYTES // MEGABYTE),
        ("server", "enableXsrfProtection", True),
        ("server", "enableCORS", True),
        ("server", "enableStaticServing", False),
        ("server", "fileWatcherType", "none"),
        ("browser", "gatherUsageStats", False),
        ("client", "showErrorDetails", "none"),
        ("client", "showErrorLinks", False),
        ("client", "toolbarMode", "viewer"),
    ],
)
def test_settings(section, name, value):
    result = tomllib.loads((config.ROOT / ".streamlit/config.toml").read_text())
    assert result[section][name] == value


def test_a_page_of_another_origin_cannot_open_a_session(server):
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    url = f"{server.address.replace('http', 'ws')}/_stcore/stream"
    with connect(url, origin=server.address, subprotocols=["streamlit"], proxy=None):
        pass
    with pytest.raises(InvalidStatus):
        connect(url, origin="http://evil.example", subprotocols=["streamlit"], proxy=None)


def test_another_origin_cannot_read_the_responses(server):
    answer = requests.get(f"{server.address}/_stcore/health", headers={"Origin": "http://evil.example"}, timeout=20)
    assert answer.headers.get("Access-Control-Allow-Origin") in (None, server.address)


@pytest.mark.parametrize(
    "path", ["app/static/streamlit_app.py", "app/static/..%2Fstreamlit_app.py", "static/..%2F..%2Frequirements.txt"]
)
def test_no_file_of_the_project_is_served(server, path):
    answer = requests.get(f"{server.address}/{path}", timeout=20)
    assert "import streamlit" not in answer.text and "streamlit==" not in answer.text


def test_an_error_is_logged_and_not_shown_to_the_visitor(server, guest):
    server.switch(live_server.BROKEN, True)
    with pytest.raises(ClientError, match="exception"):
        guest.give(("film.png", film(101)))
    text = b"".join(guest.heard)
    assert live_server.SECRET.encode() not in text and b"ZeroDivisionError" not in text and b"live.py" not in text
    assert until(lambda: live_server.SECRET in server.log) and "Traceback" in server.log
    server.switch(live_server.BROKEN, False)
    assert guest.give(("film.png", film(101))).score == live_server.score(film(101))


# --- 8, 27: nothing of a file comes back but its picture ------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_08_data_after_an_image_is_never_served(guest, kind):
    page = guest.give((f"film.{kind}", synthetic_images.save(FILM, kind) + bad_inputs.zipped()))
    assert page.score
    pictures = guest.pictures()
    assert len(pictures) >= 2  # film and overlay
    everything = b"".join([*pictures, *guest.heard, guest.fetch("json-result")])
    assert bad_inputs.ZIPPED not in everything and b"PK\x03\x04" not in everything


def test_08_an_upload_cannot_be_fetched(guest):
    (place,) = guest.places("film.png")
    guest.put(place, "film.png", GOOD).raise_for_status()
    answer = requests.get(guest.url(place), headers=guest.headers(), timeout=20)
    assert GOOD not in answer.content and b"IHDR" not in answer.content


def test_27_patient_data_is_neither_shown_nor_logged_nor_exported(server, guest):
    data = synthetic_images.dicom(FILM)
    assert guest.give(("film.dcm", data)).score
    everything = b"".join([*guest.heard, *guest.pictures(), guest.fetch("json-result"), server.log.encode()])
    assert not [item for item in synthetic_images.SECRETS.values() if item.encode() in everything]


# --- 30, 31: names and endings --------------------------------------------------------------------------------


def test_30_a_hostile_name_is_shown_as_plain_text(guest):
    page = guest.give((HOSTILE, film(102)))
    assert page.score
    assert [item for item in page.texts if item.startswith("<img src=x") and len(item) <= 60 and "\u202e" not in item]
    formatted = [item.body for kind in ("markdown", "html", "heading", "alert") for item in page.all(kind)]
    assert not [item for item in formatted if "<img" in item or "evil.example" in item]


@pytest.mark.parametrize("name", ["film.exe", "film", "film.png.html", ".htaccess", "../../etc/passwd"])
def test_31_a_forged_ending_is_refused_and_the_page_goes_on(guest, name):
    page = guest.give((name, GOOD))
    assert page.score is None and ", ".join(films.UPLOAD_TYPES) in page.alerts[0]
    assert guest.give(("film.png", GOOD)).score == live_server.score(GOOD)


# --- 32: too large, and without the token ---------------------------------------------------------------------


def test_32_200_megabytes_are_refused_by_the_server(guest):
    """By what the request says of itself, before it is read."""
    (place,) = guest.places("film.png")
    target = urlsplit(guest.url(place))
    connection = http.client.HTTPConnection(target.hostname, target.port, timeout=30)
    headers = {"Content-Type": FORM, "Content-Length": str(200 * MEGABYTE)}
    connection.request("PUT", target.path, headers=headers | guest.headers())
    answer = connection.getresponse()
    assert answer.status == 413
    connection.close()
    assert guest.give(("film.png", GOOD)).score


@pytest.mark.long
@pytest.mark.measured
@on_linux
def test_32_a_request_without_its_size(server, empty, guest):
    """In chunks, without a length: refused past the limit, and neither memory nor disk takes up the rest."""
    (place,) = guest.places("film.png")
    chunks = (PART, *[bytes(MEGABYTE)] * 200, b"\r\n--x--\r\n")
    peak = peak_memory.peak(server.process.pid)
    try:
        headers = guest.headers() | {"Content-Type": FORM}
        assert requests.put(guest.url(place), data=iter(chunks), headers=headers, timeout=60).status_code == 413
    except requests.ConnectionError:  # the server hung up while we were still sending
        pass
    assert peak_memory.peak(server.process.pid) - peak < 100
    assert server.uploaded() == 0 and until(lambda: not spooled(server))
    assert guest.give(("film.png", GOOD)).score


def test_32_a_megabyte_too_much(guest):
    (place,) = guest.places("film.png")
    assert guest.put(place, "film.png", bytes(config.MAX_BYTES + 1)).status_code == 413


@pytest.mark.parametrize("without", ["X-Xsrftoken", "Cookie"])
def test_32_without_the_xsrf_token(server, empty, guest, without):
    (place,) = guest.places("film.png")
    headers = {name: value for name, value in guest.headers().items() if name != without}
    assert guest.put(place, "film.png", GOOD, headers=headers).status_code == 403
    forged = guest.headers() | {"X-Xsrftoken": "2|abcdefgh|abcdefghabcdefghabcdefghabcdefgh|1"}
    assert guest.put(place, "film.png", GOOD, headers=forged).status_code == 403
    assert server.uploaded() == 0


def test_32_for_an_unknown_session(server, guest):
    answer = requests.put(
        f"{server.address}/_stcore/upload_file/nobody/file",
        files={"file": ("film.png", GOOD)},
        headers=guest.headers(),
        timeout=20,
    )
    assert answer.status_code == 400


# --- 33, 34: many at once; leaving and pressing again while a film is read -----------------------------------------


def test_33_thirty_films_in_a_row(guest):
    sent = [(f"film-{number:02}.png", film(60 + number)) for number in range(30)]
    sent[7] = ("film-07.png", b"<html>")
    page = guest.give(*sent)
    records = requests_json(guest.fetch("json-results"))
    assert [item["file"] for item in records] == [name for name, _ in sent]
    assert [f"{item['score']:.3f}" for item in records if item["score"] is not None] == [
        live_server.score(data) for number, (_, data) in enumerate(sent) if number != 7
    ]
    assert records[7]["score"] is None and records[7]["refused"]
    assert page.score == live_server.score(sent[0][1])  # the first one is shown
    told = [int(re.match(r"Analyzing X-ray (\d+) of 30", line)[1]) for line in guest.progress]
    assert told == sorted(told) and len(set(told)) > 2


def requests_json(data: bytes) -> list[dict]:
    import json

    return json.loads(data)


def test_34_a_visitor_leaves_during_a_prediction(server):
    server.switch(live_server.HOLD, True)
    leaving = Guest(server)
    leaving.open()
    began = server.entered()
    leaving.hand_in(("film.png", film(103)))
    assert until(lambda: server.entered() > began), "the film was never read"
    leaving.close()
    with Guest(server) as staying:
        staying.open()
        staying.hand_in(("film.png", film(104)))
        time.sleep(0.5)
        server.switch(live_server.HOLD, False)
        assert staying.wait().score == live_server.score(film(104))


def test_34_a_button_pressed_again_during_a_prediction(server, guest):
    server.switch(live_server.HOLD, True)
    began = server.entered()
    guest.hand_in(("film.png", film(105)))
    assert until(lambda: server.entered() > began), "the film was never read"
    guest.press_again(3)
    time.sleep(0.5)
    server.switch(live_server.HOLD, False)
    assert until(lambda: guest.wait().score == live_server.score(film(105)), 30)
    with Guest(server) as other:
        other.open()
        assert other.give(("film.png", film(106))).score == live_server.score(film(106))


# --- 38, 39, 40: addresses, two visitors, no number ----------------------------------------------------------------


@pytest.mark.parametrize(
    "address", [{"threshold": "abc"}, {"threshold": "7"}, {"network": "xyz"}, {"film": "<script>alert(1)</script>"}]
)
def test_38_invalid_values_in_the_url_fall_back(server, address):
    with Guest(server) as guest:
        guest.open(**address)
        page = guest.give(("film.png", GOOD))
        assert page.score == live_server.score(GOOD, registry.default())
        text = " ".join(item.body for item in page.all("markdown"))
        assert verdict(float(page.score.strip("<> ")), config.THRESHOLD) in text and "script" not in text


def test_38_a_url_without_the_settings(guest):
    """A visitor who moves a slider and goes on by an address of his own, from which the browser carried nothing."""
    guest.move("threshold", 0.35)
    for page in ("results", "about", ""):
        guest.open(page)
    assert guest.page.has("threshold")


def test_39_two_visitors_at_once_on_different_networks_and_thresholds(server):
    expected = [("paper", "0.20", film(107)), ("fine-tuned", "0.90", film(108)), ("paper", "0.70", film(107))]
    result: list[tuple] = [()] * len(expected)

    def visit(number: int) -> None:
        name, threshold, data = expected[number]
        with Guest(server) as guest:
            guest.open(network=name, threshold=threshold)
            page = guest.give(("film.png", data))
            text = " ".join(item.body for item in page.all("markdown"))
            by = f" by {plain(in_sentence(registry.title(name)))} in "
            result[number] = (page.score, verdict(float(page.score), float(threshold)) in text, by in text)

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(len(expected))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    assert result == [(live_server.score(data, name), True, True) for name, _, data in expected]


def test_40_a_network_that_gives_no_number(server, guest):
    server.switch(live_server.NOTHING, True)
    page = guest.give(("film.png", film(109)))
    assert page.score is None and "nan" in page.alerts[0]
    server.switch(live_server.NOTHING, False)
    assert guest.give(("film.png", film(110))).score == live_server.score(film(110))


# --- What is kept of an upload, and for how long --------------------------------------------------------------------


def request_of(guest: Guest, size: int) -> tuple[socket.socket, bytes]:
    """A connection on which the upload of a file of `size` bytes is announced, and what is still to be sent there."""
    (place,) = guest.places("film.png")
    target = urlsplit(guest.url(place))
    body = PART + bytes(size) + b"\r\n--x--\r\n"
    lines = guest.headers() | {"Host": target.netloc, "Content-Type": FORM, "Content-Length": str(len(body))}
    line = socket.create_connection((target.hostname, target.port), timeout=30)
    head = f"PUT {target.path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    line.sendall(head.encode() + b"\r\n")
    return line, body


@on_linux
@pytest.mark.parametrize(("size", "on_disk"), [(MEGABYTE // 2, False), (3 * MEGABYTE, True)])
def test_a_large_upload_is_in_an_unnamed_file_only_while_it_arrives(server, empty, guest, size, on_disk):
    """What About says of it. One below a megabyte never touches the disk."""
    line, body = request_of(guest, size)
    with line:
        line.sendall(body[:-100])
        assert until(lambda: spooled(server), 60 if on_disk else 1) == on_disk
        assert list(server.spool.iterdir()) == []  # no name that anybody could open
        line.sendall(body[-100:])
        assert line.recv(1000).startswith(b"HTTP/1.1 204")
    assert until(lambda: not spooled(server))
    assert server.uploaded() == size


@on_linux
def test_an_interrupted_upload_leaves_nothing(server, empty, guest):
    line, body = request_of(guest, 9 * MEGABYTE)
    with line:
        line.sendall(body[: 4 * MEGABYTE])
        assert until(lambda: spooled(server))
    assert until(lambda: not spooled(server))
    assert server.uploaded() == 0


def spooled(server: Server) -> list[str]:
    """The temporary files that the server has open."""
    return [item for item in peak_memory.open_files(server.process.pid) if item.startswith(str(server.spool))]


def test_an_upload_is_deleted_when_replaced_or_removed(server, empty, guest):
    first, second = grain(900), grain(800)
    guest.give(("first.png", first))
    assert server.uploaded() == len(first)
    guest.open("about")
    guest.empty_field()
    assert guest.open().score  # it is still shown, so it is still there
    assert server.uploaded() == len(first)
    guest.give(("second.png", second))
    assert until(lambda: server.uploaded() == len(second))
    guest.open("about")
    guest.empty_field()
    guest.open()
    assert guest.press("drop-uploads").score is None
    assert until(lambda: server.uploaded() == 0)


def test_uploads_are_deleted_when_the_visitor_leaves(server, empty):
    guest = Guest(server)
    guest.open()
    guest.give(("film.png", grain(700)))
    assert server.uploaded() == len(grain(700))
    guest.close()
    time.sleep(TTL)  # nobody else comes or goes meanwhile, which is when Streamlit would look
    assert until(lambda: server.uploaded() == 0)


# --- The log ----------------------------------------------------------------------------------------------------------

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d reading network=(fine-tuned|paper|none) ms=\d+ refused=(\w+)")


def readings(server: Server, since: int) -> list[str]:
    return [item for item in server.log[since:].splitlines() if " reading " in item]


def test_the_log_has_one_line_per_prediction_and_nothing_of_the_film(server):
    since = len(server.log)
    good, name = film(111), "Surname-Forename-1950"
    with Guest(server) as guest:
        guest.open(network="paper")
        guest.give((f"{name}.png", good))
        guest.move("threshold", 0.3)  # no reading
        guest.give((f"{name}.txt.png", b"<html>" + name.encode()))
        guest.give(
            (f"{name}-1.png", film(112)), (f"{name}-2.png", b"no film"), (f"{name}.dcm", synthetic_images.dicom(FILM))
        )
        server.switch(live_server.NOTHING, True)
        guest.give((f"{name}-3.png", film(113)))
    assert until(lambda: len(readings(server, since)) >= 6)
    result = [LINE.fullmatch(item) for item in readings(server, since)]
    assert all(result), readings(server, since)
    assert [(item[1], item[2]) for item in result] == [
        ("paper", "no"),
        ("none", "FilmError"),
        ("paper", "no"),
        ("none", "FilmError"),
        ("paper", "no"),
        ("paper", "PredictionError"),
    ]
    log = server.log[since:]
    assert name not in log and "Surname" not in log and ".png" not in log
    assert not re.search(r"[0-9a-f]{32}", log)  # no hash of a film
    assert not [item for item in synthetic_images.SECRETS.values() if item in log]


# --- Health ---------------------------------------------------------------------------------------------------------


def health(capsys, *arguments: str) -> tuple[int, str, str]:
    from covid_model.cli import main

    code = main(["health", *arguments])
    return code, *capsys.readouterr()


@pytest.fixture
def expected() -> str:
    from covid_model.data import samples
    from covid_model.tools import healthcheck as room

    return live_server.score(samples.sample(room.FILM).path.read_bytes())


def test_a_healthy_demo(server, expected, capsys):
    code, out, err = health(capsys, server.address, "--expect", expected)
    assert (code, err, out.count("\n")) == (0, "", 1)
    assert out.startswith(server.address) and "fine-tuned" in out and out.count(expected) == 2  # shown, and expected


def test_health_checks_the_score(server, expected, capsys):
    code, out, err = health(capsys, server.address, "--expect", f"{float(expected) - 0.011:.3f}")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert server.address in err and expected in err
    assert health(capsys, server.address, "--expect", f"{float(expected) - 0.009:.3f}")[0] == 0


@pytest.mark.parametrize("trouble", [live_server.NOTHING, live_server.BROKEN])
def test_health_of_a_demo_whose_network_fails(server, trouble, capsys):
    server.switch(trouble, True)
    code, out, err = health(capsys, server.address, "--expect", "0.5")
    assert (code, out, err.count("\n")) == (1, "", 1) and server.address in err


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "no address", "http://", "ftp://127.0.0.1"])
def test_health_without_a_server(url, capsys):
    code, out, err = health(capsys, url, "--expect", "0.5")
    assert (code, out, err.count("\n")) == (1, "", 1) and url in err


def test_health_of_a_demo_that_hangs(server, capsys):
    server.switch(live_server.HOLD, True)
    code, _, err = health(capsys, server.address, "--expect", "0.5", "--patience", "2")
    assert code == 1 and server.address in err and ClientError.__name__ in err
