"""Draw the tabs of the page "Results": all measures, source by source, calibration, in practice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from covid_model import charts, config, evaluation
from covid_model.app import cache, widgets
from covid_model.app.runtime import render_slots
from covid_model.app.text import evaluation as evaluation_text
from covid_model.app.text import prediction as prediction_text
from covid_model.evaluation import Estimate, PredictiveValues, ThresholdSweep
from covid_model.evaluation.threshold_sweep import ThresholdResult
from covid_model.formatting import interval, percent

TITLE = "All measures"  # of the tab; the URL holds it
HEIGHT = 330  # pixels of a curve


def draw_measures(networks: Sequence[ThresholdResult], split: str) -> None:
    """Draw the tab "All measures"."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.subheader("All measures, with 95 % confidence intervals")
        table = evaluation_text.measures(networks, networks[0].scored.baseline, with_paper=split == "test")
        st.table(table, border="horizontal", alt="Measures with 95 % confidence intervals")
        note = evaluation_text.intervals_note(networks[0].scored.by_patient, with_paper=split == "test")
        st.markdown(f":small[{note}]")  # no caption: its pale gray leaves a link too little contrast
    with right:
        st.subheader("At every threshold")
        _curves(networks)


def _curves(networks: Sequence[ThresholdResult]) -> None:
    """Draw ROC and precision-recall curves with a cross at the threshold."""
    rates = {
        result.short_title: {name: estimate.value for name, estimate in result.rates.items()} for result in networks
    }
    false_positive_rates = {
        name: None if result["specificity"] is None else 1 - result["specificity"] for name, result in rates.items()
    }
    look = {"height": HEIGHT, "ink": widgets.ink()}

    st.markdown("**ROC curve**")
    lines = {result.short_title: result.scored.roc for result in networks}
    figure = charts.roc(
        lines, {name: (false_positive_rates[name], result["sensitivity"]) for name, result in rates.items()}, **look
    )
    widgets.show_chart(figure, key="roc", alt=charts.roc_alt(lines))

    st.markdown("**Precision–recall curve**")
    lines = {result.short_title: result.scored.precision_recall for result in networks}
    points = {name: (result["sensitivity"], result["ppv"]) for name, result in rates.items()}
    films = networks[0].matrix
    figure = charts.precision_recall(lines, points, films.covid / films.total, **look)
    widgets.show_chart(figure, key="precision_recall", alt=charts.precision_recall_alt(lines))
    st.caption("The cross on each curve marks the threshold.")


# --- Source by source ---

SOURCES_TITLE = "Source by source"  # of the tab; the URL holds it


def draw_sources(networks: Sequence[ThresholdResult]) -> None:
    """Draw the tab "Source by source"."""
    with st.spinner("Computing each source separately. This is done only once."):
        parts = {result.name: cache.parts(result.name) for result in networks}
    for result in networks:
        heading = evaluation_text.sources_heading(parts[result.name])
        st.subheader(heading if len(networks) == 1 else f"{prediction_text.plain(result.short_title)}: {heading}")
        table = evaluation_text.sources(parts[result.name], result.threshold)
        st.table(table, border="horizontal", hide_index=True, alt=f"Figures by split and source: {result.short_title}")
    st.caption(f"At the threshold of {networks[0].threshold:.2f}. {evaluation_text.SOURCES_NOTE}")
    st.caption(evaluation_text.intervals_note(networks[0].scored.by_patient))


# --- Calibration: does a score of 0.8 mean four films in five? ---

CALIBRATION_TITLE = "Calibration"  # of the tab; the URL holds it


def draw_calibration(networks: Sequence[ThresholdResult], split: str) -> None:
    """Draw the tab "Calibration"."""
    bins, after = {}, {}
    for result in networks:
        films = result.scored.films
        bins[result.short_title] = cache.reliability(result.name, split)
        record = cache.audit_record(result.name, "calibration")
        part = evaluation_text.calibration_part(record, split, len(films), int(films["covid"].sum()))
        after[result.short_title] = (record, part) if part else (None, None)
    st.subheader(evaluation_text.calibration_heading(bins))
    left, right = st.columns([3, 2], gap="large")
    with left:
        drawn = dict(bins)
        if len(networks) == 1 and (part := after[networks[0].short_title][1]):
            drawn["after temperature scaling"] = evaluation.recorded_bins(part["after"]["bins"])
        widgets.show_chart(
            charts.reliability(drawn, ink=widgets.ink()),
            key="reliability",
            alt=charts.reliability_alt(drawn),
        )
    with right:
        for result in networks:
            record, part = after[result.short_title]
            films = result.scored.films
            temperature = record["temperature"] if record else None
            table = evaluation_text.calibration_table(
                result.short_title,
                bins[result.short_title],
                evaluation.brier(films["score"], films["covid"]),
                temperature,
                part,
            )
            st.table(
                table, border="horizontal", alt=f"Calibration of {result.short_title}: ECE and Brier score, 0 at best"
            )
            st.markdown(evaluation_text.temperature_note(record, part) if part else evaluation_text.NO_TEMPERATURE)
    st.caption(f"{evaluation_text.CALIBRATION_NOTE} {evaluation_text.intervals_note(networks[0].scored.by_patient)}")


# --- In practice: what a verdict is worth at another prevalence, and the threshold that costs least there ---

PREVALENCE_TITLE = "In practice: prevalence and cost"  # of the tab; the URL holds it
PREVALENCE, MISS, WHOSE = "prevalence", "miss", "alarms-of"  # names in the URL; the values are labels
PREVALENCES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
USUAL = 0.02  # the slider's default: lower than in any split
MISSES = {  # the cost of a false negative in false positives
    0.1: "1/10 of a false positive",
    0.2: "1/5 of a false positive",
    0.5: "half a false positive",
    1.0: "1 false positive",
    2.0: "2 false positives",
    5.0: "5 false positives",
    10.0: "10 false positives",
    20.0: "20 false positives",
    50.0: "50 false positives",
    100.0: "100 false positives",
}
ALL, ADULTS = "All X-rays", "Adults only"
CURVE = np.geomspace(PREVALENCES[0], 1, 61)  # the prevalences at which a curve is computed


@render_slots.fragment
def draw_prevalence(networks: Sequence[ThresholdResult]) -> None:
    """Draw the tab as a fragment, so that its sliders rerun only this part."""
    left, right = st.columns([3, 2], gap="large", vertical_alignment="bottom")
    with left:
        prevalence = st.select_slider(
            "Prevalence: share of the people X-rayed who have COVID-19",
            PREVALENCES,
            USUAL,
            format_func=evaluation_text.prevalence_label,
            key=PREVALENCE,
            bind="query-params",
        )
    sweeps = networks[0].scored.sweeps
    mixed = 0 < sweeps["adults"].total[0] < sweeps["other"].total[0]
    whose = ADULTS
    if mixed:
        with right:
            whose = widgets.choice(
                "False-positive rate measured on",
                (ADULTS, ALL),
                default=ADULTS,
                key=WHOSE,
                help="All non-COVID X-rays here, or only those of adults.",
            )
    kind = "adults" if mixed and whose == ADULTS else "other"
    others = {result.short_title: result.scored.sweeps[kind] for result in networks}
    with st.container(key="ward_values"):
        _values(networks, others, prevalence, alone=mixed and kind == "other")
    with st.container(key="ward_costs"):
        _errors(networks, others, prevalence)
    st.caption(evaluation_text.intervals_note(networks[0].scored.by_patient))


def _values(
    networks: Sequence[ThresholdResult], others: Mapping[str, ThresholdSweep], prevalence: float, alone: bool
) -> None:
    """Draw PPV and NPV at the chosen prevalence, and as curves over all prevalences."""
    groups = {
        result.short_title: _values_at(result, others[result.short_title], np.array([prevalence]))
        for result in networks
    }
    st.subheader(evaluation_text.ppv_heading(groups, {result.short_title: result.rates["ppv"] for result in networks}))
    for result in networks:
        sentences = [evaluation_text.per_thousand(*_rates(result, others[result.short_title]), prevalence)]
        if alone:
            adults = _values_at(result, result.scored.sweeps["adults"], np.array([prevalence]))
            sentences.append(evaluation_text.adults_alone(groups[result.short_title], adults))
        name = f"**{prediction_text.plain(result.short_title)}.** " if len(networks) > 1 else ""
        st.markdown(name + " ".join(filter(None, sentences)))
    lines = {result.short_title: _values_at(result, others[result.short_title], CURVE) for result in networks}
    films = networks[0].matrix
    own = films.covid / films.total if films.total else None
    for column, (short, name, meaning) in zip(
        st.columns(2, gap="medium"),
        (
            ("ppv", "PPV", "positive results that are correct"),
            ("npv", "NPV", "negative results that are correct"),
        ),
        strict=True,
    ):
        with column:
            cards = {title: getattr(ward, short) for title, ward in groups.items()}
            with st.grid(len(cards), gap="small"):
                for title, band in cards.items():
                    at = Estimate(*(_known(part[0]) for part in (band.value, band.low, band.high)))
                    st.metric(
                        name if len(cards) == 1 else f"{name}, {prediction_text.plain(title)}",
                        percent(at.value),
                        f"95 % CI {interval(at)}" if at.low is not None else None,
                        delta_color="gray",
                        delta_arrow="off",
                        help=f"The share of {meaning}, at this prevalence.",
                        border=True,
                    )
            bands = {title: getattr(ward, short) for title, ward in lines.items()}
            widgets.show_chart(
                charts.predictive_value(CURVE, bands, prevalence, own, meaning, ink=widgets.ink()),
                key=f"{short}_curve",
                alt=charts.predictive_value_alt(CURVE, bands, prevalence, name),
            )


def _errors(networks: Sequence[ThresholdResult], others: Mapping[str, ThresholdSweep], prevalence: float) -> None:
    """Draw what each threshold costs at the chosen cost of a false negative."""
    st.divider()
    miss = st.select_slider(
        "Cost of a false negative vs a false positive",
        list(MISSES),
        1.0,
        format_func=MISSES.get,
        key=MISS,
        bind="query-params",
        help="False negative: a COVID-19 X-ray called negative. False positive: a non-COVID X-ray called positive.",
    )
    curves = {
        result.short_title: evaluation.costs(
            result.scored.sweeps["covid"], others[result.short_title], prevalence, miss
        )
        for result in networks
    }
    curves = {title: costs for title, costs in curves.items() if costs}
    if not curves:
        st.caption("Costs need both COVID-19 and non-COVID X-rays, and this set has only one of them.")
        return
    marks = {"halfway": config.HALF, "the paper's threshold": config.PAPER_MARK}
    threshold = networks[0].threshold
    if threshold not in marks.values():
        marks["chosen above"] = threshold
    st.subheader(evaluation_text.cost_heading(curves, MISSES[miss]))
    left, right = st.columns([3, 2], gap="large")
    with left:
        widgets.show_chart(
            charts.cost_curve(curves, {f"{at:.2f}, {label}": at for label, at in marks.items()}, ink=widgets.ink()),
            key="cost_curve",
            alt=charts.cost_curve_alt(curves),
        )
    with right:
        table = evaluation_text.cost_table(curves, marks)
        st.table(table, border="horizontal", alt="What each threshold costs")
    st.markdown(evaluation_text.COST_NOTE)


def _values_at(result: ThresholdResult, other: ThresholdSweep, prevalence: np.ndarray) -> PredictiveValues:
    return evaluation.predictive_values(result.scored.sweeps["covid"], other, result.threshold, prevalence)


def _rates(result: ThresholdResult, other: ThresholdSweep) -> tuple[Estimate, Estimate]:
    """Return the sensitivity, and the specificity among `other`."""
    return result.rates["sensitivity"], evaluation.inverse(evaluation.share_at(other, result.threshold))


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
