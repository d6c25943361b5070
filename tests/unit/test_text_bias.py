"""Sentences of Can you trust it?: true whatever the figures are, so every branch is tested."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from covid_model.app.pages.trust_screens import erasure
from covid_model.app.text import better_data
from covid_model.app.text import bias as bias_text
from covid_model.app.text import erasure as erasure_text
from covid_model.data import dataset
from covid_model.evaluation import Estimate
from covid_model.evaluation.subgroups import ADULTS, MORE, TEST, AgeRow, Change, Group
from tests.support.app_pages import holds

CHILDREN = "1 to 5 years"
NOBODY = Estimate(None, count=0, total=0)


def share_of(count: int, total: int) -> Estimate:
    return Estimate(count / total, count=count, total=total)


# --- 1 ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("accuracy", "text"),
    [
        (
            {"network": 0.983, "always no": 0.937},
            "98.3 % correct. Answering “negative” with your eyes closed gets 93.7 %.",
        ),
        ({"network": 0.983, "always no": 0.937, "source": 0.96}, "98.3 % correct. Answering"),
        (
            {"network": 0.983, "always no": 0.937, "source": 0.984},
            "98.3 % correct. A baseline that knows only the X-ray's source gets 98.4 %.",
        ),
        ({"network": 0.983, "always no": 0.937, "source": 0.983}, "A baseline that knows only the X-ray's source"),
        ({"network": 0.937, "always no": 0.937, "source": 0.984}, "93.7 % correct is no achievement"),
        ({"network": 0.900, "always no": 0.937}, "90.0 % correct is no achievement"),
    ],
)
def test_an_accuracy_beside_its_baselines(accuracy, text):
    assert text in bias_text.baselines(accuracy)


def test_why_the_majority_class_does_well():
    assert bias_text.class_imbalance(1152, 73).startswith(
        "73 of the 1,152 test X-rays are COVID-19, so “negative” is correct for the other 1,079"
    )


# --- 2 ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (
            [AgeRow("50 to 59", 73, 18), AgeRow(CHILDREN, 0, 1061)],
            "Age gives the answer away: 98.3 % of the non-COVID X-rays",
        ),
        (
            [AgeRow("50 to 59", 70, 18), AgeRow(CHILDREN, 3, 1061)],
            "98.3 % of the non-COVID X-rays and 4.1 % of the COVID-19 X-rays",
        ),
        (
            [AgeRow("50 to 59", 73, 90), AgeRow(CHILDREN, 0, 10)],
            "Children aged 1 to 5 years are 10.0 % of the non-COVID",
        ),
        ([AgeRow("50 to 59", 73, 90)], "Test: no X-ray is from the children's source."),
        ([AgeRow("50 to 59", 73, 0)], "one class is missing"),
        ([], "one class is missing"),
    ],
)
def test_who_is_in_the_data(rows, text):
    assert text in bias_text.age_mix(rows, CHILDREN, "Test")


def test_what_the_source_gives_away():
    assert (
        "classify **98.4 %** of the X-rays correctly; answering “negative” every time gets 93.7 %"
        in bias_text.source_only(0.984, 0.937)
    )
    assert "reveals nothing" in bias_text.source_only(0.7, 0.7)


def test_ages_stated():
    assert bias_text.stated_ages([83, 27, 50], 9) == (
        "Outside the children's source, 3 of 9 X-rays come with an age: 27 to 83 years, half of them 50 or older."
    )
    assert "no age is stated" in bias_text.stated_ages([], 9)


# --- 3 ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("false_positives", "text"),
    [
        (share_of(17, 18), "On adults it falls apart: 17 of 18 without COVID-19 are called positive."),
        (share_of(1, 5), "1 of 5 without COVID-19 is called positive."),
        (share_of(7, 18), "It errs more on adults than its accuracy suggests: 7 of 18"),
        (
            share_of(1, 18),
            "Few adults without COVID-19 are called positive at this threshold: 1 of 18; of those with it, 4 of 73.",
        ),
        (share_of(0, 18), "at this threshold: 0 of 18"),
        (NOBODY, "anyone's guess"),
    ],
)
def test_on_adults(false_positives, text):
    assert text in bias_text.adult_results(share_of(4, 73), false_positives)


def test_adults_of_one_class():
    assert bias_text.adult_results(NOBODY, share_of(0, 18)).endswith("at this threshold: 0 of 18.")


def test_on_adults_and_in_other_hospitals():
    sentence = bias_text.adult_results(share_of(72, 73), share_of(17, 18), (19, 23))
    assert sentence.endswith("17 of 18 without COVID-19 are called positive, and 19 of 23 in other hospitals.")
    assert "0 of 18, and 0 of 23 in other hospitals; of those with it, 4 of 73." in bias_text.adult_results(
        share_of(4, 73), share_of(0, 18), (0, 23)
    )


def test_at_any_threshold():
    sentence = bias_text.auc_by_group({TEST: Estimate(0.993), "figure1": Estimate(None), "actualmed": Estimate(0.66)})
    assert sentence.endswith("0.993 on the test set, 0.660 at Actualmed.")
    assert bias_text.auc_by_group({TEST: Estimate(None)}) == ""


# --- 4 ----------------------------------------------------------------------------------------------
def lungs_record(left: int, blank: float | None = None, whole: float | None = 0.98, floor: float = 0.94) -> dict:
    """30 of 34 COVID-19 films are called positive; `left` of these still are, and one other is after the erasure."""
    record = {
        "threshold": 0.6,
        "whole": {"covid_positive": {"count": 30, "total": 34}},
        "erased": [
            {
                "variant": "erased",
                "fill": fill,
                "covid_positive": {"count": count + 1, "total": 34},
                "covid_stays_positive": {"value": count / 30, "low": 0.125, "high": 0.75, "count": count, "total": 30},
            }
            for fill, count in (("border grey", left), ("noise", 9), ("blur", 5))
        ],
    }
    if blank is not None:
        record["trained_on_blanks"] = {
            "lungs_covered": 0.9,
            "whole": None if whole is None else {"accuracy_at_0.6": whole},
            "blank_middle": {"at_0.6": {"accuracy": {"value": blank}}},
            "always_no": {"at_0.6": {"accuracy": {"value": floor}}},
        }
    return record


@pytest.mark.parametrize(
    ("left", "text"),
    [
        (30, "Lungs erased: 30 of the 30 COVID-19 X-rays called positive stay positive."),
        (15, "Lungs erased: 15 of the 30 COVID-19 X-rays called positive stay positive."),
        (14, "Lungs erased: only 14 of the 30 COVID-19 X-rays called positive stay positive."),
        (1, "Lungs erased: only 1 of the 30 COVID-19 X-rays called positive stays positive."),
        (0, "Lungs erased: none of the 30 COVID-19 X-rays called positive stays positive."),
    ],
)
def test_lungs_erased(left, text):
    assert erasure_text.erasure_result(lungs_record(left)["erased"][0], "Lungs erased") == text


def test_lungs_erased_where_nothing_was_positive():
    nothing = {"covid_stays_positive": {"value": None, "count": 0, "total": 0}}
    assert "no COVID-19 X-ray is called positive" in erasure_text.erasure_result(nothing, "Lungs erased")


@pytest.mark.parametrize(
    ("blank", "whole", "text"),
    [
        (0.97, 0.98, "75.0 % of the gain over that baseline remains."),
        (0.98, 0.98, "All of the gain"),
        (0.97, None, "There is a gain"),
        (0.97, 0.93, "There is a gain"),
        (0.94, 0.98, "The gain over that baseline is gone."),
        (0.90, None, "The gain over that baseline is gone."),
    ],
)
def test_trained_on_blanks(blank, whole, text):
    record = lungs_record(20, blank, whole)
    assert text in erasure_text.blank_training(record) and "covers 90.0 % of the lungs" in erasure_text.blank_training(
        record
    )
    assert ("on whole X-rays" in erasure_text.blank_training(record)) == (whole is not None)
    assert ("still" if blank > 0.94 else "only") in erasure_text.blank_result(record)
    assert f"{100 * blank:.1f} %" in erasure_text.blank_result(record)
    del record["trained_on_blanks"]["lungs_covered"]
    assert "with a blank middle." in erasure_text.blank_training(record)
    assert erasure_text.blank_result(record | {"trained_on_blanks": None}) == ""


def test_other_fills():
    record = lungs_record(20)
    assert erasure_text.other_fills(record, "erased", "border grey") == (
        "Erased areas are filled with the gray of the border: 20 of 30 X-rays stay positive. "
        "With random gray, 9; with a strong blur, 5."
    )
    named = erasure_text.other_fills(record, "erased", "blur", "Fine-tuned")
    assert "a strong blur: 5 of 30 X-rays stay positive (*Fine-tuned*)" in named
    assert named.endswith("With the gray of the border, 20; with random gray, 9.")
    assert erasure_text.other_fills(record, "only", "border grey") == ""
    record["erased"] = record["erased"][:1]
    assert erasure_text.other_fills(record, "erased", "border grey") == ""


def test_why_not_all_masks_are_used():
    assert erasure_text.masks_left_out(361) == " (the other 361 masks belong to training X-rays)"
    assert erasure_text.masks_left_out(0) == ""
    masks = dataset.committed().groupby("split")["lung_mask"].sum()
    assert erasure.training_masks() == masks.sum() - masks["test"] > 0  # so all others are of training X-rays


# --- 5 ----------------------------------------------------------------------------------------------
BETTER, WORSE, UNCLEAR = (0.1, 0.2), (-0.2, -0.1), (-0.1, 0.1)


def change(group: str, measure: str, before: int, after: int, difference: tuple[float, float] = UNCLEAR) -> Change:
    return Change(group, measure, share_of(before, 20), share_of(after, 20), Estimate(0.0, *difference))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ([change(ADULTS, "false_positive_rate", 17, 7)], "the test set's adults fall from 17 to 7 of 20."),
        ([change(ADULTS, "false_positive_rate", 7, 17)], "the test set's adults rise from 7 to 17 of 20."),
        ([change(ADULTS, "false_positive_rate", 7, 7)], "the test set's adults stay at 7 of 20."),
        ([change(MORE, "false_positive_rate", 1, 2, BETTER)], "The test set does not show what adding adults does."),
        ([], "The test set does not show what adding adults does."),
    ],
)
def test_adults_added(changes, text):
    assert bias_text.adults_added(changes).endswith(text)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ([change(TEST, "sensitivity", 20, 15)], "It misses more COVID-19 X-rays in the test set."),
        ([change(TEST, "sensitivity", 15, 20)], "It misses fewer COVID-19 X-rays in the test set."),
        ([change(TEST, "sensitivity", 15, 15)], "It misses as many COVID-19 X-rays in the test set as before."),
        ([change("actualmed", "auc", 1, 2)], "classes no better in other hospitals, as far as these X-rays can tell."),
        ([change("actualmed", "auc", 1, 2, WORSE)], "It separates the classes worse in other hospitals."),
        ([change("actualmed", "auc", 1, 2, BETTER)], "It separates the classes better in other hospitals."),
        (
            [change("actualmed", "auc", 1, 2, BETTER), change("figure1", "auc", 1, 2, UNCLEAR)],
            "better in some other hospitals, but not clearly in all.",
        ),
        (
            [change("actualmed", "auc", 1, 2, WORSE), change("figure1", "auc", 1, 2, UNCLEAR)],
            "no better in other hospitals, as far as these X-rays can tell.",
        ),
        ([change("actualmed", "false_positive_rate", 9, 2, WORSE)], ""),  # a threshold could do that
        (
            [change(TEST, "sensitivity", 18, 15), change("actualmed", "auc", 1, 2, BETTER)],
            "It misses more COVID-19 X-rays in the test set; it separates the classes better in other hospitals.",
        ),
    ],
)
def test_the_price_of_adults(changes, text):
    assert bias_text.price_of_adults(changes).endswith(text) and bool(bias_text.price_of_adults(changes)) == bool(text)


def test_what_is_known_at_the_end():
    films = pd.DataFrame({"source": ["a", "a", "b", "c"], "covid": [0, 1, 0, 1]})
    assert bias_text.both_classes(films).startswith("1 of the 3 training sources")
    areas = {TEST: Estimate(0.99), "actualmed": Estimate(0.9, 0.8, 0.95), "figure1": Estimate(0.7)}
    assert bias_text.holds_elsewhere(areas) == "AUC 0.900 at Actualmed (95 % CI 0.800 to 0.950) and 0.700 at Figure 1."
    assert bias_text.holds_elsewhere({TEST: Estimate(0.99)}) == ""
    fills = erasure_text.stays_positive(lungs_record(20), "erased")
    erased = "With the lungs erased, 20 of 30 COVID-19 X-rays called positive stay positive (95 % CI 12.5 to 75.0 %)"
    assert erasure_text.erased_in_short(fills, "border grey") == f"{erased}; with other fills, 5 to 9."
    del fills["blur"]
    assert erasure_text.erased_in_short(fills, "border grey") == f"{erased}; with other fills, 9."
    del fills["noise"]
    assert erasure_text.erased_in_short(fills, "border grey") == f"{erased}."
    assert erasure_text.erased_in_short({"blur": Estimate(None, count=0, total=0)}, "blur") == ""
    assert "7 of 20" in bias_text.adults_today([change(ADULTS, "false_positive_rate", 17, 7)])
    assert bias_text.adults_today([]) == ""
    assert "0.123" in bias_text.calibration_today({"before": {"ece": 0.1234}})


def test_a_change_is_clear_where_its_interval_leaves_out_0():
    assert change(TEST, "sensitivity", 1, 2, BETTER).verdict == "better"
    assert change(TEST, "sensitivity", 1, 2, WORSE).verdict == "worse"
    assert change(TEST, "false_positive_rate", 1, 2, BETTER).verdict == "worse"  # more false alarms
    assert change(TEST, "false_positive_rate", 1, 2, WORSE).verdict == "better"
    assert change(TEST, "auc", 1, 2, UNCLEAR).verdict == change(TEST, "auc", 1, 2, (0.0, 0.2)).verdict == "unclear"
    assert Change(TEST, "auc", NOBODY, NOBODY, Estimate(None)).verdict == "unclear"


def test_better_worse_unclear_in_words():
    sentence = bias_text.changes_by_verdict(
        [
            change(ADULTS, "false_positive_rate", 17, 7, WORSE),
            change(ADULTS, "sensitivity", 1, 2),  # the same films as the test's: told once
            change(TEST, "sensitivity", 18, 15, WORSE),
            change(MORE, "false_positive_rate", 17, 7, WORSE),
            Change("actualmed", "auc", Estimate(0.66), Estimate(0.68), Estimate(0.02, -0.1, 0.2)),
        ]
    )
    assert sentence == {
        "better": "false positives on the test set's adults, on the adults-only set",
        "worse": "sensitivity on the test set",
        "unclear": "AUC at Actualmed (0.660 to 0.680)",
    }
    assert bias_text.changes_by_verdict([]) == {"better": "", "worse": "", "unclear": ""}


# --- the further checks -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("interval", "text"),
    [
        ((0.1, 0.2), "more than the 30.0 %"),
        ((-0.2, -0.1), "less than the 30.0 %"),
        ((-0.1, 0.1), "not clearly different from the 30.0 %"),
    ],
)
def test_where_it_looks(interval, text):
    record = {
        "energy_in_lungs": {
            "value": {"value": 0.4},
            "floor": {"value": 0.3},
            "above_floor": {"value": 0.1, "low": interval[0], "high": interval[1]},
        },
        "pointing_game": {"value": {"value": 0.5, "count": 20, "total": 40}, "chance": {"value": 0.29}},
    }
    assert text in bias_text.heatmap_location(record)
    assert bias_text.heatmap_location(record).endswith("in 20 of 40 X-rays; a random point would be in 12.")
    record["energy_in_lungs"]["value"]["value"] = None
    assert "nothing to locate" in bias_text.heatmap_location(record)


@pytest.mark.parametrize(
    ("deletion", "insertion", "text"),
    [
        (
            0.1,
            0.1,
            "lowers the score faster than blurring in random order, and restoring them first brings it back faster.",
        ),
        (
            0.1,
            -0.1,
            "lowers the score faster than blurring in random order, but restoring them first brings it back no faster.",
        ),
        (
            -0.1,
            None,
            "no faster than blurring in random order, and restoring them first brings it back no faster.",
        ),
    ],
)
def test_whether_the_score_depends_on_what_the_heatmap_marks(deletion, insertion, text):
    curves = {
        "films": 27,
        "deletion": {"gain_over_random": {"value": 0.2, "low": deletion}},
        "insertion": {"gain_over_random": {"value": 0.2, "low": insertion}},
    }
    sentence = bias_text.faithfulness({"curves": curves})
    assert sentence.startswith("On 27 X-rays called positive") and sentence.endswith(text)
    assert "no score to lower" in bias_text.faithfulness({"curves": {"films": 0, "deletion": None}})


def test_calibrated_or_not():
    bins = [{"low": 0.8, "films": 7, "covid": 0.1}, {"low": 0.9, "films": 4, "covid": 0.25}]
    part = {"before": {"bins": bins, "ece": 0.5}, "after": {"ece": 0.4}, "helps": True}
    record = {"temperature": 2.3, "splits": {"adults": part}}
    sentence = bias_text.calibration(record, "adults")
    assert (
        sentence.startswith("Of 4 adult X-rays that scored above 0.9, 25.0 % are COVID-19.")
        and "2.30 helps" in sentence
    )
    part["helps"], bins[1]["films"] = False, 0
    sentence = bias_text.calibration(record, "adults")
    assert sentence.startswith("Dividing the logit") and "does not clearly help" in sentence


def gate_record() -> dict:
    """Of cohen's 100 films 2 are flagged, of siim's 50 in two splits 1."""
    parts = [("test", None, 2, 130), ("test", "cohen", 2, 100), ("test", "siim", 0, 30), ("graded", "siim", 1, 20)]
    return {
        "wanted": {"genuine": 0.02, "other": 0.97},
        "every_other": {"value": 0.99, "count": 99, "total": 100},
        "other": {"noise": {"flagged": {"value": 0.9}}, "text": {"flagged": {"value": 0.8}}},
        "genuine": [
            {"split": split, "source": source, "flagged": {"value": count / total, "count": count, "total": total}}
            for split, source, count, total in parts
        ],
    }


def test_out_of_distribution_targets_met():
    sentence = bias_text.ood_detection(gate_record())
    assert "flags 99 of 100, 80.0 % on text, where it is weakest." in sentence
    assert "at least 97.0 %, is met." in sentence and "it flags 3 of 150." in sentence
    assert sentence.endswith("at most 2.0 % of each source, is met.")


def test_out_of_distribution_targets_missed():
    record = gate_record()
    record["every_other"]["value"] = 0.96
    assert "at least 97.0 %, is missed." in bias_text.ood_detection(record)
    record["genuine"][3]["flagged"]["count"] = 2  # of 50 in both splits together; overall, 4 of 150
    assert bias_text.ood_detection(record).endswith(
        "of each source, is missed on SIIM-FISABIO-RSNA challenge (2 of 50)."
    )
    record["genuine"][1]["flagged"]["count"] = 3
    assert "COVID-19 Image Data Collection (3 of 100) and SIIM-FISABIO-RSNA" in bias_text.ood_detection(record)


def test_robustness():
    every = {
        "width": {"median": 0.012, "ninth_decile": 0.4},
        "any_verdict_changes": {"value": 0.1, "count": 6, "total": 60},
    }
    sentence = bias_text.robustness({"figures": {"all": {"every film": every}}})
    assert "span 0.012 for the median X-ray" in sentence and "6 of 60 X-rays change verdict" in sentence
    small = {"copies": 180, "within": 0.05, "copies_within": 0.917, "films_within": {"count": 19, "total": 36}}
    small["changes"] = {"rotation": 3.0, "shift": 0.02, "jpeg": 80}
    more = bias_text.robustness({"figures": {"all": {"every film": every}}, "small": small})
    assert more.startswith(sentence) and holds(more.removeprefix(sentence), 3, 2, 80, 91.7, 0.05, 180, 19, 36)


@pytest.mark.parametrize(
    ("correlation", "text"),
    [
        ({"value": 0.3, "low": 0.1, "high": 0.5}, "The score rises with"),
        ({"value": -0.3, "low": -0.5, "high": -0.1}, "The score falls with"),
        (
            {"value": -0.02, "low": -0.3, "high": 0.2},
            "does not follow how opaque experts rated the lungs: rank correlation −0.02",
        ),
        ({"value": 0.02}, "does not follow"),
        ({"value": None}, "no correlation to compute"),
    ],
)
def test_severity(correlation, text):
    record = {"spearman": {"opacity": correlation}, "films": 90, "in_splits_trained_on": 83}
    assert text in bias_text.severity(record, "opacity")


@pytest.mark.parametrize(("before", "after"), [(True, True), (False, False), (True, False), (False, True)])
def test_verdicts_after_a_change(before, after):
    sentence = erasure.verdict(before, after, "Lungs erased")
    assert ("still" in sentence) == (before == after)
    assert f"called {'positive' if after else 'negative'}" in sentence


COUNTS = {"films": 100, "covid": 10, "correct": 90, "covid_positive": 9, "adults": 5, "adults_positive": 4}


def rates(sensitivity: float | None, false_positive_rate: float) -> Group:
    return Group("x", Estimate(sensitivity), Estimate(false_positive_rate))


def test_the_headline_says_which_way_false_positives_and_sensitivity_move():
    fell = better_data.better_data(rates(0.9, 0.8), rates(0.7, 0.1), rates(0.6, 0.05))
    assert "Same recipe" in fell
    assert fell.endswith("fall from 80.0 % to 10.0 %, and sensitivity from 90.0 % to 70.0 %.")
    both = better_data.better_data(rates(0.7, 0.8), rates(0.9, 0.1), None)
    assert both.endswith("fall from 80.0 % to 10.0 %, and sensitivity rises from 70.0 % to 90.0 %.")
    rose = better_data.better_data(rates(0.9, 0.1), None, rates(0.9, 0.3))
    assert "Same layers" in rose
    assert rose.endswith("rise from 10.0 % to 30.0 %, and sensitivity stays at 90.0 %.")
    alone = better_data.better_data(rates(None, 0.8), rates(None, 0.1), None)
    assert alone.endswith("fall from 80.0 % to 10.0 %.")


def test_the_head_that_differs_is_named_with_its_weights():
    def network(pooling: str, parameters: int, epochs: int = 10, **training) -> SimpleNamespace:
        head, recipe = SimpleNamespace(pooling=pooling), {"ours": {"epochs": epochs}}
        return SimpleNamespace(head=head, recipe=recipe, parameters=parameters, training=training)

    paper, frozen = network("flatten", 5000), network("average", 1200)
    sentence = better_data.same_recipe(paper, frozen, "More data")
    assert sentence.startswith("*More data* keeps the paper's frozen layers and 10 epochs. Its data")
    assert sentence.endswith("Its head differs too, which may explain part of the change.")
    figures = better_data.heads(paper, frozen, "More data")
    assert "paper's head trains 5,000 weights" in figures and "*More data* trains 1,200 on their averages" in figures
    same = network("flatten", 5000)
    assert "head" not in better_data.same_recipe(paper, same, "x") and not better_data.heads(paper, same, "x")
    assert "epochs" not in better_data.same_recipe(paper, network("average", 1, 5), "x")
    tuned = better_data.training_time(network("average", 1, seconds=5100.0), "Tuned")
    assert tuned == "*Tuned* trains every layer, which took 1 h 25 min."
    assert better_data.training_time(network("average", 1), "Tuned") == "*Tuned* trains every layer."


def area(group: str, before: float, after: float, difference: tuple[float, float]) -> Change:
    return Change(group, "auc", Estimate(before), Estimate(after), Estimate(after - before, *difference))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            [area("actualmed", 0.9, 0.8, UNCLEAR), area("figure1", 0.8, 0.7, UNCLEAR)],
            "the AUC falls from 0.900 to 0.800 at Actualmed and from 0.800 to 0.700 at Figure 1; with so few X-rays, "
            "no change is clear.",
        ),
        (
            [area("actualmed", 0.8, 0.9, BETTER), area("figure1", 0.8, 0.7, UNCLEAR)],
            "the AUC rises from 0.800 to 0.900 at Actualmed and falls from 0.800 to 0.700 at Figure 1; at Figure 1 not "
            "clearly.",
        ),
        ([area("actualmed", 0.9, 0.8, WORSE)], "the AUC falls from 0.900 to 0.800 at Actualmed."),
        ([area("actualmed", 0.9, 0.9, UNCLEAR)], "the AUC stays at 0.900 at Actualmed; with so few"),
        ([area(MORE, 0.5, 0.9, BETTER)], ""),
    ],
)
def test_the_auc_elsewhere_moves_as_its_sign_says(changes, text):
    sentence = better_data.elsewhere(changes)
    assert text in sentence and bool(sentence) == bool(text)


def test_a_set_from_the_sources_of_training_is_no_external_validation():
    assert bias_text.not_external(["*A*"]).startswith("*A* was trained on other X-rays from the sources of")
    assert bias_text.not_external(["*A*", "*B*"]).startswith("*A* and *B* were trained")


def test_trials_are_the_pair_that_answers_the_question():
    def trial(title: str, balanced: bool, compared_with: str | None, siim: float, radiography: float) -> dict:
        areas = {"siim": {"auc": siim, "films": 300}, "radiography": {"auc": radiography, "films": 280}}
        return {"title": title, "balanced": balanced, "compared_with": compared_with, "sources": areas}

    plain, other = trial("plain", False, "base", 0.8, 0.7), trial("twice", True, "base", 0.99, 0.98)
    base = trial("base", True, None, 0.75, 0.85)
    sentence = better_data.left_out({"trials": [other, plain, base]})
    assert "0.750 instead of 0.800 on 300 X-rays of the SIIM-FISABIO-RSNA challenge" in sentence
    assert "0.850 instead of 0.700 on 280 X-rays of the COVID-19 Radiography Database" in sentence
    assert "not the networks shown here" in sentence and "one seed each, without intervals" in sentence
    assert not holds(sentence, 0.99)
    assert better_data.left_out({"trials": [other, base]}) == better_data.left_out({"trials": [plain]}) == ""
    assert better_data.left_out(None) == better_data.left_out({"trials": []}) == ""


def test_a_probe_is_told_before_and_after_beside_chance():
    after = {"source": 0.5, "class": 0.8, "source_chance": 0.25, "class_chance": 0.5}
    record = {"own": after, "frozen": after | {"source": 0.9, "class": 0.7}}
    sentence = better_data.probes(record, "Fine-tuned")
    assert "the source, 90.0 % from ImageNet's features and 50.0 % from those of *Fine-tuned* (chance: 25" in sentence
    assert "the class, 70.0 % from ImageNet's features and 80.0 % from those" in sentence
    assert "Frozen layers cannot change" in sentence and sentence.endswith("(chance: 50.0 %).")
    assert better_data.probes(None, "x") == better_data.probes(record | {"frozen": None}, "x") == ""


@pytest.mark.parametrize(
    ("above", "text"),
    [
        (
            (True, False, True),
            "rises beyond its intervals from a to b and from c to d, but not from b to c, where its intervals overlap.",
        ),
        ((True, True, True), "rises beyond its intervals from a to b and from b to c and from c to d."),
        ((False, False, False), "does not rise beyond its intervals from a to b or from b to c or from c to d."),
    ],
)
def test_the_steps_of_the_readings_that_the_score_rises_with(above, text):
    readings = [
        {"reading": name, "above_the_previous": rise, "score": {"low": 0.4, "high": 0.6}}
        for name, rise in zip("abcd", (None, *above), strict=True)
    ]
    assert better_data.steps(readings, "X") == f"The mean score of *X* {text}"
    readings[1]["score"], readings[2]["score"] = {"low": 0.7, "high": 0.8}, {"low": 0.1, "high": 0.2}  # c is below b
    assert "overlap" not in better_data.steps(readings, "X")
    assert better_data.steps(readings[:1], "X") == better_data.steps([], "X") == ""


def test_leaks_are_told_with_results_before_and_after():
    first = {"networks": {"paper": COUNTS, "gone": COUNTS}}
    sentence = better_data.leaks(first, {"paper": COUNTS | {"correct": 95}, "gone": None}, str.upper)
    assert "PAPER: 90.0 % accuracy (positive: 9 of 10" in sentence
    assert "95.0 % accuracy" in sentence and "GONE" not in sentence
    assert "two other collections" in sentence and "the same patient under another name" in sentence
    assert "not all of the difference" in sentence and sentence.count(". ") == 2  # three sentences
    assert better_data.leaks(None, {}, str.upper) == better_data.leaks(first, {}, str.upper) == ""
