"""The committed notebook is the generated one, and runs from the first cell to the last on made-up data."""

from __future__ import annotations

import ast
import re

import pytest

from covid_model import config
from covid_model.cli import main
from covid_model.data import dataset
from covid_model.reports import notebook
from tests.support import synthetic_dataset

MOST_CELLS = 14


def test_the_committed_notebook_is_up_to_date(tmp_path, capsys):
    path = tmp_path / "made.ipynb"
    assert main(["notebook", "--to", str(path)]) == 0 and capsys.readouterr().out == f"{path}\n"
    assert notebook.PATH.read_text(encoding="utf-8") == path.read_text(encoding="utf-8")


def test_it_is_a_short_notebook_without_outputs():
    nbformat = pytest.importorskip("nbformat")
    made = nbformat.reads(notebook.generate(), as_version=nbformat.NO_CONVERT)
    nbformat.validate(made)
    assert len(made.cells) <= MOST_CELLS and len({cell.id for cell in made.cells}) == len(made.cells)
    assert not any(cell.outputs for cell in made.cells if cell.cell_type == "code")


def test_it_says_what_to_do_where_the_package_is_missing():
    (setup,) = (text for kind, text in notebook.CELLS if kind == notebook.CODE and "REPOSITORY" in text)
    python = re.sub(r"^(\s*)[!%].*$", r"\1pass", setup, flags=re.MULTILINE).replace('"covid_model"', '"absent_package"')
    ast.parse(python)
    with pytest.raises(SystemExit, match="set REPOSITORY"):
        exec(python, {})


@pytest.mark.long
def test_it_runs_on_made_up_data(tmp_path, monkeypatch):
    """In a kernel of its own, with VGG-19's layers at random weights."""
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    import keras

    data = synthetic_dataset.save(tmp_path / "data")
    kept = data.films[data.films["split"].isin(("train", "test"))].groupby(["split", "source", "covid"]).head(3)
    kept.reset_index().to_csv(data.folder / dataset.MANIFEST, index=False)
    weights = tmp_path / "base.weights.h5"
    keras.utils.set_random_seed(0)
    keras.applications.VGG19(include_top=False, weights=None, input_shape=(32, 32, 3)).save_weights(weights)
    monkeypatch.setenv(config.DATA_VARIABLE, str(data.folder))
    monkeypatch.setenv(config.VGG19_VARIABLE, str(weights))
    monkeypatch.setenv("COVID_MODEL_WORK", str(tmp_path / "work"))
    book = nbformat.reads(notebook.PATH.read_text(encoding="utf-8"), as_version=4)
    where = {"metadata": {"path": str(config.ROOT)}}
    nbclient.NotebookClient(book, timeout=500, kernel_name="python3", resources=where).execute()

    outputs = [cell.outputs for cell in book.cells if cell.cell_type == "code"]
    results = [next((o["data"] for o in cell if o.output_type == "execute_result"), {}) for cell in outputs]
    test, train = (kept[kept["split"] == split] for split in ("test", "train"))
    assert "image/png" in results[2]
    assert results[3]["text/plain"] == f"(({len(train)}, 7, 7, 512), ({len(test)}, 7, 7, 512))"
    assert list(rows_of(results[4]))[-1] == str(config.PAPER_EPOCHS)  # the last row's index
    matrix = rows_of(results[5])
    assert [sum(matrix[name]) for name in ("COVID-19", "non-COVID")] == [(test["covid"] == c).sum() for c in (1, 0)]
    printed = next(o.text for o in outputs[6] if o.output_type == "stream" and o.name == "stdout")
    adults = ((test["covid"] == 0) & (test["source"] != config.CHILDREN)).sum()
    assert re.search(rf": \d of {adults}\n", printed)
    assert rows_of(results[6])["accuracy"][1] == pytest.approx((test["covid"] == 0).mean(), abs=1e-5)


def rows_of(result: dict[str, str]) -> dict[str, list[float]]:
    """Return the rows of a table that a cell shows: numbers by the name in the index."""
    rows = (line.split() for line in result["text/plain"].splitlines()[1:] if re.search(r"\d", line))
    return {name: [float(value) for value in values] for name, *values in rows}
