"""The model card: text without figures, recipes in words, estimated energy, cards from the records that exist."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import pytest

from covid_model import cli, config
from covid_model.data import dataset
from covid_model.imaging.preprocessing import Preprocessing
from covid_model.model import registry
from covid_model.reports import model_card
from covid_model.reports.model_card import build, figures, recipe, sentences
from covid_model.training.frozen_head import AUGMENT
from covid_model.training.trainer import RECIPE
from tests.support.app_pages import data_folder, write_scores

FIELDS = (  # of Mitchell et al. 2019, section 4
    "Model details",
    "Intended use",
    "Factors",
    "Metrics",
    "Evaluation data",
    "Training data",
    "Quantitative analyses",
    "Ethical considerations",
    "Caveats and recommendations",
)
NAMES_WITH_DIGITS = re.compile(
    r"COVID-19|VGG-19|vgg19\.py|Figure \d|ChestX-ray8|between 0 and 1|\b20\d\d\b|10\.\d{4}/[\w./]+"
)


def spec(**more) -> registry.NetworkSpec:
    fields = {
        "name": "paper", "title": "The *recipe*", "summary": "Frozen <b>base</b>.", "threshold": 0.6,
        "preprocessing": Preprocessing(border=0.08, equalize=True), "base": registry.IMAGENET, "head":
        registry.Head(),
        "weights": "paper.npz", "sha256": "0123456789abcdef", "parameters": 1234567,
    }  # fmt: skip
    return registry.NetworkSpec(**fields | more)


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores and list of films of tests.support.app_pages."""
    folder = tmp_path_factory.mktemp("card")
    write_scores(folder / "scores.csv")
    films = pd.read_csv(data_folder(folder / "data") / "manifest.csv").set_index("id")
    films = films.assign(view=["PA"] * 3 + ["AP"] * 5, sex=["F", "M", None] + [None] * 5)
    return dataset.labeled(dataset.read_scores(folder / "scores.csv", films)), films


@pytest.fixture(scope="module")
def committed() -> dict[str, model_card.Card]:
    """The cards of the networks in assets/, made once."""
    return {name: model_card.read(name) for name in registry.names()}


def section(card: model_card.Card, title: str) -> str:
    """A section as Markdown."""
    item = next(item for item in card.sections if item.title == title)
    return model_card.markdown(model_card.Card("", "", "", (item,)))


def cells(table: model_card.Table) -> dict[str, tuple[str, ...]]:
    return {first: rest for first, *rest in table.rows}


# --- The prose --------------------------------------------------------------------------------------


def strings(prose: object) -> list[str]:
    if isinstance(prose, str):
        return [prose]
    parts = prose.values() if isinstance(prose, dict) else prose if isinstance(prose, list) else ()
    return [item for part in parts for item in strings(part)]


def test_no_figure_is_typed_into_the_prose():
    for line in strings(sentences.load()):
        assert not re.search(r"\d", NAMES_WITH_DIGITS.sub("", re.sub(r"\{\w+\}", "", line))), line


def test_card_and_readme_say_the_same_of_what_was_looked_at():
    card = " ".join(strings(sentences.load()["caveats"]))
    readme = " ".join((config.ROOT / "README.md").read_text(encoding="utf-8").split())
    for text in (card, readme):
        assert "scored on Actualmed some forty times in all, some thirty of them in planning" in text
        assert "came from planning runs that looked at" in text and "simulated X-rays" in text
        assert "No training decision" not in text
    assert "above all on Actualmed, Figure 1 and the simulated X-rays, may be optimistic" in card


def test_prose_knows_every_network_and_each_item_once():
    result = sentences.load()
    assert set(result["networks"]) == set(registry.names())
    items = [item["item"] for item in result["claim"]]
    assert items == sorted(set(items)) and items[0] >= 1 and items[-1] <= 42


@pytest.mark.parametrize("content", [None, "{", "[]", '{"sources": []}'])
def test_missing_or_damaged_prose_is_named(tmp_path, content):
    if content is not None:
        (tmp_path / sentences.PROSE).write_text(content)
    with pytest.raises(model_card.CardError, match=r"card\.json .*Restore it from git"):
        sentences.load(tmp_path)


def test_a_name_that_nobody_knows_is_refused():
    assert sentences.fill({"a": ["{x} of {y}"]}, {"x": "1", "y": "2"}) == {"a": ["1 of 2"]}
    with pytest.raises(model_card.CardError, match="unknown "):
        sentences.fill("{z}", {})


def test_training_leaves_the_prose_alone(tmp_path):
    (tmp_path / sentences.PROSE).write_text("kept")
    spec().save(tmp_path)
    assert (tmp_path / sentences.PROSE).read_text() == "kept"


# --- The recipe -------------------------------------------------------------------------------------


def test_every_setting_of_our_recipes_has_words():
    known = set(recipe.SETTINGS) | set(recipe.SHOWN_ABOVE)
    assert set(vars(RECIPE)) - {recipe.STAGES} <= known
    assert all(set(vars(stage)) <= known for stage in RECIPE.stages)
    assert set(vars(RECIPE.augment)) == set(vars(AUGMENT)) == set(recipe.AUGMENTATION)
    for name in registry.names():
        result = registry.spec(name)
        assert set(result.recipe.get("ours", result.recipe)) - {recipe.STAGES} <= known
        assert set(result.training) <= set(recipe.TRAINING)


def test_a_recipe_in_stages_has_a_value_for_each():
    settings = json.loads(json.dumps(asdict(RECIPE))) | {"optimizer": "AdamW", "logit_shift": 0.25}
    table = recipe.recipe(spec(recipe=settings))
    assert table.title.endswith("in 3 stages")
    rows = cells(table)
    for key in ("size", "frozen_blocks", "steps", "epochs"):
        values = [getattr(stage, key) for stage in RECIPE.stages]
        assert rows[recipe.SETTINGS[key]] == [", ".join(f"{value:,}" if value else "none" for value in values)]
    assert rows[recipe.SETTINGS["logit_shift"]] == ["0.25"] and rows[recipe.SETTINGS["batch"]] == ["32"]
    assert rows[recipe.SETTINGS["augment"]][0].count("rotated") == 1  # the same in all stages, so told once
    text = rows[recipe.SETTINGS["shares"]][0]
    assert "SIIM-FISABIO-RSNA challenge: COVID-19 25 %, non-COVID 25 %, unlabeled 6 %; " in text


def test_a_last_stage_that_did_not_help_is_told():
    rows = [(1, 0.7, 0.8), (2, 0.8, 0.9), (2, 0.856, 0.924), (3, 0.84, 0.925)]
    history = [{"stage": stage, "within": within, "auc siim": siim} for stage, within, siim in rows]
    text = recipe.last_stage(spec(history=history))
    assert "from 0.856 to 0.840" in text and "from 0.924 to 0.925" in text and "kept as trained" in text
    alike = recipe.last_stage(spec(history=[*history[:3], history[3] | {"auc siim": 0.9241}]))
    assert "left that of SIIM-FISABIO-RSNA challenge at 0.924;" in alike
    assert recipe.last_stage(spec(history=history[:3])) == "" == recipe.last_stage(spec())
    assert text in section(build(spec(history=history), None, None), "Model details")


def test_jitter_in_words():
    table = recipe.recipe(spec(recipe={"jitter": {"rotation": 5.0, "blur": 0.0, "jpeg": None, "each": 0.5}}))
    assert cells(table)["Data augmentation"] == ["rotated by up to 5°"]  # `each` is of parts that are off
    table = recipe.recipe(spec(recipe={"jitter": {"noise": 10.0, "each": 0.5, "new_part": 2}}))
    text = cells(table)["Data augmentation"][0]
    assert text.startswith("noise of up to 10 gray levels, each of blur") and text.endswith("New part 2")


def test_what_has_no_words_yet_is_shown_without_underscores():
    table = recipe.recipe(spec(recipe={"new_setting": [1, True, {"a_b": 0.5}]}))
    assert cells(table) == {"New setting": ["1, yes, a b 0.5"]}
    assert recipe.recipe(spec()) is None


def test_the_network_in_words():
    rows = cells(recipe.network(spec(training={"films": 4718, "seed": 2021, "seconds": 200, "machine": {"cores": 2}})))
    assert rows["Preprocessing"] == ["224 × 224 pixels, 8 % cropped from each side, histogram-equalized"]
    assert rows["X-rays trained on"] == ["4,718"] and rows["Random seed of this run"] == ["2021"]
    assert "Training time" not in rows and rows["Machine"] == ["2 cores"]  # it is in the section on time and energy
    rows = cells(recipe.network(spec(recipe={"seed": 2021}, training={"seed": 2021, "seconds": 200})))
    assert "Random seed of this run" not in rows and rows["Training time"] == ["3 min 20 s"]  # which needs the cores
    assert "in the head alone" in rows["Parameters"][0]


# --- Time and energy --------------------------------------------------------------------------------


def test_energy_by_hand():
    trained = spec(training={"seconds": 3600, "machine": {"cores": 2}})
    (result,) = recipe.spent(trained)
    assert result.kilowatt_hours == pytest.approx(2 * recipe.WATTS_A_CORE / 1000)
    whole = spec(training={"seconds": 10, "recipe_seconds": 600, "machine": {"cores": 2}})
    assert [item.seconds for item in recipe.spent(whole)] == [600]  # the whole recipe holds its last run


@pytest.mark.parametrize("training", [{}, {"seconds": 10}, {"seconds": 10, "machine": {}}, {"machine": {"cores": 2}}])
def test_no_energy_of_what_was_not_recorded(training):
    assert recipe.spent(spec(training=training)) == []


def test_the_card_says_that_energy_is_an_estimate():
    card = build(spec(training={"seconds": 3600, "machine": {"cores": 2}}), None, None)
    text = section(card, "Time and energy")
    assert "| Training | 1 h | 2 | about 0.024 kWh |" in text
    assert (
        "is an estimate, not a measurement: time × cores × 12 W per core" in text and "10.1002/advs.202100707" in text
    )
    assert "Not recorded." in section(build(spec(), None, None), "Time and energy")


# --- The figures ------------------------------------------------------------------------------------


def test_figures_are_those_of_the_scores(tables):
    scores, films = tables
    card = build(spec(), scores, films)
    text = section(card, "Quantitative analyses")
    assert "| Accuracy: X-rays classified correctly | 60.0 % (20.0–100.0 %) | 60.0 % |" in text
    assert re.search(r"\| Test: COVID-19 Image Data Collection \| 3 \(2\) \| 50\.0 %.*\| 0\.0 % ", text)
    assert re.search(r"\| Adults-only set \| |\| Adults-only set: NIH ChestX-ray8 \| 1 \(0\) \| – \| 0\.0 %", text)
    assert "calls 1 of 1 adults without COVID-19 in Test positive" in section(card, "Caveats and recommendations")
    again = build(spec(), scores.assign(score=0.0), films)
    assert "calls 0 of 1 adults" in section(again, "Caveats and recommendations")


def test_groups_are_of_unseen_adults(tables):
    scores, films = tables
    table = figures.with_patients(scores[scores["network"] == "paper"], films)
    rows = cells(figures.groups(table, 0.6))
    assert rows["Adults"][0] == "4 (2)" and rows["Children"][0] == "2 (0)"
    assert rows["Adults, PA"][1].startswith("50.0 % (") and rows["Adults, AP"][0] == "1 (0)"
    assert rows["Women"][0] == "1 (1)" and rows["Women"][2] == "–"
    assert "Adults, AP Supine" not in rows  # there is none


def test_counts(tables):
    _, films = tables
    table = figures.counts(films, ("train", "test", "graded"))
    assert table.columns == ("Source", "Training", "Test", "Graded readings")
    assert table.rows[-1] == ("All sources", "1 (1)", "5 (2)", "1")  # whose truth nobody knows
    assert cells(table)["Kermany et al. (children)"] == ["", "2 (0)", ""]


def test_calibration_is_the_record_s():
    part = {"before": {"brier": 0.2}, "after": {"brier": 0.15}, "helps": False}
    record = {"temperature": 2.0, "fitted_on": {"films": 1421}, "splits": {"test": part, "adults": part}}
    text = figures.calibration(record)
    assert "0.200 (Test), 0.200 (all adult X-rays not trained on)" in text and text.endswith("improves none of these.")
    assert "T = 2.00, fitted on all 1,421 validation X-rays, children's included" in text
    record["splits"]["test"] = part | {"helps": True}
    assert figures.calibration(record).endswith("improves that of Test.") and figures.calibration(None) == ""


def test_the_operating_point_is_counted_by_source():
    rows = [("train", "cohen", 0, 0.7), ("train", "cohen", 1, 0.9), ("train", "kermany", 0, 0.9)]
    rows += [("extra", "nih", 0, 0.6), ("extra", "nih", 0, 0.1), ("test", "cohen", 0, 0.9)]
    table = pd.DataFrame(rows, columns=["split", "source", "covid", "score"])
    assert figures.operating_point(table, 0.6) == "1 of 3 (Image Data Collection 1 of 1, NIH ChestX-ray8 0 of 2)"
    assert figures.operating_point(table[5:], 0.6) == "" == figures.operating_point(None, 0.6)


def test_films_that_the_panel_disputes_are_counted(committed):
    rows = [("extra", 1, "negative"), ("extra", 1, "typical"), ("extra", 0, "negative"), ("extra-test", 1, "negative")]
    films = pd.DataFrame([*rows, rows[3], ("test", 1, None)], columns=["split", "covid", "panel"])
    assert figures.disputed(films) == (1, 2)
    assert figures.disputed(None) == figures.disputed(films.drop(columns="panel")) == (None, None)
    trained, reported = figures.disputed(dataset.committed())
    text = section(committed["fine-tuned"], "Training data")
    assert f": {trained} in the training splits" in text and f"{reported} in the reported ones" in text


# --- The card ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", registry.names())
def test_the_committed_cards_have_every_field(name, committed):
    card = committed[name]
    titles = [item.title for item in card.sections]
    assert all(field in titles for field in FIELDS) and {"CLAIM", "Time and energy"} <= set(titles)
    assert all(item.parts for item in card.sections)
    whole = model_card.markdown(card)
    assert not re.search(r"\{\w+\}|\bNone\b|\bnan\b", whole)
    scores = dataset.read_scores(config.SCORES_CSV, dataset.committed())
    test = scores.query("split == 'test' and network == @name")
    right = ((test["score"] > 0.6) == (test["covid"] == 1)).mean()
    assert f"| Accuracy: X-rays classified correctly | {100 * right:.1f} % (" in whole


def test_the_cards_are_short(committed):
    assert all(len(model_card.markdown(card).split()) < 3600 for card in committed.values())
    for item in sentences.load()["claim"]:  # each adds something: none only points to another section
        assert not re.match(r"See \*", item["says"]), item


def test_a_card_without_tables_says_so():
    card = build(spec(), None, None)
    assert "has no scores of this network" in section(card, "Quantitative analyses")
    assert "has no list of X-rays" in section(card, "Training data")
    assert "an unknown number of the adults" in section(card, "Caveats and recommendations").lower()


def test_foreign_text_is_no_markup():
    whole = model_card.markdown(build(spec(training={"note": "a | b\n# c `d` <i>"}), None, None))
    assert "# Model card: The \\*recipe\\*" in whole and "\\<b\\>base\\</b\\>" in whole
    assert "| Note | a \\| b \\# c \\`d\\` \\<i\\> |" in whole


def test_tables_have_as_many_cells_as_columns(tables, committed):
    for card in (build(spec(recipe={"steps": 3}), *tables), *committed.values()):
        for item in card.sections:
            for part in item.parts:
                if isinstance(part, model_card.Table):
                    assert {len(row) for row in part.rows} == {len(part.columns)}, part.title
                    assert len(set(part.columns)) == len(part.columns), part.title


def test_command_prints_the_card(capsys, monkeypatch, committed):
    monkeypatch.setattr(model_card, "read", committed.get)
    assert cli.main(["card", "--network", "paper"]) == 0
    assert capsys.readouterr().out == model_card.markdown(committed["paper"])


def test_command_without_prose(capsys, monkeypatch, tmp_path):
    spec().save(tmp_path)
    monkeypatch.setattr(config, "NETWORKS", Path(tmp_path))
    assert cli.main(["card", "--network", "paper"]) == 1
    assert "card.json is missing" in capsys.readouterr().err
