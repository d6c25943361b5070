"""Training runs as tables: beside the paper's, and compared."""

from __future__ import annotations

import pytest

from covid_model import formatting, records
from covid_model.app.text import training as training_text
from covid_model.imaging.preprocessing import Preprocessing
from covid_model.model import registry
from covid_model.training import init_ablation
from tests.support.app_pages import holds

EPOCHS = [
    {"epoch": 1, "loss": 0.5, "accuracy": 0.8, "auc": 0.9},
    {"epoch": 2, "loss": 0.3, "accuracy": 0.9, "auc": 0.95},
]


def spec(**more) -> registry.NetworkSpec:
    head = registry.Head()
    return registry.NetworkSpec(
        "paper", "Paper", "S.", 0.6, Preprocessing(), registry.IMAGENET, head, "paper.npz", "0", 1, **more
    )


def test_table_2_says_what_the_json_says():
    recipe = {"ours": {"learning_rate": 1e-4, "batch": 32, "epochs": 10, "optimizer": "Adam", "jitter": {"flip": 0.5}}}
    training = {"films": 4718, "covid": 330, "seconds": 200.4, "machine": {"processor": "P", "cores": 2}}
    table = training_text.rows(spec(recipe=recipe, training=training))
    here, paper = table[training_text.HERE], table[training_text.PAPER]
    assert here["Learning rate"] == "0.0001" and here["Epochs"] == "10" and here["Batch size"] == "32"
    assert here["Training X-rays"] == "4,718 (330 COVID-19)" == paper["Training X-rays"]
    assert (
        here["Training time"] == "3 min 20 s"
        and here["Processor"] == "P, 2 cores"
        and here["Data augmentation"] == "flip"
    )
    assert "Steps" not in table.index and paper["Optimizer"] == "–"


def test_table_2_of_a_run_in_stages():
    table = training_text.rows(spec(recipe={"steps": 440, "stages_before": [{"steps": 1000}]}))
    assert table[training_text.HERE]["Steps"] == "1,440, in 2 stages: 1,000, then 440"
    assert table[training_text.HERE]["Epochs"] == "counted in steps" and table[training_text.PAPER]["Epochs"] == "10"
    assert training_text.rows(spec(recipe={"steps": 440, "stages_before": [3]}))[training_text.HERE]["Steps"] == "440"


def test_table_2_of_stages_with_common_settings():
    stages = [{"epochs": 1, "steps": 60, "learning_rate": 1e-3}, {"epochs": 5, "steps": 125, "learning_rate": 1e-4}]
    table = training_text.rows(spec(recipe={"stages": stages, "batch": 32, "augment": {"flip": 0.5, "blur": 0.0}}))
    here = table[training_text.HERE]
    assert here["Steps"] == "685, in 2 stages: 60, then 625" and here["Epochs"] == "counted in steps"
    assert here["Learning rate"] == "0.001, then 0.0001" and here["Data augmentation"] == "flip"


def test_settings_tried():
    assert training_text.tried(spec())[0] == [] and training_text.tried(spec(recipe={"candidates": 3}))[0] == []
    item = {"head": {"units": 64}, "learning_rate": 1e-4, "val_loss": 0.2, "chosen": False}
    history, table = training_text.tried(
        spec(recipe={"candidates": [item, item | {"chosen": True, "history": EPOCHS}]})
    )
    assert history == EPOCHS
    assert list(table.columns) == ["units", "learning rate", "val loss", "chosen"] and len(table) == 2


def test_table_2_of_a_bare_json():
    table = training_text.rows(spec())
    assert table[training_text.HERE]["Base"] == "VGG-19, frozen" and "Optimizer" not in table.index


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(4.2, "4.2 s"), (59.6, "1 min"), (60, "1 min"), (3900, "1 h 5 min"), (None, None), (float("nan"), None)],
)
def test_duration(seconds, text):
    assert formatting.duration(seconds) == text


def ended(*accuracies: float) -> records.Comparison:
    runs = {f"run {number}": [{"val_accuracy": value}] for number, value in enumerate(accuracies)}
    return records.Comparison(runs, about={"validation": 200})


def test_which_run_of_a_comparison_ends_highest():
    close = training_text.winner(ended(0.62, 0.70, 0.68))
    assert close.startswith("**run 1**") and holds(close, 1, 70.0, 95, 63.3, 75.9, 2) and "*run 2* is within" in close
    assert "*run 0* and *run 2* are within" in training_text.winner(ended(0.68, 0.70, 0.68))
    clear = training_text.winner(ended(0.50, 0.95))
    assert clear.startswith("**run 1**") and "below" in clear and "run 0" not in clear
    assert training_text.winner(ended(0.9)) is None
    assert training_text.winner(records.Comparison({"a": [{"loss": 1.0}], "b": [{"loss": 2.0}]})) is None


def test_where_the_runs_of_a_comparison_ended(tmp_path):
    runs = {
        "frozen": {"history": EPOCHS},
        "random": {"title": "Random start", "history": EPOCHS, "processor_seconds": 90},
    }
    about = {"films": 960, "covid": 480, "validation": 240, "sources": {"nih": 9}, "preprocessing": {"size": 112}}
    made = records.load_learning_curves(init_ablation.save_runs(runs, about | {"epochs": 2}, tmp_path / "curves.json"))
    table = training_text.ends(made, "accuracy", "Training accuracy")
    assert table.loc["Random start"].tolist() == ["90.0 %", "1 min 30 s"]
    assert table.loc["frozen", "Processor time"] == "–"
    assert "960 X-rays from 1 source, 480 of them COVID-19, 112 × 112 pixels, 2 epochs" in training_text.shared(made)
    assert training_text.shared(records.Comparison(made.runs)) is None
