"""The verdicts carried to a ward with another share of COVID-19, and the threshold that costs least there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from covid_model import charts, config, evaluation
from covid_model.app import theme, widgets
from covid_model.app.runtime import render_slots
from covid_model.app.text import evaluation as evaluation_text
from covid_model.app.text import prediction as prediction_text
from covid_model.evaluation import Estimate, PredictiveValues, ThresholdSweep
from covid_model.evaluation.scored_split import ThresholdResult
from covid_model.formatting import interval, percent

TITLE = "In a ward"  # of the tab, here and in the address
PREVALENCE, MISS, WHOSE = "prevalence", "miss", "alarms-of"  # in the address, by their labels
PREVALENCES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
USUAL = 0.02  # where the slider starts: rarer than in any set of films here
MISSES = {  # false alarms that a miss costs as much as
    0.1: "1/10 of a false alarm",
    0.2: "1/5 of a false alarm",
    0.5: "half a false alarm",
    1.0: "1 false alarm",
    2.0: "2 false alarms",
    5.0: "5 false alarms",
    10.0: "10 false alarms",
    20.0: "20 false alarms",
    50.0: "50 false alarms",
    100.0: "100 false alarms",
}
ALL, ADULTS = "All films", "Adults alone"
CURVE = np.geomspace(PREVALENCES[0], 1, 61)  # prevalences that a curve is drawn through


@render_slots.fragment
def draw(networks: Sequence[ThresholdResult]) -> None:
    """Its sliders rerun this part alone."""
    left, right = st.columns([3, 2], gap="large", vertical_alignment="bottom")
    with left:
        prevalence = st.select_slider(
            "Prevalence: the share of those filmed who have COVID-19",
            PREVALENCES,
            USUAL,
            format_func=evaluation_text.prevalence_label,
            key=PREVALENCE,
            bind="query-params",
        )
    tallies = networks[0].scored.sweeps
    mixed = 0 < tallies["adults"].total[0] < tallies["other"].total[0]
    whose = ALL
    if mixed:
        with right:
            whose = widgets.choice(
                "False alarms as often as among",
                (ALL, ADULTS),
                default=ALL,
                key=WHOSE,
                help="Specificity counted over all films without COVID-19 here, or over the adults' alone.",
            )
    kind = "adults" if mixed and whose == ADULTS else "other"
    others = {of.title: of.scored.sweeps[kind] for of in networks}
    with st.container(key="ward_values"):
        values(networks, others, prevalence, alone=mixed and kind == "other")
    with st.container(key="ward_costs"):
        errors(networks, others, prevalence)
    st.caption(evaluation_text.intervals_note(networks[0].scored.by_patient))


def values(
    networks: Sequence[ThresholdResult], others: Mapping[str, ThresholdSweep], prevalence: float, alone: bool
) -> None:
    """PPV and NPV at the prevalence, and over all of them."""
    wards = {of.title: _ward(of, others[of.title], np.array([prevalence])) for of in networks}
    st.subheader(evaluation_text.ppv_heading(wards, {of.title: of.rates["ppv"] for of in networks}))
    for of in networks:
        said = [evaluation_text.per_thousand(*_rates(of, others[of.title]), prevalence)]
        if alone:
            adults = _ward(of, of.scored.sweeps["adults"], np.array([prevalence]))
            said.append(evaluation_text.adults_alone(wards[of.title], adults))
        name = f"**{prediction_text.plain(of.title)}.** " if len(networks) > 1 else ""
        st.markdown(name + " ".join(filter(None, said)))
    lines = {of.title: _ward(of, others[of.title], CURVE) for of in networks}
    films = networks[0].matrix
    own = films.covid / films.total if films.total else None
    for column, (short, name, asks) in zip(
        st.columns(2, gap="medium"),
        (
            ("ppv", "PPV", "positives that are right"),
            ("npv", "NPV", "negatives that are right"),
        ),
        strict=True,
    ):
        with column:
            cards = {title: getattr(ward, short) for title, ward in wards.items()}
            with st.grid(len(cards), gap="small"):
                for title, band in cards.items():
                    at = Estimate(*(_known(part[0]) for part in (band.value, band.low, band.high)))
                    st.metric(
                        name if len(cards) == 1 else f"{name}, {prediction_text.plain(title)}",
                        percent(at.value),
                        f"95 %: {interval(at)}" if at.low is not None else None,
                        delta_color="gray",
                        delta_arrow="off",
                        help=f"The share of {asks}, at this prevalence.",
                        border=True,
                    )
            bands = {title: getattr(ward, short) for title, ward in lines.items()}
            widgets.show_chart(
                charts.predictive_value(CURVE, bands, prevalence, own, asks, ink=theme.ink()),
                key=f"{short}_curve",
                alt=charts.predictive_value_alt(CURVE, bands, prevalence, name),
            )


def errors(networks: Sequence[ThresholdResult], others: Mapping[str, ThresholdSweep], prevalence: float) -> None:
    """What the thresholds cost, when a miss weighs as much as is set."""
    st.divider()
    miss = st.select_slider(
        "A miss costs as much as",
        list(MISSES),
        1.0,
        format_func=MISSES.get,
        key=MISS,
        bind="query-params",
        help="A miss: a COVID-19 film called negative. A false alarm: another film called positive.",
    )
    found = {
        of.title: evaluation.costs(of.scored.sweeps["covid"], others[of.title], prevalence, miss) for of in networks
    }
    found = {title: one for title, one in found.items() if one}
    if not found:
        st.caption("Costs take films of both kinds, which are not here.")
        return
    marks = {"midway": config.HALF, "the paper's mark": config.PAPER_MARK}
    threshold = networks[0].threshold
    if threshold not in marks.values():
        marks["set above"] = threshold
    st.subheader(evaluation_text.cost_heading(found, MISSES[miss]))
    left, right = st.columns([3, 2], gap="large")
    with left:
        widgets.show_chart(
            charts.cost_curve(found, {f"{at:.2f}, {label}": at for label, at in marks.items()}, ink=theme.ink()),
            key="cost_curve",
            alt=charts.cost_curve_alt(found),
        )
    with right:
        table = evaluation_text.cost_table(found, marks)
        st.table(table, border="horizontal", alt="What each threshold costs")
    st.markdown(evaluation_text.COST_NOTE)


def _ward(of: ThresholdResult, other: ThresholdSweep, prevalence: np.ndarray) -> PredictiveValues:
    return evaluation.predictive_values(of.scored.sweeps["covid"], other, of.threshold, prevalence)


def _rates(of: ThresholdResult, other: ThresholdSweep) -> tuple[Estimate, Estimate]:
    """Sensitivity, and specificity among `other`."""
    return of.rates["sensitivity"], evaluation.inverse(evaluation.share_at(other, of.threshold))


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
