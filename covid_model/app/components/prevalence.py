"""Draw "In practice": what a verdict is worth at another prevalence, and the threshold that costs least there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from covid_model import charts, config, evaluation
from covid_model.app import widgets
from covid_model.app.runtime import render_slots
from covid_model.app.text import evaluation as evaluation_text
from covid_model.app.text import prediction as prediction_text
from covid_model.evaluation import Estimate, PredictiveValues, ThresholdSweep
from covid_model.evaluation.threshold_sweep import ThresholdResult
from covid_model.formatting import interval, percent

TITLE = "In practice: prevalence and cost"  # of the tab; the URL holds it
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
def draw(networks: Sequence[ThresholdResult]) -> None:
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
        values(networks, others, prevalence, alone=mixed and kind == "other")
    with st.container(key="ward_costs"):
        errors(networks, others, prevalence)
    st.caption(evaluation_text.intervals_note(networks[0].scored.by_patient))


def values(
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


def errors(networks: Sequence[ThresholdResult], others: Mapping[str, ThresholdSweep], prevalence: float) -> None:
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
