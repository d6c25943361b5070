import numpy as np
import pandas as pd
import pytest

from covid_model import imaging
from covid_model.training import score_dataset
from tests.support import mock_networks, synthetic_dataset

TABLE = pd.DataFrame(
    {"id": ["a", "b"], "split": ["test", "train"], "source": ["cohen", "nih"], "covid": [1, 0], "view": ["PA", "AP"]}
).set_index("id")


def test_a_networks_rows_are_replaced_and_the_others_stay(tmp_path):
    file = tmp_path / "results" / "scores.csv"
    score_dataset.record("paper", TABLE, np.array([0.25, 0.5]), file)
    score_dataset.record("fine-tuned", TABLE, np.array([0.125, 1.0]), file)
    score_dataset.record("paper", TABLE, np.array([0.75, 0.1234567]), file)
    result = pd.read_csv(file)
    assert list(result.columns) == score_dataset.COLUMNS
    assert result["network"].tolist() == ["fine-tuned", "fine-tuned", "paper", "paper"]
    assert result["score"].tolist() == [0.125, 1.0, 0.75, 0.123457]
    assert result["id"].tolist() == ["a", "b", "a", "b"]


def test_a_networks_earlier_scores_are_replaced_as_a_whole(tmp_path):
    file = tmp_path / "scores.csv"
    score_dataset.record("paper", TABLE, np.array([0.25, 0.5]), file)
    scores = score_dataset.record("paper", TABLE.iloc[1:], np.array([0.75]), file)
    assert scores[["id", "score"]].to_numpy().tolist() == [["b", 0.75]]


def test_outputs_are_computed_once_and_survive_an_interruption(tmp_path, monkeypatch):
    data = synthetic_dataset.save(tmp_path / "data")
    spec = mock_networks.save(tmp_path)
    monkeypatch.setattr(score_dataset, "STORED_EVERY", 2)
    passes = []

    class Counting:
        def outputs(self, many):
            for pixels in many:
                passes.append(pixels.mean())
                if len(passes) == 4:
                    raise KeyboardInterrupt
                yield float(pixels.mean()), np.full(1024, pixels.mean(), np.float32)

    store = score_dataset.OutputStore(spec, data, work=tmp_path)
    store.__dict__["predictor"] = Counting()
    films = list(data.films.index[:6])
    with pytest.raises(KeyboardInterrupt):
        store.get(films)
    logits, pooled = store.get(films[::-1])
    assert len(passes) == 3 + 1 + 4  # two of the first three were stored
    assert logits.tolist() == pytest.approx([imaging.read(data.path(film)).pixels.mean() for film in films[::-1]])
    assert pooled.shape == (6, 1024) and store.get(films)[0].tolist() == logits[::-1].tolist()
    assert len(passes) == 8


def test_an_unknown_ground_truth_stays_empty(tmp_path):
    file = tmp_path / "scores.csv"
    score_dataset.record("paper", TABLE.assign(covid=[1.0, np.nan]), np.array([0.25, 0.75]), file)
    assert file.read_text().splitlines()[1:] == ["a,test,cohen,1,paper,0.250000", "b,train,nih,,paper,0.750000"]


@pytest.mark.parametrize("wrong", [[0.5], [0.5, np.nan], [0.5, 1.1]])
def test_invalid_scores_are_not_recorded(tmp_path, wrong):
    with pytest.raises(ValueError, match="Received"):
        score_dataset.record("paper", TABLE, np.array(wrong), tmp_path / "scores.csv")
    assert not (tmp_path / "scores.csv").exists()
