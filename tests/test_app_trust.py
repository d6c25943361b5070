"""Can you trust it?: five screens from the address, each headline from the figures, and what stands where they lack.

At 0.6 in the made-up test films (2 COVID-19, 1 adult and 2 children without) paper calls cohen-1 and the adult
positive, fine-tuned cohen-1 alone.
"""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from covid_model import films, settings
from covid_model.app import cache, words
from covid_model.app.trust import checks_screen, erase_screen, figure_screen, story
from covid_model.audit import lungs
from covid_model.desk import Busy, Place
from covid_model.network import NetworkError
from covid_model.reading import Reader
from tests.scenes import MockReader, demo, open_page, text

__all__ = ["demo"]

PATIENCE = 300  # seconds: the first run loads scikit-learn, on a machine that may be busy
PAGE = str(settings.ROOT / "covid_model/app/pages/trust.py")
FIGURE, FILMS, ELSEWHERE, LUNGS, ADULTS = story.NAMES
HEADLINES = {
    FIGURE: "60.0 % right is no feat: answering “no” to every film gets 60.0 %.",
    FILMS: "The answer is in the age: 66.7 % of the films without COVID-19 are of children of 1 to 5 years",
    ELSEWHERE: "On adults it breaks down: 1 of 1 without COVID-19 is called positive.",
    LUNGS: "How much of the score is in the lungs?",
    ADULTS: "Adults added: false alarms on adults fall from 1 to 0 of 1; COVID-19 films found stay at 1 of 2.",
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
    return app.header[0].value.replace("\u00a0", " ")


def pictures(app: AppTest) -> int:
    return len(app.get("plotly_chart"))


# --- the story --------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", story.NAMES)
def test_a_screen_from_the_address(page, name):
    app = scene(screen=name)
    assert headline(app).startswith(HEADLINES[name])
    assert pictures(app) == (0 if name == LUNGS else 1)
    assert app.title[0].value == "Can you trust it?" and not MockReader.asked


def test_it_opens_with_the_figure_and_stands_in_the_navigation(page):
    app = open_page("trust")
    assert headline(app) == HEADLINES[FIGURE]


def test_back_and_next_and_the_ends(page):
    app = scene()
    assert app.button(key="story_back").disabled and not app.button(key="story_next").disabled
    for name in story.NAMES[1:]:
        assert headline(press(app, "story_next")).startswith(HEADLINES[name])
    assert app.button(key="story_next").disabled
    assert headline(press(app, "story_back")).startswith(HEADLINES[LUNGS])


def test_jump(page):
    app = scene()
    app.get_by_key("screen").set_value(ADULTS).run()
    assert headline(app) == HEADLINES[ADULTS]


def test_five_sentences_on_every_screen(page):
    said = text(scene(screen=ELSEWHERE))
    for at, name in enumerate(story.NAMES, 1):
        wanted = "No figures" if name == LUNGS else words.plain(HEADLINES[name])
        assert f"{at}. {wanted}" in said
    assert "All at the threshold 0.6, whatever is set above." in said


def test_nonsense_in_the_address_changes_nothing(page):
    app = scene(screen="9", measure="<b>", who="all", threshold="nan", network="x", checks="perhaps", checked="y")
    assert headline(app) == HEADLINES[FIGURE] and pictures(app) == 1


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
    assert headline(scene(screen=FILMS)) == "Who was in the data?"
    assert headline(scene(screen=ELSEWHERE)) == HEADLINES[ELSEWHERE]  # each film counts as its own patient
    assert headline(scene(screen=LUNGS)) == HEADLINES[LUNGS]


# --- 1. The figure ----------------------------------------------------------------------------------
def rivals_record(source: float) -> dict:
    def measured(value: float) -> dict:
        share = {"value": value, "low": value, "high": value, "count": int(100 * value), "total": 100}
        return dict.fromkeys(("accuracy", "sensitivity", "specificity", "adults_positive"), share)

    values = {"always no": 0.9, "thumbnail": 0.96, "source": source, "network": 0.98}
    return {
        "figures": [
            {"split": split, "rival": name, "at_0.6": measured(value), "auc": {"value": value}}
            for split in ("test", "external")
            for name, value in values.items()
        ]
    }


def test_rivals_stand_beside_the_figure(page):
    page["paper", "rivals"] = rivals_record(0.99)
    app = scene()
    assert headline(app).startswith("98.0 % right. Naming the film’s source without a look at it gets 99.0 %")
    assert list(figure_screen.figures()) == ["network", "source", "thumbnail", "always no"]
    assert "rivals` makes them" not in text(app)


def test_missing_rivals_are_named(page):
    assert "python -m covid_model audit --only rivals" in text(scene())


@pytest.mark.parametrize(
    ("measure", "remark", "counted"),
    [
        ("accuracy", "Only what exceeds 60.0 % was earned", "5 test films at the threshold 0.6"),
        ("sensitivity", figure_screen.READ["sensitivity"], "2 COVID-19 films of the test at the threshold 0.6"),
        (
            "adults_positive",
            figure_screen.READ["adults_positive"],
            "1 test films of adults without COVID-19 at the threshold 0.6",
        ),
        ("auc", figure_screen.READ["auc"], "5 test films, 2 of them COVID-19, over all thresholds"),
    ],
)
def test_every_measure_is_drawn_and_says_what_it_counts(page, measure, remark, counted):
    app = scene(measure=figure_screen.MEASURES[measure][0])
    assert pictures(app) == 1
    assert remark in text(app) and f"{counted}; thin lines: 95 % intervals" in text(app)


# --- 2. The films -----------------------------------------------------------------------------------
def test_other_films_by_the_address(page):
    app = scene(screen=FILMS, who="More adults")
    assert headline(app) == "More adults: one class is missing, so there is nothing to tell apart."
    assert "has none of these" in text(scene(screen=FILMS, who="Other hospitals"))


# --- 3. Elsewhere -----------------------------------------------------------------------------------
def test_the_threshold_moves_the_headline(page):
    app = scene(screen=ELSEWHERE, threshold="0.96")
    assert (
        headline(app)
        == "Few adults without COVID-19 are called positive at this threshold, 0 of 1; of those with it, 1 of 2."
    )
    app.slider(key="threshold").set_value(0.6).run()
    assert headline(app) == HEADLINES[ELSEWHERE]
    assert "(AUC; 0.5 is guessing): 0.833 on the test films, 0.500 on the test’s adults." in text(app)


# --- 4. Lungs erased --------------------------------------------------------------------------------
def lungs_record() -> dict:
    share = {"value": 0.5, "count": 1, "total": 2}
    ways = [(variant, fill) for variant in lungs.VARIANTS for fill in lungs.FILLS]
    return {
        "films": 3,
        "threshold": 0.6,
        "whole": {"covid_positive": share},
        "erased": [{"variant": variant, "fill": fill, "covid_positive": share} for variant, fill in ways],
        "films_scores": {"covid": [1, 1, 0], "whole": [0.9, 0.1, 0.3]}
        | {f"{variant} / {fill}": [0.7, 0.2, 0.4] for variant, fill in ways},
    }


def test_all_films_with_masks(page):
    page["paper", "lungs"] = lungs_record()
    app = scene(screen=LUNGS)
    assert headline(app) == "Lungs erased, 1 of 2 COVID-19 films are called positive: no fewer than before."
    assert pictures(app) == 1 and "The 3 test films that have lung masks" in text(app)
    assert headline(scene(screen=LUNGS, erase="Only the lungs left")).startswith("Only the lungs left, 1 of 2")


def test_one_film_is_scored_when_it_is_asked_for(page):
    app = scene(screen=LUNGS, film="clear-average", network="paper")
    assert app.get_by_key("erase_film").value == "clear-average"
    assert [one.value for one in app.metric] == ["–", "–"] and not MockReader.asked
    app = press(app, "erase_score")
    assert MockReader.asked == ["paper", "paper"]
    assert all(0 < float(one.value) <= 1 for one in app.metric)
    assert "the film is" in text(app)
    app.run()
    assert len(MockReader.asked) == 2  # kept


def test_another_film_and_another_way(page):
    app = scene(screen=LUNGS)
    first = app.get_by_key("erase_film").value
    assert cache.samples()[first].covid == 1
    app.get_by_key("erase_film").set_value("effusion-left").run()
    assert not app.exception and app.query_params["film"] == "effusion-left"
    app.get_by_key("erase").set_value("only").run()
    assert not app.exception and [one.label for one in app.metric] == [
        "Score of the film",
        "Score: only the lungs left",
    ]


def test_a_film_without_a_mask_gives_way(page):
    app = scene(screen=LUNGS, film="kermany-1")
    assert app.get_by_key("erase_film").value in cache.samples()


def test_a_network_that_is_missing(page, monkeypatch):
    monkeypatch.setattr(MockReader, "failure", NetworkError("No weights here."))
    app = press(scene(screen=LUNGS, network="paper"), "erase_score")
    assert "No weights here" in app.error[0].value
    assert [one.value for one in app.metric] == ["–", "–"]


def test_a_full_queue_offers_another_try(page, monkeypatch):
    def full(*_):
        raise Busy(Place(3, None))

    monkeypatch.setattr(cache, "reading", full)
    app = press(scene(screen=LUNGS, network="paper"), "erase_score")
    assert "Please try again" in app.warning[0].value and app.button(key="try-again")


@pytest.mark.parametrize("novel", [True, False])
def test_an_erased_film_that_the_gate_flags(page, monkeypatch, novel):
    readings = iter([SimpleNamespace(score=0.9, positive=True, novel=False)])
    erased = SimpleNamespace(score=0.8, positive=True, novel=novel)
    monkeypatch.setattr(cache, "reading", lambda *_: next(readings, erased))
    said = text(press(scene(screen=LUNGS), "erase_score"))
    assert "still called positive" in said and (erase_screen.FLAGGED in said) == novel


@pytest.mark.parametrize(("before", "after"), [(True, True), (False, False), (True, False), (False, True)])
def test_what_became_of_the_verdict(before, after):
    said = erase_screen.verdict(before, after, "Lungs erased")
    assert ("still" in said) == (before == after)
    assert f"called {'positive' if after else 'negative'}" in said


def test_the_film_that_is_read_is_the_erased_one(page, monkeypatch):
    monkeypatch.setattr(cache, "film", films.decode)  # what is kept for a session has no place outside one
    both = erase_screen.pair("clear-average", "erased")
    np.testing.assert_array_equal(films.decode(both.erased_data).pixels, both.erased)
    np.testing.assert_array_equal(films.decode(both.data).pixels, both.film)
    changed = both.erased != both.film
    assert 0.3 < changed.mean() < 0.7 and len(np.unique(both.erased[changed])) == 1  # one grey, in the lungs


@pytest.mark.films
def test_a_test_film_and_its_mask(monkeypatch, data_folder):
    monkeypatch.setattr(cache, "reader", MockReader)
    monkeypatch.setattr(MockReader, "asked", [])
    app = press(scene(screen=LUNGS), "erase_score")
    assert app.get_by_key("erase_film").value.startswith("cohen-") and len(MockReader.asked) == 2


@pytest.mark.films
@pytest.mark.vgg19
def test_committed_scores_of_erased_films_come_out_again(monkeypatch, data_folder, vgg19_file):
    """The page erases as the record's experiment did, and the network answers as it did."""
    record = cache.audit_record("paper", "lungs")
    if record is None:
        pytest.skip("no record of the paper's network on erased films")
    monkeypatch.setattr(cache, "film", films.decode)
    kept, sample = record["films_scores"], range(0, record["films"], 9)
    pairs = [erase_screen.pair(kept["id"][at], "erased") for at in sample]
    found = list(Reader("paper").scores([one.erased for one in pairs]))
    assert found == pytest.approx([kept[f"erased / {erase_screen.FILL}"][at] for at in sample], abs=0.005)


# --- 5. Adults added --------------------------------------------------------------------------------
def test_the_trap_is_opened_and_closed(page):
    app = scene(screen=ADULTS)
    assert app.get_by_key("network").value == "fine-tuned"
    assert "**No clear difference:**" in text(app) or "**Better:**" in text(app)
    app.get_by_key("network").set_value("paper").run()
    assert not app.exception and headline(app) == HEADLINES[ADULTS]


def test_one_network_alone_cannot_be_compared(page, demo):
    table = pd.read_csv(demo / "scores.csv")
    table[table["network"] == "paper"].to_csv(demo / "scores.csv", index=False)
    assert not pictures(scene(screen=ADULTS)) and pictures(scene(screen=ELSEWHERE)) == 1


# --- further checks ---------------------------------------------------------------------------------
def test_checks_are_made_when_they_are_opened(page):
    assert "has no record of this check" not in text(scene())
    app = scene(checks="true")
    assert text(app).count("has no record of this check of *paper*") == len(checks_screen.CHECKS)
    app.get_by_key("checked").set_value("fine-tuned").run()
    assert text(app).count("has no record of this check of *fine-tuned*") == len(checks_screen.CHECKS)


# --- the committed records --------------------------------------------------------------------------
@pytest.mark.long
def test_committed_records_are_drawn():
    """Whatever this copy holds: every screen and every check of both networks, without an error."""
    for name in story.NAMES:
        app = scene(screen=name)
        assert headline(app)
    for name in settings.NETWORK_NAMES:
        app = scene(checks="true", checked=name)
        known = sum(cache.audit_record(name, experiment) is not None for _, experiment, _ in checks_screen.CHECKS)
        assert pictures(app) == 1 + known


def test_page_imports_no_tensorflow():
    code = "import sys, covid_model.app.trust.story, covid_model.app.trust.checks_screen as c; print(*sys.modules)"
    assert "tensorflow" not in subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
