"""Scoring an archive without Ray: which files, the rows, what is kept when a run stops, and the command."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from covid_model import config
from covid_model.cli import main
from covid_model.cluster import ClusterError, archive, results
from covid_model.imaging import heatmap
from covid_model.model import registry
from tests.support import bad_inputs, mock_networks

SETTINGS = results.Settings("/films", "fine-tuned", "0" * 64, 0.6)


def rows(*names: str, **more: object) -> pa.Table:
    """Return a row for each path."""
    return results.table({"path": name, "network": "fine-tuned", "score": 0.5, **more} for name in names)


def paths(to: Path) -> list[str]:
    return pq.read_table(to)["path"].to_pylist()


@pytest.fixture
def network(tmp_path, monkeypatch) -> registry.NetworkSpec:
    """A mock network in place of the networks."""
    folder = tmp_path / "networks"
    folder.mkdir()
    monkeypatch.setattr(config, "NETWORKS", folder)
    return mock_networks.save(folder)


@pytest.fixture
def films(tmp_path) -> Path:
    """An archive: three films, one of them in a folder and named by bytes that are no text, a text, hidden files."""
    folder = tmp_path / "films"
    (folder / "deep").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    for seed, name in enumerate((b"a.png", b"deep/b.png", b"deep/\xff.png", b".c.png", b".hidden/d.png")):
        data = cv2.imencode(".png", mock_networks.film(seed))[1].tobytes()
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(data)
    (folder / "report.txt").write_text("not an X-ray")
    return folder


def score(capsys, *arguments: object) -> tuple[int, str, str]:
    try:
        code = main(["score", *map(str, arguments)])
    except SystemExit as stop:
        code = stop.code
    return code, *capsys.readouterr()


# --- Rows ---


def test_rows_are_kept_when_a_run_stops(tmp_path):
    to = tmp_path / "results.parquet"
    with pytest.raises(KeyboardInterrupt), results.opened(to, SETTINGS) as kept:
        kept.add(rows("a", "b"))
        raise KeyboardInterrupt
    assert not to.exists()
    with results.opened(to, SETTINGS) as kept:
        assert kept.done == {"a", "b"}
        assert kept.add(rows("b", "c", "c")) == 1
        kept.join()
    assert paths(to) == ["a", "b", "c"] and os.listdir(tmp_path) == [to.name]
    assert pq.read_schema(to).remove_metadata() == results.SCHEMA


def test_a_part_cut_short_is_no_part(tmp_path):
    """What a killed process leaves: rows of whole parts, and a draft."""
    to = tmp_path / "results.parquet"
    with results.opened(to, SETTINGS) as kept:
        kept.add(rows(*map(str, range(results.PART_ROWS))))
        assert len(list(kept.folder.glob("*.parquet"))) == 1
        (kept.folder / "00000001.draft").write_bytes(b"PAR1")
    with results.opened(to, SETTINGS) as kept:
        assert len(kept.done) == results.PART_ROWS
        kept.join()
    assert len(paths(to)) == results.PART_ROWS


def test_a_kill_between_the_last_two_steps_doubles_nothing(tmp_path, monkeypatch):
    to = tmp_path / "results.parquet"
    with results.opened(to, SETTINGS) as kept, monkeypatch.context() as patch:
        kept.add(rows("a", refused="bad", score=None))
        patch.setattr(results.shutil, "rmtree", lambda folder: None)
        kept.join()
    with results.opened(to, SETTINGS) as kept:
        assert (kept.done, kept.refused) == ({"a"}, 1)
        kept.add(rows("b"))
        kept.join()
    assert paths(to) == ["a", "b"]


def test_rows_of_other_settings_are_not_continued(tmp_path):
    to = tmp_path / "results.parquet"
    with results.opened(to, SETTINGS) as kept:
        kept.add(rows("a"))
    other = results.Settings("/films", "fine-tuned", "0" * 64, 0.5)
    with pytest.raises(results.ResultsError, match=r"threshold 0\.6"), results.opened(to, other):
        pass
    to.write_bytes(b"something else")
    with pytest.raises(results.ResultsError, match="not a file of this command"), results.opened(to, SETTINGS):
        pass


def test_two_processes_do_not_write_the_same_file(tmp_path):
    to = tmp_path / "results.parquet"
    with (
        results.opened(to, SETTINGS),
        pytest.raises(results.ResultsError, match="Another process"),
        results.opened(to, SETTINGS),
    ):
        pass


# --- Files ---


def test_a_folder_and_its_address_have_the_same_files(films):
    names = [b"a.png", b"report.txt", b"deep/b.png", b"deep/\xff.png"]
    assert archive.Archive(str(films)).files() == names
    (films / os.fsdecode(b"deep/\xff.png")).unlink()  # an address is text
    named = archive.Archive(films.as_uri() + "/")
    assert sorted(named.files()) == sorted(names[:3])
    assert (named.read(b"a.png").pixels == archive.Archive(str(films)).read(b"a.png").pixels).all()
    with pytest.raises(archive.FilmError):
        named.read(b"report.txt")
    with pytest.raises(archive.FilmError, match="could not be opened"):
        named.read(b"absent.png")


def test_no_archive(capsys, tmp_path):
    code, out, err = score(capsys, tmp_path / "absent", "--to", tmp_path / "r.parquet", "--engine", "local")
    assert (code, out) == (1, "") and "absent" in err and not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_listed_is_not_skipped(films, monkeypatch):
    scan = os.scandir

    def refuse(folder: bytes) -> object:
        if folder.endswith(b"deep"):
            raise PermissionError(13, "Permission denied", folder)
        return scan(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(PermissionError, match="deep"):
        archive.Archive(str(films)).files()


def test_a_large_file_is_not_read(films, monkeypatch):
    monkeypatch.setattr(config, "MAX_BYTES", 100)
    for place in (str(films), films.as_uri()):
        with pytest.raises(archive.FilmError, match="limit"):
            archive.Archive(place).read(b"a.png")


# --- The command, in one process ---


def test_rows_say_what_predict_says(capsys, films, network, tmp_path):
    for item in bad_inputs.SENT:
        if item.row in (1, 2, 5, 16, 18, 19, 20, 29):
            (films / item.name).write_bytes(item.make())
    to = tmp_path / "results.parquet"
    code, out, _ = score(capsys, films, "--to", to, "--engine", "local", "--overlays", tmp_path / "overlays")
    rows = {row["path"]: row for row in pq.read_table(to).to_pylist()}
    assert code == 0 and set(rows) == {archive.shown(name) for name in archive.Archive(str(films)).files()}
    names = [name for name in rows if "\\" not in name]
    main(["predict", *(str(films / name) for name in names), "--json"])
    said = json.loads(capsys.readouterr().out)
    assert [rows[name] for name in names] == [
        {"path": name} | {key: entry[key] for key in results.SCHEMA.names[1:]}
        for name, entry in zip(names, said, strict=True)
    ]
    refused = sum(row["refused"] is not None for row in rows.values())
    assert refused > 5 and f"{len(rows)} files, {len(rows) - refused} scored, {refused} refused" in out
    drawn = [path for path in (tmp_path / "overlays").rglob("*") if path.is_file()]
    assert len(drawn) == len(rows) - refused
    assert (tmp_path / "overlays" / f"deep/b.png{heatmap.OVERLAY_ENDING}").is_file()


@pytest.fixture
def scored(monkeypatch) -> list[str]:
    """The paths that are scored from now on, by a row without a network."""
    done: list[str] = []

    def rows(self: archive.Scorer, files: list[bytes]) -> Iterator[dict[str, object]]:
        for file in files:
            done.append(archive.shown(file))
            yield archive._refusal(file, self.job.settings, "Made up.")

    monkeypatch.setattr(archive.Scorer, "rows", rows)
    return done


def test_new_files_are_added(capsys, films, network, tmp_path, scored):
    to = tmp_path / "results.parquet"
    score(capsys, films, "--to", to, "--engine", "local")
    (films / "new.png").write_bytes(b"")
    scored.clear()
    _, out, _ = score(capsys, films, "--to", to, "--engine", "local")
    assert scored == ["new.png"] and len(paths(to)) == 5 and "5 files, 0 scored, 5 refused; 4 from earlier runs" in out
    assert score(capsys, films, "--to", to, "--engine", "local", "--threshold", 0.5)[0] == 1


def test_what_it_writes_is_not_in_the_archive(capsys, films, network, tmp_path):
    for options in (["--to", films / "r.parquet"], ["--to", tmp_path / "r.parquet", "--overlays", films / "o"]):
        code, _, err = score(capsys, films, *options, "--engine", "local")
        assert code == 2 and "outside the archive" in err
    assert score(capsys, films, "--to", tmp_path / "r.parquet", "--engine", "local", "--actors", 2)[0] == 2


def test_other_weights_stop_the_run(films, network):
    job = archive.Job(results.Settings(str(films), network.name, "1" * 64, 0.6))
    with pytest.raises(ClusterError, match="other weights"):
        list(archive.local([b"a.png"], job))
    answer = archive.Scorer(job)(pa.table({"file": pa.array([b"a.png"], pa.binary())}))
    assert "other weights" in answer[archive.ERROR][0].as_py()
