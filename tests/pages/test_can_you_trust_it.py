"""Can you trust it?: screens from the URL, each headline computed, and what is shown without figures.

At 0.6 in the made-up test films (2 COVID-19, 1 adult and 2 children without) paper calls cohen-1 and the adult
positive, fine-tuned cohen-1 alone.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from covid_model import config, formatting, imaging
from covid_model.app import cache, films, networks, session
from covid_model.app.components.common import AGAIN as TRY_AGAIN
from covid_model.app.components.slides import AGAIN
from covid_model.app.pages.trust_screens import (
    accuracy,
    beat_the_model,
    better_data,
    checks,
    dataset,
    deck,
    erasure,
    external,
    more_adults,
    summary,
)
from covid_model.app.text import bias as bias_text
from covid_model.app.text import prediction as prediction_text
from covid_model.app.text import quiz
from covid_model.config import SPLIT_LABELS
from covid_model.imaging import perturb
from covid_model.model import registry
from covid_model.model.predictor import Predictor
from covid_model.model.queue import QueueFullError, QueuePosition
from covid_model.model.registry import NetworkError
from tests.support.app_pages import MockReader, demo, holds, open_page, page_of, text

__all__ = ["demo"]

PATIENCE = 300  # seconds: the first run loads scikit-learn, on a machine that may be busy
PAGE = str(config.ROOT / "covid_model/app/pages/can_you_trust_it.py")
FIGURE, FILMS, ELSEWHERE, LUNGS, ADULTS, DATA, SUMMARY = deck.STORY
FIGURES = {  # in each screen's headline
    FIGURE: (60.0, 60.0),
    FILMS: (66.7, 1, 5),
    ELSEWHERE: (1, 1),
    ADULTS: (1, 0, 1),
    DATA: (100.0, 0.0),
}


@pytest.fixture
def page(demo, monkeypatch):
    """The demo without any record of an experiment; `page[name, experiment] = record` adds one."""
    records = {}
    monkeypatch.setattr(cache, "audit_record", lambda name, experiment: records.get((name, experiment)))
    return records


def scene(**address: str) -> AppTest:
    """The page at an address, without an error."""
    app = AppTest.from_file(PAGE, default_timeout=PATIENCE)
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, app.exception[0].value
    return app


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click().run()
    assert not app.exception, app.exception[0].value
    return app


def headline(app: AppTest) -> str:
    return app.header[0].value.replace("\u00a0", " ").replace("\u2011", "-")


def shows(app: AppTest, name: str) -> bool:
    """Whether a screen is shown, with its figures in the headline; without any, it names what makes them."""
    made = deck.SCREENS[name].point()
    if name in FIGURES:
        right = headline(app) == made.headline and holds(made.headline, *FIGURES[name])
    elif name == SUMMARY:
        right = made.headline in [item.value for item in app.header]
    else:
        right = made is None and f"{AGAIN} lungs" in text(app)
    return right and app.get_by_key("screen").value == name


def pictures(app: AppTest) -> int:
    return len(app.get("plotly_chart"))


# --- the story --------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", deck.STORY)
def test_a_screen_from_the_address(page, name):
    app = scene(screen=name)
    assert shows(app, name)
    assert pictures(app) == (0 if name in (LUNGS, SUMMARY) else 1)
    assert not MockReader.asked


def test_it_opens_with_the_claim_and_is_in_the_navigation(page):
    app = open_page("can_you_trust_it")
    assert page_of(app) == "can_you_trust_it" and shows(app, FIGURE)


def test_back_and_next_and_the_ends(page):
    app = scene()
    assert app.button(key="story_back").disabled and not app.button(key="story_next").disabled
    for name in deck.STORY[1:]:
        assert shows(press(app, "story_next"), name)
    assert app.button(key="story_next").disabled
    assert shows(press(app, "story_back"), DATA)


def test_jump(page):
    app = scene()
    app.get_by_key("screen").set_value(ADULTS).run()
    assert shows(app, ADULTS)


def test_the_story_ends_with_its_headlines_and_with_what_would_help(page):
    app = scene(screen=SUMMARY)
    lines, note = (item.value for item in app.get_by_key("story_short").markdown)
    for screen in (accuracy, dataset, external, more_adults):
        assert formatting.unbroken(prediction_text.plain(screen.point().headline)) in lines
    assert holds(note, config.THRESHOLD)
    end = text(app.get_by_key("story_end"))
    assert all(title in end and why in end for title, why in bias_text.WOULD_HELP.items())
    known = summary.measured()
    assert any(known.values()) and all(sentence in end for sentence in known.values())


def test_a_screen_has_two_numbers_at_most(page):
    page["paper", "lungs"] = lungs_record()
    for name, point in deck.points().items():
        assert len(point.figures) <= 2 and all(0 <= figure.share <= 1 for figure in point.figures), name
    assert list(deck.points()) == deck.STORY


@pytest.mark.long
def test_the_committed_records_give_two_numbers_at_most():
    for name, point in deck.points().items():
        assert len(point.figures) <= 2 and all(0 <= figure.share <= 1 for figure in point.figures), name


def test_invalid_values_in_the_url_change_nothing(page):
    app = scene(screen="9", measure="<b>", who="all", threshold="nan", network="x", checks="perhaps", checked="y")
    assert shows(app, FIGURE) and pictures(app) == 1


@pytest.mark.parametrize("name", [FIGURE, ELSEWHERE, ADULTS])
def test_without_scores_a_screen_says_so(page, demo, name):
    (demo / "scores.csv").unlink()
    app = scene(screen=name)
    assert "python -m covid_model evaluate" in text(app) and not pictures(app)


def test_damaged_scores_are_not_drawn(page, demo):
    table = pd.read_csv(demo / "scores.csv")
    table.loc[0, "score"] = 1.5
    table.to_csv(demo / "scores.csv", index=False)
    assert not pictures(scene(screen=ADULTS))


def test_without_the_list_of_films(page, demo):
    (demo / "data" / "manifest.csv").unlink()
    app = scene(screen=FILMS)
    assert dataset.point() is None and headline(app) and not pictures(app)
    assert shows(scene(screen=ELSEWHERE), ELSEWHERE)  # each film counts as its own patient
    assert shows(scene(screen=LUNGS), LUNGS)


# --- 1. The figure ----------------------------------------------------------------------------------
def rivals_record(source: float) -> dict:
    def measured(value: float) -> dict:
        share = {"value": value, "low": value, "high": value, "count": int(100 * value), "total": 100}
        return dict.fromkeys(("accuracy", "sensitivity", "specificity", "adults_positive"), share)

    values = {"always no": 0.9, "thumbnail": 0.96, "source": source, "network": 0.98}
    return {
        "threshold": 0.6,
        "figures": [
            {"split": split, "rival": name, "at_0.6": measured(value), "auc": {"value": value}}
            for split in ("test", "external")
            for name, value in values.items()
        ],
    }


def test_baselines_are_shown_beside_the_accuracy(page):
    page["paper", "rivals"] = rivals_record(0.99)
    app = scene()
    assert headline(app) == accuracy.point().headline and holds(headline(app), 98.0, 99.0)
    assert list(accuracy.figures()) == ["network", "source", "thumbnail", "always no"]
    assert f"{AGAIN} rivals" not in text(app)


def test_missing_baselines_are_named(page):
    assert f"{AGAIN} rivals" in text(scene())


@pytest.mark.parametrize(
    ("measure", "remark", "figures"),
    [
        ("accuracy", bias_text.above_baseline(0.6), (5, 0.6)),
        ("sensitivity", accuracy.READ["sensitivity"], (2, 0.6)),
        ("adults_positive", accuracy.READ["adults_positive"], (1, 0.6)),
        ("auc", accuracy.READ["auc"], (5, 2)),
    ],
)
def test_every_measure_is_drawn_and_says_what_it_counts(page, measure, remark, figures):
    app = scene(measure=accuracy.MEASURES[measure][0])
    assert pictures(app) == 1
    counted = accuracy.counted(measure, accuracy.figures()["network"])
    assert remark in text(app) and counted in text(app) and holds(counted, *figures)


# --- 2. The films -----------------------------------------------------------------------------------
def test_other_films_by_the_address(page):
    app = scene(screen=FILMS, who=SPLIT_LABELS["extra-test"][0])
    assert headline(app) == dataset.point("extra-test").headline and pictures(app) == 1
    assert headline(app) != dataset.point("test").headline
    assert not pictures(scene(screen=FILMS, who=SPLIT_LABELS["external"][0]))  # none of these


# --- 3. Elsewhere -----------------------------------------------------------------------------------
def test_the_threshold_moves_the_headline(page):
    app = scene(screen=ELSEWHERE, threshold="0.96")
    assert headline(app) == external.point(0.96).headline and holds(headline(app), 0, 1, 1, 2)
    app.slider(key="threshold").set_value(0.6).run()
    assert shows(app, ELSEWHERE)
    areas = bias_text.auc_by_group(cache.areas("paper"))
    assert areas in text(app) and holds(areas, 0.833, 0.5)


# --- 4. Lungs erased --------------------------------------------------------------------------------
def lungs_record() -> dict:
    share = {"value": 0.5, "count": 1, "total": 2}
    ways = [(variant, fill) for variant in perturb.ERASURES for fill in perturb.FILLS]
    return {
        "films": 3,
        "threshold": 0.6,
        "whole": {"covid_positive": share},
        "erased": [
            {"variant": variant, "fill": fill, "covid_positive": share, "covid_stays_positive": share}
            for variant, fill in ways
        ],
        "films_scores": {"covid": [1, 1, 0], "whole": [0.9, 0.1, 0.3]}
        | {f"{variant} / {fill}": [0.7, 0.2, 0.4] for variant, fill in ways},
    }


def test_all_films_with_masks(page):
    page["paper", "lungs"] = lungs_record()
    app = scene(screen=LUNGS)
    assert headline(app) == erasure.point().headline and holds(headline(app), 1, 2)
    assert pictures(app) == 1 and holds(text(app.get_by_key("details")), 3)
    app = scene(screen=LUNGS, erase=erasure.WAYS["only"])
    assert headline(app) == erasure.point("only").headline != erasure.point().headline


def test_one_film_is_scored_when_it_is_asked_for(page):
    app = scene(screen=LUNGS, film="clear-average")
    assert app.get_by_key("erase_film").value == "clear-average"
    assert [item.value for item in app.metric] == ["–", "–"] and not MockReader.asked
    app = press(app, "erase_score")
    assert MockReader.asked == ["paper", "paper"]
    assert all(0 < float(item.value) <= 1 for item in app.metric)
    before, after = (float(item.value) for item in app.metric)
    assert erasure.score_change(before, after, erasure.WAYS["erased"]) in text(app)  # it is simulated: no verdict
    app.run()
    assert len(MockReader.asked) == 2  # kept


def test_recorded_scores_are_shown_at_once(page):
    page["paper", "lungs"] = lungs_record()
    page["paper", "lungs"]["films_scores"]["id"] = ["a", "clear-average", "b"]
    app = scene(screen=LUNGS, film="clear-average")
    assert [float(item.value) for item in app.metric] == [0.1, 0.2] and not MockReader.asked
    assert erasure.score_change(0.1, 0.2, erasure.WAYS["erased"]) in text(app)
    app = scene(screen=LUNGS, film="effusion-left")  # not in the record
    assert [item.value for item in app.metric] == ["–", "–"]


def test_the_first_film_is_one_of_those_that_the_headline_counts(page):
    page["paper", "lungs"] = lungs_record()
    scores = page["paper", "lungs"]["films_scores"]
    scores |= {"id": ["clear-slim", "clear-average", "clear-broad"], "whole": [0.9, 0.9, 0.9]}
    scores[f"erased / {erasure.FILL}"] = [0.1, 0.7, 0.8]
    assert scene(screen=LUNGS).get_by_key("erase_film").value == "clear-average"
    scores[f"erased / {erasure.FILL}"] = [0.1, 0.1, 0.1]
    assert scene(screen=LUNGS).get_by_key("erase_film").value == next(iter(erasure.choices()))


def test_another_film_and_another_way(page):
    app = scene(screen=LUNGS)
    first = app.get_by_key("erase_film").value
    assert cache.samples()[first].covid == 1
    app.get_by_key("erase_film").set_value("effusion-left").run()
    assert not app.exception and app.query_params["film"] == "effusion-left"
    whole, erased = (item.label for item in app.metric)
    app.get_by_key("erase").set_value("only").run()
    assert not app.exception and [item.label == whole for item in app.metric] == [True, False]
    assert app.metric[1].label != erased


def test_a_film_without_a_mask_is_replaced(page):
    app = scene(screen=LUNGS, film="kermany-1")
    assert app.get_by_key("erase_film").value in cache.samples()


def test_a_network_that_is_missing(page, monkeypatch):
    monkeypatch.setattr(MockReader, "failure", NetworkError("weights?"))
    app = press(scene(screen=LUNGS), "erase_score")
    assert "weights" in app.error[0].value
    assert [item.value for item in app.metric] == ["–", "–"]
    app = press(app, "use-fine-tuned")
    assert app.get_by_key(erasure.SCORER).value == "fine-tuned"


def test_a_full_queue_offers_another_try(page, monkeypatch):
    def full(*_):
        raise QueueFullError(QueuePosition(3, None))

    monkeypatch.setattr(session, "prediction", full)
    app = press(scene(screen=LUNGS), "erase_score")
    assert app.warning and app.button(key=TRY_AGAIN)


@pytest.mark.parametrize("novel", [True, False])
def test_an_erased_film_that_the_gate_flags(page, monkeypatch, novel):
    readings = iter([SimpleNamespace(score=0.9, out_of_distribution=False)])
    erased = SimpleNamespace(score=0.8, out_of_distribution=novel)
    monkeypatch.setattr(session, "prediction", lambda *_: next(readings, erased))
    real = replace(films.from_sample(cache.samples()["clear-average"]), simulated=False)
    monkeypatch.setattr(films, "from_sample", lambda _: real)
    message = text(press(scene(screen=LUNGS), "erase_score"))
    assert erasure.verdict(True, True, erasure.WAYS["erased"]) in message
    assert (erasure.FLAGGED in message) == novel


def test_the_film_that_is_read_is_the_erased_one(page, monkeypatch):
    monkeypatch.setattr(
        session, "film", lambda source: imaging.decode(source.data())
    )  # what is kept for a session has no place outside one
    both = erasure.pair("clear-average", "erased")
    np.testing.assert_array_equal(imaging.decode(both.erased_source.data()).pixels, both.erased)
    np.testing.assert_array_equal(imaging.decode(both.source.data()).pixels, both.film)
    changed = both.erased != both.film
    assert 0.3 < changed.mean() < 0.7 and len(np.unique(both.erased[changed])) == 1  # one gray, in the lungs


@pytest.mark.films
def test_a_test_film_and_its_mask(monkeypatch, data_folder):
    monkeypatch.setattr(networks, "predictor", MockReader)
    monkeypatch.setattr(MockReader, "asked", [])
    app = press(scene(screen=LUNGS), "erase_score")
    assert app.get_by_key("erase_film").value.startswith("cohen-") and len(MockReader.asked) == 2


@pytest.mark.films
@pytest.mark.vgg19
def test_committed_scores_of_erased_films_are_reproduced(monkeypatch, data_folder, vgg19_file):
    """The page erases as the record's experiment did, and the network answers as it did."""
    record = cache.audit_record("paper", "lungs")
    if record is None:
        pytest.skip("no record of the paper's network on erased films")
    monkeypatch.setattr(session, "film", lambda source: imaging.decode(source.data()))
    kept, listed = record["films_scores"], cache.films_table().index  # some films have left the data since
    sample = [at for at in range(record["films"]) if kept["id"][at] in listed][::4]
    assert len(sample) >= 10
    pairs = [erasure.pair(kept["id"][at], "erased") for at in sample]
    result = list(Predictor("paper").scores([item.erased for item in pairs]))
    assert result == pytest.approx([kept[f"erased / {erasure.FILL}"][at] for at in sample], abs=0.005)


# --- 5. Adults added --------------------------------------------------------------------------------
def test_the_trap_is_opened_and_closed(page):
    app = scene(screen=ADULTS)
    assert app.get_by_key("network").value == "fine-tuned"
    lists = bias_text.changes_by_verdict(cache.changes("paper", "fine-tuned", config.THRESHOLD))
    assert any(lists.values())
    for kind, title in more_adults.LISTS.items():
        assert (f"**{title}:** {lists[kind]}." in text(app)) == bool(lists[kind])
    app.get_by_key("network").set_value("paper").run()
    assert not app.exception and shows(app, ADULTS)


def test_one_network_alone_cannot_be_compared(page, demo):
    table = pd.read_csv(demo / "scores.csv")
    table[table["network"] == "paper"].to_csv(demo / "scores.csv", index=False)
    assert not pictures(scene(screen=ADULTS)) and pictures(scene(screen=ELSEWHERE)) == 1


# --- 6. Better data ---------------------------------------------------------------------------------
def test_what_differs_and_what_it_costs_stand_beside_the_gain(page):
    app = scene(screen=DATA)
    assert "*Fine-tuned* is another recipe" in text(app)
    assert bias_text.not_external(["*Fine-tuned*"]) in text(app)


@pytest.mark.long
def test_the_committed_scores_give_gain_and_price_of_better_data():
    rates = {name: group.sensitivity for name, group in better_data.adults().items()}
    headline = better_data.point().headline
    assert all(formatting.percent(rates[name].value) in headline for name in ("paper", "frozen"))
    (change,) = (
        change
        for change in cache.changes("paper", "frozen", config.THRESHOLD, "external")
        if (change.group, change.measure) == ("actualmed", "auc")
    )
    app = scene(screen=DATA)
    assert "Its head differs too" in text(app)
    assert holds(text(app), round(change.before.value, 3), round(change.after.value, 3))
    verb = "falls" if change.after.value < change.before.value else "rises"
    assert verb in dict(better_data.alarm_views())[better_data.ALARMS].remark


def probe_record() -> dict:
    own = {"source": 0.5, "class": 0.8, "source_chance": 0.25, "class_chance": 0.5}
    return {"own": own, "frozen": own | {"source": 0.9, "class": 0.7}}


def test_features_are_compared_before_and_after_training(page):
    page["paper", "probe"] = page["fine-tuned", "probe"] = probe_record()
    view = dict(better_data.record_views())[better_data.PROBE]
    assert [row.estimate.value for row in view.rows] == [0.9, 0.5, 0.7, 0.8]  # frozen features once
    app = scene(screen=DATA, change=better_data.PROBE)
    assert view.remark in text(app) and pictures(app) == 1
    assert view.remark not in text(scene(screen=DATA))


def readings_record(names: str = "ab") -> dict:
    score = {"value": 0.5, "low": 0.4, "high": 0.6}
    rows = [{"reading": name, "score": score, "above_the_previous": bool(number)} for number, name in enumerate(names)]
    return {"readings": rows}


def test_the_panels_readings_tell_which_steps_rise(page):
    page["paper", "elsewhere"], page["fine-tuned", "elsewhere"] = readings_record("ab"), readings_record("cd")
    app = scene(screen=DATA, change=better_data.READING)
    assert "The mean score of *Fine-tuned* rises beyond its intervals from c to d." in text(app)


def test_intervals_are_named_where_the_view_has_them(page):
    page["fine-tuned", "probe"], page["fine-tuned", "elsewhere"] = probe_record(), readings_record()
    for view, drawn in ((better_data.ALARMS, True), (better_data.READING, True), (better_data.PROBE, False)):
        details = text(scene(screen=DATA, change=view).get_by_key("details"))
        assert ("confidence intervals" in details) == drawn, view


# --- further checks ---------------------------------------------------------------------------------
def missing(app: AppTest) -> list[tuple[str, str]]:
    """The checks without a record on the page: the experiment that makes it, and of which network."""
    return [
        (check.experiment, name)
        for item in app.caption
        for check in {check.experiment: check for check in checks.CHECKS}.values()
        for name in registry.names()
        if f"`{AGAIN} {check.experiment}`" in item.value and f"*{registry.title(name)}*" in item.value
    ]


def test_checks_are_made_when_they_are_opened(page):
    assert missing(scene()) == []
    app = scene(checks="true")
    assert missing(app) == [(check.experiment, "paper") for check in checks.CHECKS]
    app.get_by_key("checked").set_value("fine-tuned").run()
    assert missing(app) == [(check.experiment, "fine-tuned") for check in checks.CHECKS]


# --- the committed records --------------------------------------------------------------------------
@pytest.mark.long
def test_committed_records_are_drawn():
    """Whatever this copy holds: every screen and every check of both networks, without an error."""
    for name in deck.NAMES:
        app = scene(screen=name)
        assert headline(app)
    for name in registry.names():
        app = scene(checks="true", checked=name)
        known = sum(cache.audit_record(name, experiment) is not None for _, experiment, _ in checks.CHECKS)
        assert pictures(app) == 1 + known


def test_the_page_imports_no_tensorflow():
    code = (
        "import sys, covid_model.app.pages.trust_screens.deck, covid_model.app.pages.trust_screens.checks as "
        "c; print(*sys.modules)"
    )
    assert "tensorflow" not in subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout


# --- the quiz ------------------------------------------------------------------------------------
@pytest.fixture
def ten(demo, monkeypatch):
    """The demo with a data folder of twelve adults' X-rays, half of them COVID-19, and a rule on the brightness."""
    rule = {"threshold": 0.0, "brighter": True}
    monkeypatch.setattr(cache, "brightness_rule", lambda: rule)
    names = [f"nih-{number}" for number in range(12)]
    table = pd.DataFrame({"id": names, "split": "extra-test", "source": "nih", "covid": [0, 1] * 6})
    scores = [table.assign(network=name, score=score) for name, score in (("fine-tuned", 0.1), ("paper", 0.9))]
    pd.concat(scores).to_csv(demo / "scores.csv", index=False)
    picture = (demo / "data" / "images" / "nih-1.png").read_bytes()
    for name in names:
        (demo / "data" / "images" / f"{name}.png").write_bytes(picture)
    known = pd.read_csv(demo / "data" / "manifest.csv", dtype={"id": str})
    listed = table.assign(path=[f"images/{name}.png" for name in names], finding="", patient=names)
    pd.concat([known[known["split"] == "train"], listed]).to_csv(demo / "data" / "manifest.csv", index=False)
    return names


def test_a_round_of_the_quiz(ten):
    app = open_page("can_you_trust_it", screen=deck.QUIZ, round="5")
    for number in range(quiz.X_RAYS):
        assert app.button(key="quiz_commit").disabled
        app.get_by_key(f"{beat_the_model.CALL}_5-{number}").set_value(True).run()
        app.button(key="quiz_commit").click().run()
        assert not app.exception and len([item for item in app.markdown if item.value.startswith("You said")]) == 1
        app.button(key="quiz_next").click().run()
    (table,) = app.table
    assert next(iter(table.value.index)) == quiz.YOU and len(table.value) == 6  # two networks and three rivals
    for player in (quiz.YOU, quiz.BRIGHTNESS_ONLY):  # both say COVID-19 every time
        assert [
            holds(cell, *counts)
            for cell, counts in zip(table.value.loc[player], ((5, 10), (5, 5), (5, 5)), strict=True)
        ] == [True] * 3
    assert "round=5" in app.code[0].value
    app.button(key="quiz_same").click().run()
    assert not app.table and app.button(key="quiz_commit")


def test_a_link_gives_the_same_ten_and_no_link_new_ones(ten, monkeypatch):
    drawn = []
    draw = quiz.draw
    monkeypatch.setattr(quiz, "draw", lambda *given: drawn.append(draw(*given)) or drawn[-1])

    def seed(app) -> str:
        value = app.query_params[beat_the_model.ROUND]
        return value if isinstance(value, str) else value[0]

    first = open_page("can_you_trust_it", screen=deck.QUIZ)
    open_page("can_you_trust_it", screen=deck.QUIZ, round=seed(first))
    assert drawn[0] == drawn[-1]
    assert len({seed(first), *(seed(open_page("can_you_trust_it", screen=deck.QUIZ)) for _ in range(3))}) > 1


def test_without_confident_errors_there_is_no_round(ten, demo):
    table = pd.read_csv(demo / "scores.csv")
    table.assign(score=0.5).to_csv(demo / "scores.csv", index=False)
    app = open_page("can_you_trust_it", screen=deck.QUIZ)
    assert app.info and "quiz_commit" not in [button.key for button in app.button]


@pytest.mark.parametrize("seed", ["", "x", "-1", "99999999", "１"])
def test_an_invalid_round_is_the_first_round(seed):
    assert beat_the_model.seed_of(seed) == 1


def test_without_pictures_the_quiz_offers_them(demo, monkeypatch):
    monkeypatch.delenv(config.DATA_VARIABLE)
    app = open_page("can_you_trust_it", screen=deck.QUIZ)
    assert app.button(key="fetch_films") and app.info
