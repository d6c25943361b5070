"""Draw screen 2: age and source of the two classes."""

from __future__ import annotations

from functools import partial

import streamlit as st

from covid_model import charts, config
from covid_model.app import cache, state, widgets
from covid_model.app.components import case_list
from covid_model.app.components.slides import Figure, Point, slide
from covid_model.app.runtime import render_slots
from covid_model.app.text import bias as bias_text
from covid_model.app.text import browse as browse_text
from covid_model.charts import bias as bias_charts
from covid_model.config import SPLIT_LABELS
from covid_model.data import dataset
from covid_model.data.dataset import DataError
from covid_model.evaluation import subgroups
from covid_model.evaluation.subgroups import AgeRow
from covid_model.formatting import percent

WHO = "who"  # name in the URL; the value is a label
ORDER = ("test", "train", "extra", "extra-test", "external")  # the paper's two sets first


def point(split: str = "test") -> Point | None:
    """Return what the screen says; None without a list of films."""
    try:
        films = cache.films_table()
    except DataError:
        return None
    rows = subgroups.age_rows(dataset.labeled(films[films["split"] == split]))
    young = next((row for row in rows if row.name == subgroups.CHILDREN), subgroups.AgeRow(subgroups.CHILDREN, 0, 0))
    shown = []
    for label, count, total in (
        ("of the non-COVID X-rays show children", young.other, sum(row.other for row in rows)),
        ("of the COVID-19 X-rays do", young.covid, sum(row.covid for row in rows)),
    ):
        if total:
            shown.append(Figure(percent(count / total), label, count / total))
    return Point(bias_text.age_mix(rows, subgroups.CHILDREN, SPLIT_LABELS[split][0]), tuple(shown))


def open_bar(split: str, rows: list[AgeRow]) -> None:
    """Open the films of the bar that was clicked; a callback."""
    clicked = charts.clicked_group(st.session_state[f"ages_{split}"]["selection"]["points"], len(rows))
    if clicked:
        row, covid = clicked
        network = state.network_from(st.session_state.get(state.NETWORK))
        case_list.open_films(browse_text.age_address(split, rows[row].name, covid), network)


@render_slots.fragment
def show() -> None:
    """Draw the screen."""
    place = slide()
    try:
        films = cache.films_table()
    except DataError as error:
        place.say("Who was in the data?", str(error))
        return
    with place.control:
        split = widgets.choice(
            "X-rays",
            ORDER,
            format_func=lambda name: SPLIT_LABELS[name][0],
            default="test",
            key=WHO,
            wrap=True,
        )
    part = dataset.labeled(films[films["split"] == split])
    if part.empty:
        place.say("Who was in the data?", "There are no X-rays in this set.")
        return
    rows = subgroups.age_rows(part)
    grown = part[part["source"] != config.CHILDREN]
    stated = bias_text.stated_ages(subgroups.stated_ages(grown).dropna().tolist(), len(grown)) if len(grown) else ""
    place.say(
        point(split).headline, "Do the two classes differ in more than the disease? Click a bar to see its X-rays."
    )
    with place.picture.container():
        widgets.show_chart(
            bias_charts.ages(rows, ink=widgets.ink()),
            f"ages_{split}",
            bias_charts.ages_alt(rows),
            on_select=partial(open_bar, split, rows),
            selection_mode="points",
        )
        if case_list.BROWSE in st.session_state:
            st.rerun()  # the whole page, which calls `follow`
    by_source = bias_text.source_only(*subgroups.accuracy_from_source(part))
    place.explain(
        f"{SPLIT_LABELS[split][1]}: {len(part):,} X-rays. {by_source}",
        stated,
        "Bars are shares of each class.",
        critics=("roberts", "degrave"),
    )
