"""The last step of setting up: films and weights are downloaded or reported missing, in time and without failing."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import threading
import time

import pandas as pd
import pytest

from covid_model import cli, config
from covid_model.data import dataset, samples, setup
from covid_model.data.download import sources
from covid_model.data.download.http import NotAvailable, Patience, reachable
from covid_model.data.download.images import LIST_COLUMNS
from tests.support.app_pages import write_real_films
from tests.support.film_server import QUICK, cut, drawn, row, server, stored, trickling

__all__ = ["server"]

FILMS = ["cohen-0001", "figure1-0002", "actualmed-0003"]
WEIGHTS = b"weights" * 1000


@pytest.fixture
def fresh(tmp_path, monkeypatch, server):
    """A computer without films and weights, and a server that has all of them."""
    rows = [row(film, f"{film}.png", split="test", patient=film) for film in FILMS]
    pd.DataFrame(rows, columns=list(LIST_COLUMNS)).to_csv(tmp_path / "list.csv", index=False)
    write_real_films(tmp_path / "real.json", [(film, film.split("-")[0], "test", 1) for film in FILMS])
    monkeypatch.setattr(config, "DATASET_CSV", tmp_path / "list.csv")
    monkeypatch.setattr(config, "REAL_FILMS_JSON", tmp_path / "real.json")
    monkeypatch.setattr(config, "REAL_FILMS", tmp_path / "films")
    monkeypatch.setattr(config, "VGG19_URL", f"{server.address}/vgg19.h5")
    monkeypatch.setattr(config, "VGG19_MD5", hashlib.md5(WEIGHTS).hexdigest())
    monkeypatch.setattr(setup, "QUICK", QUICK)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv(config.DATA_VARIABLE, raising=False)
    monkeypatch.delenv(config.VGG19_VARIABLE, raising=False)
    server.files = {f"{film}.png": stored(drawn(600, 450, at)) for at, film in enumerate(FILMS)}
    server.files |= {"vgg19.h5": WEIGHTS, "127.0.0.1": b""}
    server.tmp = tmp_path
    return server


@pytest.fixture
def offline(monkeypatch):
    """Addresses that nobody listens on."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
        monkeypatch.setattr(sources, "GITHUB", nobody)
        monkeypatch.setattr(config, "VGG19_URL", f"{nobody}/vgg19.h5")
        yield nobody


def test_everything_is_downloaded_once(fresh):
    outcome = setup.run(60, progress=False)
    assert outcome.complete and outcome == setup.Setup(3, 3, True)
    assert config.vgg19_cache().read_bytes() == WEIGHTS
    assert set(dataset.load(config.REAL_FILMS).films.index) == set(FILMS)
    assert setup.run(60, progress=False).complete and fresh.asked["vgg19.h5"] == 1
    assert all(fresh.asked[f"{film}.png"] == 1 for film in FILMS)


def test_missing_files_are_reported_and_downloaded_next_time(fresh):
    fresh.files["figure1-0002.png"], fresh.files["vgg19.h5"] = [404, stored(drawn(600, 450, 1))], [b"other", WEIGHTS]
    outcome = setup.run(60, progress=False)
    assert (outcome.films, outcome.wanted, outcome.weights) == (2, 3, False) and len(outcome.reasons) == 2
    said = outcome.summary()
    assert "1 of 3" in said and "make samples" in said and "404" in said and "\n" not in said
    assert not config.vgg19_cache().exists()
    assert setup.run(60, progress=False).complete


def test_films_of_the_data_folder_and_given_weights_are_not_downloaded(fresh, monkeypatch):
    samples.download(FILMS[:2], fresh.tmp / "data", QUICK)
    monkeypatch.setenv(config.DATA_VARIABLE, str(fresh.tmp / "data"))
    monkeypatch.setenv(config.VGG19_VARIABLE, "vgg19.h5")
    fresh.asked.clear()
    assert setup.run(60, progress=False).complete
    assert fresh.asked[f"{FILMS[2]}.png"] == 1 and fresh.asked[f"{FILMS[0]}.png"] == fresh.asked["vgg19.h5"] == 0


def test_a_later_download_keeps_the_earlier_films(fresh):
    samples.download(FILMS[:1], patience=QUICK)
    samples.download(FILMS[1:2], patience=QUICK)
    assert list(dataset.load(config.REAL_FILMS).films.index) == FILMS[:2]
    assert fresh.asked[f"{FILMS[0]}.png"] == 1


def test_no_connection_is_one_line_and_not_a_failure(fresh, offline, capsys):
    outcome = setup.run(60, progress=False)
    assert outcome == setup.Setup(0, 3, False, (setup.NO_CONNECTION,))
    assert cli.main(["samples", "--seconds", "60"]) == 1
    printed = capsys.readouterr()
    assert printed.out.count("\n") == 1 and setup.NO_CONNECTION in printed.out and not printed.err


def test_a_silent_host_is_given_up(monkeypatch):
    """It accepts the connection and says nothing, as a firewall that drops packets looks to the program."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        assert not reachable(f"http://127.0.0.1:{silent.getsockname()[1]}", seconds=0.3)
        assert time.monotonic() - began < 5


def test_a_slow_source_ends_with_the_time(fresh):
    for film in FILMS:
        fresh.files[f"{film}.png"] = trickling
    fresh.files["vgg19.h5"] = trickling
    outcome = setup.run(1.0, progress=False)
    assert (outcome.films, outcome.weights) == (0, False) and outcome.reasons
    assert sum(fresh.asked[f"{film}.png"] for film in FILMS) <= 2 * len(FILMS)


def test_time_is_counted_for_all_files_together(fresh):
    patience = Patience(retries=0, backoff=0.0, connect=2.0, read=2.0, film=5.0, total=0.0)
    report = samples.download(FILMS, patience=patience)
    assert len(report.missing) == 3 and not any(fresh.asked[f"{film}.png"] for film in FILMS)


# --- The weights ---


def test_weights_report_their_progress(fresh):
    seen = []
    assert setup.download_weights(QUICK, lambda *done: seen.append(done)) == config.vgg19_cache()
    assert seen[-1] == (len(WEIGHTS), len(WEIGHTS)) and config.vgg19_available()


@pytest.mark.parametrize("served", [404, b"<html>Sign in</html>", cut(WEIGHTS)], ids=["404", "page", "cut"])
def test_damaged_weights_are_not_kept(fresh, served):
    fresh.files["vgg19.h5"] = served
    with pytest.raises(NotAvailable):
        setup.download_weights(QUICK)
    assert not config.vgg19_available() and not list(config.vgg19_cache().parent.glob("*"))


def test_two_who_ask_at_once_download_once(fresh):
    both = [threading.Thread(target=setup.download_weights, args=(QUICK,)) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert fresh.asked["vgg19.h5"] == 1 and config.vgg19_available()


def test_keras_looks_where_they_are_kept():
    """The name, the address and the checksum are those of the installed Keras."""
    from importlib.util import find_spec

    keras = find_spec("keras").submodule_search_locations[0]
    with open(f"{keras}/src/applications/vgg19.py") as file:
        code = file.read().replace('"\n    "', "").replace('" "', "").replace("\n", "")
    assert config.VGG19_MD5 in code and config.VGG19_FILE in code


# --- make demo ---


@pytest.mark.parametrize(("fetch", "asked"), [("0", False), ("1", True)])
def test_make_demo_downloads_unless_told_not_to(fetch, asked):
    plan = subprocess.run(
        ["make", "--dry-run", "--always-make", "demo", f"FETCH={fetch}"],
        cwd=config.ROOT,
        capture_output=True,
        text=True,
    )
    assert plan.returncode == 0 and "streamlit run" in plan.stdout
    assert ("covid_model samples" in plan.stdout) == asked
