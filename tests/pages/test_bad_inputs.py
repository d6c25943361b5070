"""The list of bad inputs: every file of rows 1 to 29 through films, the command line and the page.

`tests/support/bad_inputs.py` has the files; the finer points of each row stand in test_films.py and test_dicom.py.
"""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from covid_model import config, formatting, imaging
from covid_model.app import networks as app_networks
from covid_model.app import state
from covid_model.cli import main
from covid_model.formatting import WHY_OUT
from covid_model.model import ood, registry, vgg19
from covid_model.model.predictor import Predictor
from covid_model.verdict import OutOfDistribution
from tests.support import bad_inputs, mock_networks, synthetic_images
from tests.support.app_pages import MockReader, charts, demo, holds, open_page, text
from tests.support.bad_inputs import FILES, FILM, READ, REFUSE, ROWS, SENT, WARN, Sent

NOVEL = WHY_OUT[OutOfDistribution.UNFAMILIAR]

__all__ = ["demo"]
GOOD = ("good.png", bad_inputs.good_film())
PEAK = 400  # megabytes above rest that reading any one file may take
SLOWEST = 5.0  # seconds
every_file = pytest.mark.parametrize(
    "case", [pytest.param(case, marks=pytest.mark.row(n=case.row)) for case in SENT], ids=str
)
every_row = pytest.mark.parametrize("row", [pytest.param(row, marks=pytest.mark.row(n=row)) for row in FILES])


def check(case: Sent, refused: str | None, warnings: str) -> None:
    """What a file got, against what it must get; refusals are one plain sentence."""
    assert case.gets != REFUSE or refused, f"{case} was read"
    assert case.gets not in (READ, WARN) or not refused, f"{case}: {refused}"
    if refused:
        assert refused[0].isupper() and refused.endswith(".") and "\n" not in refused, refused
    if case.gets == REFUSE:
        assert case.says in refused, f"{case}: {refused}"
    if case.gets == WARN:
        assert case.says in warnings, f"{case}: {warnings}"


# --- The list is covered -------------------------------------------------------------------------------


def test_every_row_is_tested():
    """No row of the list is forgotten: files for rows 1 to 29, tests of their own for all of them."""
    assert {case.row for case in SENT} == set(FILES)
    assert set(bad_inputs.tests_by_row()) == set(ROWS)


# --- Through films ---------------------------------------------------------------------------------------


@every_file
def test_films(case):
    try:
        film = imaging.decode(case.make())
    except imaging.FilmError as error:
        check(case, str(error), "")
        return
    color = (WHY_OUT[OutOfDistribution.COLOR],) * film.in_color  # said of the flag, not by the decoder
    check(case, None, " ".join((*color, *film.warnings)))
    assert film.pixels.dtype == np.uint8 and film.pixels.ndim == 2 and not film.pixels.flags.writeable


@pytest.mark.measured
@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux counts it")
def test_no_file_takes_long_or_much_memory(tmp_path):
    """Each file of the list in one other process, its memory's peak taken back to rest before each."""
    for case in SENT:
        (tmp_path / str(case)).write_bytes(case.make())
    code = textwrap.dedent(f"""
        import json, sys, time
        from pathlib import Path
        from covid_model import imaging
        from tests.support import synthetic_images
        from tests.support.peak_memory import peak, reset_peak

        imaging.decode(synthetic_images.dicom(synthetic_images.film()))  # the decoders are loaded
        found = {{}}
        for path in sorted(Path({str(tmp_path)!r}).iterdir()):
            rest, started = reset_peak(), time.perf_counter()
            try:
                imaging.read(path)
            except imaging.FilmError:
                pass
            found[path.name] = (peak() - rest, time.perf_counter() - started)
        print(json.dumps(found))
    """)
    done = subprocess.run([sys.executable, "-c", code], cwd=config.ROOT, capture_output=True, text=True, check=True)
    outcomes = json.loads(done.stdout)
    assert len(outcomes) == len(SENT)
    assert {name: value for name, value in outcomes.items() if value[0] >= PEAK or value[1] >= SLOWEST} == {}


# --- Through the command line ----------------------------------------------------------------------------


@pytest.fixture
def command(monkeypatch) -> None:
    """The command line with a reader of a few lines."""
    monkeypatch.setattr("covid_model.model.predictor.Predictor", MockReader)
    monkeypatch.setattr("covid_model.model.registry.spec", lambda name: SimpleNamespace(base=registry.STORED))
    monkeypatch.setattr(MockReader, "asked", [])


@every_row
def test_command_line(row, command, tmp_path, capsys):
    """The files of a row and a good film behind them, which is read whatever came before."""
    sent = bad_inputs.of_row(row)
    paths = [tmp_path / case.name for case in sent]
    for path, data in zip([*paths, tmp_path / GOOD[0]], [*(case.make() for case in sent), GOOD[1]], strict=True):
        path.write_bytes(data)
    code = main(["predict", *map(str, paths), str(tmp_path / GOOD[0]), "--json"])
    out, err = capsys.readouterr()
    *outcomes, good = json.loads(out)
    for case, result in zip(sent, outcomes, strict=True):
        check(case, result["refused"], " ".join(result["warnings"]))
        assert (result["score"] is None) == bool(result["refused"]) == (result["covid"] is None)
        assert f"covid_model: {case.name}: {result['refused']}\n" in err or not result["refused"]
    refused = [result for result in outcomes if result["refused"]]
    assert good["refused"] is None and 0 < good["score"] < 1
    assert err.count("\n") == len(refused) and code == (1 if refused else 0)


# --- Through the page ------------------------------------------------------------------------------------


def give(app: AppTest, *files: tuple[str, bytes]) -> AppTest:
    """Take away what is in the upload field and put these in."""
    field = app.file_uploader[0].set_value([])
    for name, data in files:
        field.upload(name, data)
    app.run()
    assert not app.exception, app.exception[0].value
    return app


def messages(app: AppTest, kind: str) -> str:
    return " ".join(element.value for element in app.get(kind)).replace("\\", "")


@every_row
def test_page(row, demo):
    """All files of a row at once with a good film behind them; then the first of them alone; then a good film alone."""
    sent = bad_inputs.of_row(row)
    app = give(open_page(), *((case.name, case.make()) for case in sent), GOOD)
    table = app.dataframe[0].value.set_index("File")
    assert list(table.index) == [*(case.name for case in sent), GOOD[0]]
    for case in sent:
        verdict, remarks = table.loc[case.name, "Verdict"], table.loc[case.name, "Remarks"]
        check(case, remarks if verdict == "Refused" else None, remarks)
        assert (verdict == "Refused") == bool(np.isnan(table.loc[case.name, "Score"]))
    assert table.loc[GOOD[0], "Verdict"] in ("Positive", "Negative")

    case = sent[0]
    give(app, (case.name, case.make()))
    assert bool(app.error) != bool(app.metric)  # a sentence or a score, never both
    refused = messages(app, "error").removeprefix(f"{case.name}: ") if app.error else None
    check(case, refused, messages(app, "warning"))

    give(app, GOOD)
    assert app.metric and not app.error and not app.warning


# --- 19: what is no chest film, by the network's own features ------------------------------------------------


@pytest.fixture
def novel(demo, monkeypatch) -> Path:
    """The mock reader finds every film novel."""
    monkeypatch.setattr(MockReader, "ood_distance", 2.5)
    return demo


def test_19_an_out_of_distribution_film_has_a_warning_and_a_gray_score(novel):
    app = give(open_page(), GOOD)
    assert NOVEL in messages(app, "warning")
    assert app.metric[0].value.startswith(":gray[")
    verdicts = [formatting.verdict(score, config.THRESHOLD) for score in (0.0, 1.0)]
    assert not any(verdict in text(app) for verdict in verdicts)  # no verdict on what the network does not know
    assert "place" not in charts(app)
    give(app, GOOD, ("other.png", synthetic_images.save(synthetic_images.film()[::-1])))
    assert all(NOVEL in remarks for remarks in app.dataframe[0].value["Remarks"])


def test_19_an_ordinary_film_has_none(demo, monkeypatch):
    monkeypatch.setattr(MockReader, "ood_distance", 0.9)
    app = give(open_page(), GOOD)
    assert NOVEL not in messages(app, "warning") and not app.metric[0].value.startswith(":gray[")


def test_19_the_command_line_warns_too(novel, command, tmp_path, capsys):
    (tmp_path / GOOD[0]).write_bytes(GOOD[1])
    assert main(["predict", str(tmp_path / GOOD[0]), "--json"]) == 0
    assert NOVEL in json.loads(capsys.readouterr().out)[0]["warnings"]


LEG, SLICE = "RG3_UNCR.dcm", "693_UNCR.dcm"  # pydicom-data's


def of_dicom(name: str) -> imaging.Film:
    from pydicom.data import get_testdata_file

    path = get_testdata_file(name, download=False)
    if path is None:
        pytest.skip("no sample files: pydicom-data is not installed")
    return imaging.read(Path(path))


def no_chest_film(kind: str) -> np.ndarray:
    """A photograph, a screenshot of text, a leg or a slice of a head, gray and without a tag that gives it away."""
    if kind in ("leg", "slice"):
        return of_dicom({"leg": LEG, "slice": SLICE}[kind]).pixels
    return getattr(pytest.importorskip("skimage.data"), {"photograph": "camera", "screenshot": "page"}[kind])()


@pytest.fixture(scope="module")
def reader_of():
    """The reader of a network that has a novelty gate, loaded once."""

    @functools.cache
    def load(name: str) -> Predictor:
        return Predictor(name)

    def reader(name: str) -> Predictor:
        if name not in registry.names() or ood.load_detector(registry.spec(name)) is None:
            pytest.skip(f"the network {name} has no novelty gate here")
        return load(name)

    return reader


@pytest.mark.parametrize("name", [pytest.param("paper", marks=pytest.mark.vgg19), "fine-tuned"])
@pytest.mark.parametrize("kind", ["photograph", "screenshot", "leg", "slice"])
def test_19_the_networks_detect_what_is_not_a_chest_film(name, kind, reader_of):
    assert reader_of(name).predict(imaging.Film(no_chest_film(kind), (), "PNG")).out_of_distribution


@pytest.mark.parametrize(("name", "named"), [(LEG, "EXTREMITY"), (SLICE, "CT")])
def test_19_29_a_leg_and_a_slice_are_detected_by_their_tags(name, named):
    assert any(named in warning for warning in of_dicom(name).warnings)


# --- 30: tags, lists and addresses are never markup ---------------------------------------------------------------

MARKUP = "<b>**b**</b> [x](http://evil.example) ![y](http://evil.example/y.png) `c` :red[r] $x$"


def rendered(app: AppTest) -> str:
    """All that the page renders as Markdown or HTML, without what is escaped there."""
    kinds = (app.markdown, app.caption, app.error, app.warning, app.info, app.title, app.subheader)
    texts = [element.value for kind in kinds for element in kind] + [button.label for button in app.button]
    return "\n".join(re.sub(r"\\.", "", value) for value in texts)


def no_markup(app: AppTest) -> bool:
    page_text = rendered(app)
    return not any(markup in page_text for markup in ("<b>", "**b**", "](http://evil", "`c`", ":red[", "$x$"))


def test_30_tags_of_a_dicom_are_plain_text(demo):
    tags = {"Modality": "**b** <b>", "BodyPartExamined": ":red[r] `c`"}
    app = give(open_page(), ("film.dcm", synthetic_images.dicom(FILM, **tags)))
    assert app.metric and "**B** <B>" in messages(app, "warning") and ":RED[R] `C`" in messages(app, "warning")
    assert no_markup(app)


def test_30_a_manifest_is_plain_text(demo):
    manifest = demo / "data/manifest.csv"
    table = pd.read_csv(manifest)
    table.loc[0, ["id", "finding", "license"]] = [f"film {MARKUP}", MARKUP, MARKUP]
    table.loc[0, "url"] = "javascript:alert(1)"
    table.to_csv(manifest, index=False)
    app = open_page(film=f"film {MARKUP}")
    assert app.metric and "evil.example" in text(app).replace("\\", "")
    assert no_markup(app) and "javascript" not in text(app)


@pytest.mark.parametrize("address", [{"film": MARKUP}, {"network": MARKUP}, {"threshold": MARKUP}, {MARKUP: MARKUP}])
def test_30_38_a_url_is_never_rendered(demo, address):
    app = give(open_page(**address), GOOD)
    assert app.metric and no_markup(app)
    assert "evil.example" not in text(app)


# --- 33: more at once than are read ---------------------------------------------------------------------------------


def test_33_films_beyond_the_limit_are_dropped(demo, monkeypatch):
    monkeypatch.setattr(state, "MAX_UPLOADS", 3)
    app = give(
        open_page(),
        *((f"{number}.png", synthetic_images.save(synthetic_images.film(100 + number))) for number in range(5)),
    )
    assert list(app.dataframe[0].value["File"]) == ["0.png", "1.png", "2.png"]
    assert holds(messages(app, "warning"), 5, 3)
    assert len(app.session_state[state.UPLOADS]) == 3


# --- 35, 36, 37: files of the project that are not as they must be ------------------------------------------------


@pytest.fixture
def networks(demo, monkeypatch) -> Path:
    """The real reader, on a folder with the small mock network; none of random weights may ever be built."""
    folder = demo / "networks"
    mock_networks.save(folder)
    monkeypatch.setattr(registry.spec, "__defaults__", (folder,))
    monkeypatch.setattr(vgg19.load, "__defaults__", (None, folder, "float32"))
    monkeypatch.setattr(registry.names, "__defaults__", (folder,))
    monkeypatch.setattr(app_networks, "predictor", Predictor)
    return folder


def spoil(path: Path, damage: str) -> None:
    data = bytearray(path.read_bytes())
    if damage == "missing":
        path.unlink()
        return
    if damage == "changed by a byte":
        data[len(data) // 2] ^= 1
    path.write_bytes(data[: len(data) // 2] if damage == "cut short" else data)


@pytest.mark.parametrize("damage", ["missing", "cut short", "changed by a byte"])
def test_35_the_page_says_which_file_is_wrong_and_what_to_do(networks, damage, monkeypatch):
    spoil(networks / "fine-tuned.npz", damage)
    monkeypatch.setattr(vgg19, "build", lambda *_a, **_k: pytest.fail("a network of random weights was built"))
    app = give(open_page(), GOOD)
    assert not app.metric and "fine-tuned.npz" in messages(app, "error")
    assert "train --recipe fine-tuned" in messages(app, "error")
    for page in ("results", "browse", "about", "how_it_works"):
        app.switch_page(f"covid_model/app/pages/{page}.py").run()
        assert not app.exception, app.exception[0].value


def test_35_a_repaired_network_works_at_once(networks):
    kept = (networks / "fine-tuned.npz").read_bytes()
    spoil(networks / "fine-tuned.npz", "cut short")
    app = give(open_page(), GOOD)
    assert app.error and not app.metric
    (networks / "fine-tuned.npz").write_bytes(kept)
    assert app.run().metric and not app.error


def test_36_without_a_connection_the_paper_network_says_what_it_needs(networks, tmp_path, monkeypatch):
    """What Keras finds where it cannot reach anybody, and has downloaded nothing before."""
    content = json.loads((networks / "fine-tuned.json").read_text()) | {"name": "paper", "base": registry.IMAGENET}
    (networks / "paper.json").write_text(json.dumps(content))
    monkeypatch.delenv(config.VGG19_VARIABLE, raising=False)
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path / "keras"))
    unreachable = OSError("Name or service not known")
    monkeypatch.setattr("socket.getaddrinfo", lambda *_a, **_k: (_ for _ in ()).throw(unreachable))
    app = give(open_page(network="paper"), GOOD)
    assert not app.metric
    assert all(word in messages(app, "error") for word in ("ImageNet", config.VGG19_VARIABLE, "internet"))
    app.button(key="use-fine-tuned").click().run()
    assert app.metric and not app.error


def test_37_a_folder_of_few_films(demo):
    """One film with COVID-19 is both the surest and the least sure one; it is offered once."""
    manifest = demo / "data/manifest.csv"
    pd.read_csv(manifest).query("id != 'cohen-1'").to_csv(manifest, index=False)
    app = open_page()
    assert [button.key for button in app.button if button.key == "try-cohen-2"] == ["try-cohen-2"]


def test_37_a_manifest_without_a_column_is_named(demo):
    manifest = demo / "data/manifest.csv"
    pd.read_csv(manifest).drop(columns="split").to_csv(manifest, index=False)
    app = give(open_page(), GOOD)
    assert "split" in messages(app, "warning") and app.metric
