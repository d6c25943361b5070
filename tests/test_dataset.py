import pandas as pd
import pytest

from covid_model import dataset, settings
from covid_model.dataset import DataError

ROW = {"path": "images/a.jpg", "split": "train", "covid": 0, "source": "cohen", "finding": "x", "patient": "p"}


def write(folder, rows):
    pd.DataFrame([ROW | {"id": f"film-{number}"} | row for number, row in enumerate(rows)]).to_csv(
        folder / "manifest.csv", index=False
    )
    return folder


def test_a_folder_is_read_with_its_splits_and_paths(tmp_path):
    data = dataset.load(write(tmp_path, [{}, {"split": "test", "covid": 1}]))
    assert list(data.films.index) == ["film-0", "film-1"]
    assert list(data.split("test").index) == ["film-1"]
    assert data.path("film-0") == tmp_path / "images/a.jpg"
    assert data.missing() == ["film-0", "film-1"]


def test_the_folder_comes_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv(settings.DATA_VARIABLE, str(write(tmp_path, [{}])))
    assert dataset.load().folder == tmp_path
    monkeypatch.delenv(settings.DATA_VARIABLE)
    with pytest.raises(DataError, match=settings.DATA_VARIABLE):
        dataset.load()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"split": "validation"}], "validation"),
        ([{"covid": 2}], "covid"),
        ([{"id": "a"}, {"id": "a"}], "twice"),
    ],
)
def test_a_wrong_manifest_is_named(tmp_path, rows, message):
    with pytest.raises(DataError, match=message):
        dataset.load(write(tmp_path, rows))


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(DataError, match="nowhere"):
        dataset.load(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"manifest\.csv"):
        dataset.load(tmp_path)
    pd.DataFrame([{"id": "a", "path": "b"}]).to_csv(tmp_path / "manifest.csv")
    with pytest.raises(DataError, match="split, covid"):
        dataset.load(tmp_path)


def test_a_manifest_cannot_lead_out_of_its_folder(tmp_path):
    data = dataset.load(write(tmp_path, [{"path": "../secret.jpg"}]))
    with pytest.raises(DataError, match="outside"):
        data.path("film-0")
    with pytest.raises(DataError, match="film-9"):
        data.path("film-9")


def made_up_films():
    rows = []
    for patient in range(60):
        for film in range(1 + patient % 3):
            rows.append(ROW | {"id": f"{patient}-{film}", "patient": f"p{patient}", "covid": int(patient % 2)})
    return pd.DataFrame(rows).set_index("id")


def test_a_patient_is_held_out_whole_and_the_same_each_time():
    films = made_up_films()
    held_out = dataset.hold_out(films)
    assert not set(films[held_out]["patient"]) & set(films[~held_out]["patient"])
    assert 0.05 < held_out.mean() < 0.25
    assert held_out.equals(dataset.hold_out(films))


def test_patients_of_reported_films_are_not_trained_on():
    films = made_up_films()
    films.loc["2-0", "split"] = "test"  # patient 2 has three films
    kept = dataset.training_films(films, "train")
    assert "p2" not in set(kept["patient"])
    assert len(kept) == len(films) - 3


def test_weights_file(tmp_path, monkeypatch):
    monkeypatch.delenv(settings.VGG19_VARIABLE, raising=False)
    assert dataset.weights_file() == settings.VGG19_DOWNLOAD
    monkeypatch.setenv(settings.VGG19_VARIABLE, str(tmp_path / "none.h5"))
    with pytest.raises(DataError, match=r"none\.h5"):
        dataset.weights_file()


def test_the_committed_list_is_the_papers_split_and_shares_no_patient():
    films = dataset.committed()
    for split, wanted in (("train", settings.PAPER_TRAIN), ("test", settings.PAPER_TEST)):
        rows = films[films["split"] == split]
        assert (len(rows), rows["covid"].sum()) == wanted
    assert set(films.loc[films["split"].isin(("train", "test")), "source"]) == {"cohen", "kermany"}
    trained = dataset.training_films(films, *settings.TRAINING_SPLITS)
    others = films[~films["split"].isin(settings.TRAINING_SPLITS)]
    assert not set(trained["patient"]) & set(others["patient"])
    held_out = dataset.hold_out(trained)
    assert not set(trained[held_out]["patient"]) & set(trained[~held_out]["patient"])


@pytest.mark.films
def test_every_film_of_the_data_folder_is_there(data_folder):
    assert dataset.load(data_folder).missing() == []
