import pandas as pd
import pytest

from covid_model import config
from covid_model.data import dataset
from covid_model.data.dataset import DataError

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
    monkeypatch.setenv(config.DATA_VARIABLE, str(write(tmp_path, [{}])))
    assert dataset.load().folder == tmp_path
    monkeypatch.delenv(config.DATA_VARIABLE)
    with pytest.raises(DataError, match=config.DATA_VARIABLE):
        dataset.load()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"split": "validation"}], "validation"),
        ([{"covid": 2}], "covid must be 0, 1 or empty"),
        ([{}, {"covid": None, "split": "test"}], "only extra and graded may contain X-rays without covid"),
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


def unlabeled_films():
    """Those of `made_up_films`, all of `extra`; patient 3, with one film, and 5's first film have no label."""
    films = made_up_films().assign(split="extra")
    films["covid"] = films["covid"].astype(float)
    films.loc[["3-0", "5-0"], "covid"] = None
    return films


def test_films_without_a_label_are_read_and_kept_apart(tmp_path):
    rows = [{"covid": 1}, {"split": "extra", "covid": None}, {"split": "graded", "covid": None}, {"split": "extra"}]
    data = dataset.load(write(tmp_path, rows))
    assert data.films["covid"].isna().tolist() == [False, True, True, False]
    assert dataset.labeled(data.films)["covid"].tolist() == [1, 0]
    assert dataset.labeled(data.films)["covid"].dtype == data.split("train")["covid"].dtype == int
    assert list(data.split("graded").index) == ["film-2"] and data.split("extra")["covid"].isna().sum() == 1
    assert dataset.group_names(data.films).tolist() == ["cohen 1", "cohen", "cohen", "cohen 0"]


def test_unlabeled_films_may_be_trained_on_but_teach_no_covid():
    films = unlabeled_films()
    assert {"3-0", "5-0"} <= set(dataset.training_films(films, "extra").index)
    taught = dataset.labeled_training_films(films, "extra")
    assert len(taught) == len(films) - 2 and taught["covid"].dtype == int
    assert not {"3-0", "5-0"} & set(taught.index)


def test_a_patients_films_stay_together_with_or_without_labels():
    films = unlabeled_films()
    held_out = dataset.validation_films(films, "extra")
    assert held_out.index.equals(dataset.labeled_training_films(films, "extra").index)
    assert held_out.equals(dataset.hold_out(films)[held_out.index])


def scores_file(folder):
    rows = [
        ("film-0", "train", "nih", 0, "paper", 0.5),  # listed otherwise by now
        ("gone", "test", "cohen", 1, "paper", 0.75),
        ("film-1", "graded", "cohen", None, "paper", 0.25),
        ("film-0", "train", "nih", 0, "fine-tuned", 0.125),
    ]
    pd.DataFrame(rows, columns=list(dataset.SCORE_COLUMNS)).to_csv(folder / "scores.csv", index=False)
    return folder / "scores.csv"


def test_scores_go_by_a_films_id_and_the_list_says_the_rest(tmp_path):
    films = dataset.load(write(tmp_path, [{"split": "test", "covid": 1}, {"split": "graded", "covid": None}, {}])).films
    result = dataset.read_scores(scores_file(tmp_path), films)
    assert result["id"].tolist() == ["film-0", "film-1", "film-0"]  # "gone" is gone, film-2 has no score yet
    assert (
        result.loc[result["id"] == "film-0", ["split", "source", "covid"]].to_numpy().tolist()
        == [["test", "cohen", 1]] * 2
    )
    assert dataset.labeled(result)["score"].tolist() == [0.5, 0.125]
    assert tuple(result.columns) == dataset.SCORE_COLUMNS


def test_scores_without_a_list_are_taken_as_they_are(tmp_path):
    assert dataset.read_scores(scores_file(tmp_path))["source"].tolist() == ["nih", "cohen", "cohen", "nih"]
    (tmp_path / "none.csv").write_text("id,score\na,0.5\n")
    with pytest.raises(ValueError, match="lacks the columns split, source, covid, network"):
        dataset.read_scores(tmp_path / "none.csv")


def test_weights_file(tmp_path, monkeypatch):
    monkeypatch.delenv(config.VGG19_VARIABLE, raising=False)
    assert dataset.weights_file() == config.VGG19_DOWNLOAD
    monkeypatch.setenv(config.VGG19_VARIABLE, str(tmp_path / "none.h5"))
    with pytest.raises(DataError, match=r"none\.h5"):
        dataset.weights_file()


COUNTS = {  # of the committed list: COVID-19 films, others, films without a label
    "train": (330, 4388, 0),
    "test": (73, 1079, 0),
    "extra": (2774, 3872, 881),
    "extra-test": (912, 1405, 0),
    "graded": (0, 0, 291),
    "external": (58, 23, 0),
}
SOURCES = {
    "train": {"cohen", "kermany"},
    "test": {"cohen", "kermany"},
    "extra": {"nih", "radiography", "siim"},
    "extra-test": {"nih", "radiography", "siim"},
    "graded": {"siim"},
    "external": {"figure1", "actualmed"},
}


@pytest.fixture(scope="module")
def committed():
    return dataset.committed()


def test_the_committed_list_has_the_counts_that_readme_promises(committed):
    for split, (covid, other, unlabeled) in COUNTS.items():
        truth = committed.loc[committed["split"] == split, "covid"]
        assert (truth.eq(1).sum(), truth.eq(0).sum(), truth.isna().sum()) == (covid, other, unlabeled), split
        assert set(committed.loc[committed["split"] == split, "source"]) == SOURCES[split]
    assert len(committed) == sum(map(sum, COUNTS.values())) == 16086
    for split, (films, covid) in (("train", config.PAPER_TRAIN), ("test", config.PAPER_TEST)):
        assert (sum(COUNTS[split]), COUNTS[split][0]) == (films, covid)
    test = committed[committed["split"] == "test"]
    assert (test["covid"].eq(0) & test["source"].ne(config.CHILDREN)).sum() == 16
    assert committed["lung_mask"].sum() == 437 and set(committed.loc[committed["lung_mask"] == 1, "source"]) == {
        "cohen"
    }


def test_no_patient_of_the_committed_list_is_in_two_splits(committed):
    sides = [
        committed["split"].isin(config.TRAINING_SPLITS),
        committed["split"].isin(("test", "extra-test", "graded", "external")),
    ]
    assert (sides[0] | sides[1]).all()
    first, second = (set(committed.loc[side, "patient"]) for side in sides)
    assert not first & second
    assert len(dataset.training_films(committed, *config.TRAINING_SPLITS)) == sides[0].sum()  # so none is left out


def test_a_panel_read_what_the_committed_list_says(committed):
    known = committed["panel"].dropna()
    assert len(known) == 424 and set(committed.loc[known.index, "source"]) == {"radiography"}
    assert known.value_counts()["negative"] == 85
    read = committed[committed["source"] == "siim"]
    truths = read.groupby("finding")["covid"].agg(lambda films: set(films.dropna()))
    assert truths.to_dict() == {
        "Atypical appearance": set(),
        "COVID-19 pneumonia, typical appearance": {1.0},
        "Indeterminate appearance": set(),
        "Negative for pneumonia": {0.0},
    }


def test_validation_cuts_whole_patients_labeled_and_not(committed):
    table = dataset.labeled_training_films(committed, *config.TRAINING_SPLITS)
    held_out = dataset.validation_films(committed, *config.TRAINING_SPLITS)
    assert held_out.index.equals(table.index) and set(table["covid"]) == {0, 1}
    assert not set(table[held_out]["patient"]) & set(table[~held_out]["patient"])
    shares = held_out.groupby(dataset.group_names(table)).mean()
    assert shares.between(0.08, 0.17).all()  # one in eight of every source and truth, as near as whole patients allow


@pytest.mark.films
def test_nothing_of_what_was_dropped_is_left(data_folder, committed):
    dropped = pd.read_csv(data_folder / "dropped.csv", dtype=str)
    assert len(dropped) == 117
    assert not committed.index.isin(dropped["id"]).any()
    left = set(zip(committed["source"], committed["original_file"], strict=True))
    assert not left & set(zip(dropped["source"], dropped["original_file"], strict=True))


@pytest.mark.films
def test_every_film_of_the_data_folder_is_there(data_folder):
    assert dataset.load(data_folder).missing() == []
