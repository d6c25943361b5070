"""The command line: output, exit codes, JSON, overlays. A mock predictor stands in, so TensorFlow is not loaded."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from covid_model import config
from covid_model.cli import main
from covid_model.cli.predict import OverlayNames
from covid_model.model import registry
from covid_model.model.predictor import Prediction, PredictionError
from covid_model.model.registry import IMAGENET, STORED, NetworkError
from covid_model.reports.summary import CSV_COLUMNS

_vgg19 = os.environ.get(config.VGG19_VARIABLE)  # of the machine, before tests take it away
JSON_FIELDS = [
    "file",
    "network",
    "score",
    "positive",
    "covid",
    "threshold",
    "warnings",
    "out_of_distribution",
    "refused",
    "overlay",
]


def draw(path: Path, brightest: int) -> Path:
    """A gray ramp of 80 x 96 pixels, 0 to `brightest`."""
    ramp = np.linspace(0, brightest, 80 * 96).reshape(80, 96).astype(np.uint8)
    Image.fromarray(ramp).save(path)
    return path


class BrightReader:
    """Scores a film by its brightest pixel; one of 13 has no score."""

    made: ClassVar[list[tuple]] = []

    def __init__(self, name: str, vgg19: str | None = None) -> None:
        self.made.append((name, vgg19))
        self.name = name

    def predict(self, film) -> Prediction:
        brightest = int(film.pixels.max())
        if brightest == 13:
            raise PredictionError("The network gave no valid score. Received: nan.")
        heatmap = np.linspace(-1, 1, 4, dtype=np.float32).reshape(2, 2)
        warnings = (*film.warnings, "Made up.") if brightest == 200 else film.warnings
        return Prediction(self.name, brightest / 250, 0.0, heatmap, (0.0, 0.0, 1.0, 1.0), warnings, 1.0)


@pytest.fixture(autouse=True)
def reader(monkeypatch) -> type[BrightReader]:
    """A mock predictor, on a network that stores all its weights."""
    monkeypatch.setattr(BrightReader, "made", [])
    monkeypatch.setattr("covid_model.model.predictor.Predictor", BrightReader)
    monkeypatch.setattr("covid_model.model.registry.spec", lambda name: SimpleNamespace(base=STORED))
    for variable in (config.DATA_VARIABLE, config.VGG19_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    return BrightReader


@pytest.fixture
def films(tmp_path) -> SimpleNamespace:
    """A film that scores 0.2, one that scores 0.8 with a warning, and a text that calls itself a film."""
    bad = tmp_path / "bad.png"
    bad.write_text("not a picture")
    return SimpleNamespace(low=draw(tmp_path / "low.png", 50), high=draw(tmp_path / "higher.png", 200), bad=bad)


def run(capsys, *arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command."""
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as stop:
        code = stop.code
    return code, *capsys.readouterr()


# --- predict: lines -----------------------------------------------------------------------------------


def test_one_aligned_line_a_film(capsys, films):
    code, out, err = run(capsys, "predict", films.low, films.high)
    assert (code, err) == (0, "")
    low, high = out.splitlines()
    assert low == "0.200    negative  low.png"
    assert high.startswith("0.800    positive  higher.png  ") and high.endswith("Made up.")


def test_a_refused_file_is_reported_and_the_others_are_scored(capsys, films):
    code, out, err = run(capsys, "predict", films.bad, films.low, films.low.with_name("absent.png"), films.high)
    assert code == 1
    assert [line.split()[2] for line in out.splitlines()] == ["low.png", "higher.png"]
    first, second = err.splitlines()
    assert first.startswith("covid_model: bad.png: ") and second.startswith("covid_model: absent.png: ")


def test_40_no_score_is_a_refusal(capsys, tmp_path):
    code, out, err = run(capsys, "predict", draw(tmp_path / "nan.png", 13))
    assert (code, out) == (1, "") and err.count("\n") == 1 and "nan" in err


def test_positive_is_above_the_threshold(capsys, films):
    assert "positive" in run(capsys, "predict", films.high, "--threshold", 0.79)[1]
    assert "negative" in run(capsys, "predict", films.high, "--threshold", 0.8)[1]


def test_the_network_is_loaded_once_and_only_for_a_film(capsys, films, reader):
    run(capsys, "predict", films.bad)
    assert reader.made == []
    run(capsys, "predict", films.low, films.high, "--network", "paper")
    assert reader.made == [("paper", None)]


def test_the_option_beats_the_environment(capsys, films, reader, monkeypatch):
    monkeypatch.setattr("covid_model.model.registry.spec", lambda name: SimpleNamespace(base=IMAGENET))
    run(capsys, "predict", films.low)
    monkeypatch.setenv(config.VGG19_VARIABLE, str(films.bad))
    run(capsys, "predict", films.low)
    run(capsys, "predict", films.low, "--vgg19", films.high)
    assert [vgg19 for _, vgg19 in reader.made] == ["imagenet", str(films.bad), str(films.high)]


def test_35_a_network_that_cannot_be_loaded_is_one_line(capsys, films, monkeypatch):
    def damaged(name):
        raise NetworkError("The weights are cut\nshort.")

    monkeypatch.setattr("covid_model.model.registry.spec", damaged)
    assert run(capsys, "predict", films.low) == (1, "", "covid_model: The weights are cut short.\n")


# --- predict: JSON ------------------------------------------------------------------------------------


def test_json_is_a_list_with_one_object_a_file(capsys, films):
    code, out, err = run(capsys, "predict", films.low, films.bad, films.high, "--json", "--threshold", 0.1)
    low, bad, high = json.loads(out)
    assert code == 1 and err.count("\n") == 1
    assert list(low) == list(bad) == list(high) == JSON_FIELDS
    assert low["file"] == str(films.low) and low["network"] == registry.default()
    assert low["score"] == pytest.approx(0.2) and low["positive"] is low["covid"] is True and low["threshold"] == 0.1
    assert low["refused"] is None and low["overlay"] is None
    assert bad["score"] is None and bad["positive"] is bad["covid"] is None and bad["refused"] and bad["warnings"] == []
    assert "Made up." in high["warnings"] and high["out_of_distribution"] is False


def test_csv_is_a_table_with_one_row_a_file(capsys, films):
    code, out, err = run(capsys, "predict", films.low, films.bad, films.high, "--csv", "--threshold", 0.1)
    assert code == 1 and err.count("\n") == 1
    low, bad, high = csv.DictReader(io.StringIO(out))
    assert list(low) == list(CSV_COLUMNS)
    assert float(low["score"]) == pytest.approx(0.2) and low["positive"] == "yes"
    assert bad["score"] == bad["positive"] == "" and bad["refused"]
    assert high["warnings"].endswith("Made up.") and high["out_of_distribution"] == "no"


def test_json_and_csv_exclude_one_another(capsys, films):
    assert run(capsys, "predict", films.low, "--json", "--csv")[0] == 2


def test_a_score_near_1_is_formatted_as_on_the_page(capsys, tmp_path):
    out = run(capsys, "predict", draw(tmp_path / "sure.png", 250))[1]
    assert out.startswith("> 0.999  positive")


def test_the_help_names_what_is_deprecated(capsys):
    assert "covid repeats positive, is deprecated" in " ".join(run(capsys, "predict", "--help")[1].split())


def test_file_names_that_are_not_text_are_accepted(capsys, tmp_path):
    path = draw(tmp_path / "plain.png", 50)
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\n.png"))
    try:
        path.rename(odd)
    except OSError:
        pytest.skip("this file system takes no such name")
    assert run(capsys, "predict", odd)[1].count("\n") == 1
    assert json.loads(run(capsys, "predict", odd, "--json")[1])[0]["score"] == pytest.approx(0.2)


# --- predict: overlays --------------------------------------------------------------------------------


def test_overlays_are_written_at_the_film_s_size(capsys, films, tmp_path):
    folder = tmp_path / "new" / "overlays"
    code, out, _ = run(capsys, "predict", films.low, films.high, "--overlay", folder, "--json")
    assert code == 0
    assert [item["overlay"] for item in json.loads(out)] == [
        str(folder / "low-overlay.png"),
        str(folder / "higher-overlay.png"),
    ]
    assert sorted(os.listdir(folder)) == ["higher-overlay.png", "low-overlay.png"]
    with Image.open(folder / "low-overlay.png") as picture:
        assert (picture.size, picture.mode) == ((96, 80), "RGB")


def test_an_overlay_never_overwrites_a_film(capsys, films, tmp_path):
    twin = draw(tmp_path / "low-overlay.png", 50)
    before = twin.read_bytes()
    code, _, _ = run(capsys, "predict", films.low, twin, "--overlay", tmp_path)
    assert code == 0 and twin.read_bytes() == before
    assert (tmp_path / "low-2-overlay.png").is_file() and (tmp_path / "low-overlay-overlay.png").is_file()


def test_an_overlay_leaves_a_links_target_unchanged(capsys, films, tmp_path):
    folder, kept = tmp_path / "overlays", tmp_path / "kept.png"
    folder.mkdir()
    kept.write_bytes(b"mine")
    os.link(kept, folder / "low-overlay.png")
    run(capsys, "predict", films.low, "--overlay", folder)
    assert kept.read_bytes() == b"mine" and (folder / "low-overlay.png").read_bytes() != b"mine"


def test_films_of_the_same_name_get_separate_overlays(tmp_path):
    names = OverlayNames(tmp_path, ["a/film.png", "b/film.jpg"])
    assert [names.next(file).name for file in ("a/film.png", "b/film.jpg")] == [
        "film-overlay.png",
        "film-2-overlay.png",
    ]
    assert len(os.fsencode(names.next("ß" * 150 + ".png").name)) < 255


def test_an_overlay_that_cannot_be_written_is_reported(capsys, films, tmp_path):
    folder = tmp_path / "overlays"
    (folder / "low-overlay.png").mkdir(parents=True)
    code, out, err = run(capsys, "predict", films.low, "--overlay", folder)
    assert code == 1 and out.startswith("0.200") and err.count("\n") == 1 and "low-overlay.png" in err


# --- Bad usage: one line, exit 2 -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["diagnose"],
        ["predict"],
        ["predict", "x.png", "--threshold", "7"],
        ["predict", "x.png", "--threshold", "nan"],
        ["predict", "x.png", "--threshold", "abc"],
        ["predict", "x.png", "--network", "xyz"],
        ["predict", "x.png", "--vgg19", "absent.h5"],
        ["predict", "x.png", "--overlay", __file__],
        ["train", "--recipe", "magic"],
        ["train", "--recipe", "paper"],
        ["train", "--recipe", "paper", "--data", "absent"],
        ["evaluate"],
        ["fetch"],
        ["fetch", "--to", "x", "--from-folder", "cohen"],
        ["fetch", "--to", "x", "--from-folder", "cohen=absent"],
    ],
    ids=" ".join,
)
def test_bad_usage(capsys, arguments):
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("covid_model: ") and err.count("\n") == 1


def test_a_bug_keeps_its_traceback(films, monkeypatch):
    monkeypatch.setattr(BrightReader, "predict", lambda self, film: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["predict", str(films.low)])


def test_stopped_from_the_keyboard(capsys, films, monkeypatch):
    def stop(self, film):
        raise KeyboardInterrupt

    monkeypatch.setattr(BrightReader, "predict", stop)
    assert run(capsys, "predict", films.low) == (130, "", "covid_model: interrupted\n")


# --- The other commands hand over what they were given --------------------------------------------------


def test_fetch(capsys, tmp_path, monkeypatch):
    calls = []

    def fetch(to, **options):
        calls.append((to, options))
        return SimpleNamespace(summary=lambda: "Two films missing.", complete=len(calls) > 1)

    monkeypatch.setattr("covid_model.data.download.download", fetch)
    options = ("--source", "cohen", "--from-folder", f"cohen={tmp_path}")
    assert run(capsys, "fetch", "--to", tmp_path, *options) == (1, "Two films missing.\n", "")
    assert run(capsys, "fetch", "--to", tmp_path)[0] == 0
    assert calls == [
        (tmp_path, {"sources": ["cohen"], "folders": {"cohen": tmp_path}}),
        (tmp_path, {"sources": None, "folders": {}}),
    ]


def data_with_manifest(folder: Path) -> Path:
    """A data folder with one film in its manifest."""
    columns = "id,path,split,covid,source,finding,patient"
    (folder / "manifest.csv").write_text(f"{columns}\none,images/one.jpg,train,1,cohen,COVID-19,p1\n")
    return folder


def test_train(capsys, tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr("covid_model.training.run", lambda *given: calls.append(given), raising=False)
    monkeypatch.setenv(config.DATA_VARIABLE, str(data_with_manifest(tmp_path)))
    assert run(capsys, "train", "--recipe", "paper", "--work", tmp_path / "work") == (0, "", "")
    ((recipe, data, vgg19, work),) = calls
    assert (recipe, data.folder, vgg19, work) == ("paper", tmp_path, "imagenet", tmp_path / "work")


def test_learning_curves(capsys, tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr("covid_model.training.init_ablation.run", lambda *given: calls.append(given) or "curves.json")
    folder = data_with_manifest(tmp_path)
    assert run(capsys, "learning-curves", "--data", folder, "--to", "x.json") == (0, "curves.json\n", "")
    ((data, vgg19, to),) = calls
    assert (data.folder, vgg19, to) == (folder, "imagenet", Path("x.json"))


def test_evaluate(capsys, tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr("covid_model.model.registry.names", lambda *folder: ["fine-tuned", "paper"])
    monkeypatch.setattr("covid_model.training.score_dataset.run", lambda name, data, vgg19: calls.append((name, vgg19)))
    folder = data_with_manifest(tmp_path)
    assert run(capsys, "evaluate", "--data", folder)[0] == 0
    assert run(capsys, "evaluate", "--data", folder, "--network", "paper")[0] == 0
    assert calls == [("fine-tuned", None), ("paper", None), ("paper", None)]


def test_37_a_data_folder_without_manifest_is_named(capsys, tmp_path):
    for command in (["evaluate"], ["train", "--recipe", "paper"]):
        code, _, err = run(capsys, *command, "--data", tmp_path)
        assert code == 1 and str(tmp_path) in err and err.count("\n") == 1


# --- As a program ----------------------------------------------------------------------------------------


def test_help_needs_no_tensorflow():
    code = "import sys; from covid_model.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    code += "print(sorted({'tensorflow', 'keras', 'streamlit', 'pandas', 'sklearn'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=config.ROOT, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done


def test_a_refused_file_as_a_program(films, tmp_path):
    """One line a file: libtiff, which has its own to say of the second, is not heard."""
    damaged = tmp_path / "damaged.tif"
    Image.fromarray(np.eye(90, dtype=np.uint8) * 99).save(damaged, compression="tiff_adobe_deflate")
    data = damaged.read_bytes()
    damaged.write_bytes(data[:20] + bytes(12) + data[32:])
    command = [sys.executable, "-m", "covid_model", "predict", str(films.bad), str(damaged)]
    done = subprocess.run(command, cwd=config.ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 2), done.stderr


@pytest.mark.films
def test_real_films_as_a_program(data_folder, network_name, films, tmp_path):
    from covid_model.data import dataset

    data = dataset.load(data_folder)
    paths = [str(data.path(film)) for film in data.split("test").index[:2]]
    command = [sys.executable, "-m", "covid_model", "predict", *paths, str(films.bad), "--network", network_name]
    command += ["--overlay", str(tmp_path / "overlays"), "--json"]
    if _vgg19:
        command += ["--vgg19", _vgg19]
    done = subprocess.run(command, cwd=config.ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.count("\n") == 1  # the bad file's line: nothing of TensorFlow's
    *read, refused = json.loads(done.stdout)
    assert all(0 <= item["score"] <= 1 and Path(item["overlay"]).is_file() for item in read)
    assert refused["score"] is None


def test_quiet_mutes_compiled_code_and_keeps_results_clean():
    code = "import os, sys; from covid_model.cli.common import quiet\n"
    code += "with quiet():\n os.write(2, b'chatter'); print('downloading'); print('warning', file=sys.stderr)\n"
    code += "os.write(2, b'after'); print('result')"
    done = subprocess.run([sys.executable, "-c", code], cwd=config.ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("result\n", "downloading\nwarning\nafter")


def test_progress_is_shown_on_a_terminal(films, monkeypatch, capsys):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    main(["predict", str(films.low), str(films.high)])
    assert "/2" in terminal.getvalue()
    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.mark.parametrize("more", [["--recipe", "paper"], ["--recipe", "fine-tuned", "--trials"]])
def test_what_needs_tensorflow_is_refused_on_another_backend(monkeypatch, capsys, more):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    status, _, error = run(capsys, "train", *more)
    assert status and "Unset KERAS_BACKEND" in error
