"""Draw how fast the demo is and how many users it serves, with the machine that it was measured on.

From the records of `python -m covid_model benchmark` and `python -m tests.load` in assets/results.
"""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
import streamlit as st

from covid_model import charts, config, records
from covid_model.app import theme, widgets
from covid_model.app.text import prediction as prediction_text

REACHED = {True: "yes", False: "no", None: "–"}


def show() -> None:
    """Draw a section of the page "About"; nothing without records."""
    kept, load = records.load_benchmark(config.BENCHMARK_JSON), records.load_load_test() or {}
    parts = list(kept["parts"].values()) if kept else []
    if not parts and not load:
        return
    st.container(key="about_speed").subheader("Speed and load")
    if parts:
        st.markdown(machine(parts))
        st.table(
            table(parts),
            border="horizontal",
            hide_index=True,
            alt="Measurements with result, target, and whether the target was met",
        )
        notes = [(row["what"], row["note"]) for part in parts for row in part["rows"] if row["note"]]
        if notes:
            with st.expander("Notes on these measurements", icon=":material/speed:"):
                for label, note in notes:
                    st.markdown(f"**{prediction_text.plain(words(label))}.** {prediction_text.plain(words(note))}")
        _growth(kept["parts"].get("curves", {}).get("record", {}))
    for sentence in visitors(load):
        st.markdown(f"- {sentence}")


def _growth(curves: dict[str, dict[str, list[float]]]) -> None:
    """Draw how the cost grows with size, one chart a curve; nothing without curves."""
    if not curves:
        return
    st.markdown("**Scaling**, on log-log axes: linear growth is parallel to the dashed line")
    for number, (column, (name, curve)) in enumerate(zip(st.columns(len(curves)), curves.items(), strict=True)):
        name = words(name)
        with column:
            widgets.show_chart(
                charts.growth(name, curve["size"], curve["seconds"], ink=theme.ink()),
                key=f"growth_{number}",
                alt=charts.growth_alt(name, curve["size"], curve["seconds"]),
            )


def machine(parts: list[dict[str, Any]]) -> str:
    """Return where and when the figures were measured, as Markdown."""
    machine_record, dates = parts[-1]["machine"], sorted({part["date"] for part in parts})
    busiest = max(max(part["load"]) for part in parts)
    crowded = (
        f" Up to {busiest:.0f} processes competed for its {machine_record['cores']} cores, so times are longer than on "
        "an idle machine; the ratios compare alternating runs."
        if busiest > machine_record["cores"]
        else ""
    )
    return (
        f"Measured on {' and '.join(dates)} on a machine with {machine_record['cores']} cores "
        f"({prediction_text.plain(machine_record['processor'])}) "
        f"and {machine_record['memory_gib']} GiB of memory.{crowded}"
    )


def table(parts: list[dict[str, Any]]) -> pd.DataFrame:
    """Return one row for each measurement."""
    rows = [row for part in parts for row in part["rows"]]
    return pd.DataFrame(
        {
            "Measured": [words(row["what"]) for row in rows],
            "Result": [figure(row) for row in rows],
            "Target": [words(row["goal"]) or "–" for row in rows],
            "Met": [REACHED[row["reached"]] for row in rows],
        }
    )


def figure(row: dict[str, Any]) -> str:
    """Return a result with its unit and detail."""
    if row["value"] is None:
        return "not measured"
    value = f"{row['value']:,.3g}" if abs(row["value"]) < 100 else f"{row['value']:,.0f}"
    return f"{value} {words(row['unit'])}".strip() + (f" ({words(row['detail'])})" if row["detail"] else "")


def words(text: str) -> str:
    """Return a text of the records with X-ray for film, the word of the code."""
    return re.sub(r"\bfilm(s?)\b(?! \d)", r"X-ray\1", text)


def visitors(load: dict[str, Any]) -> list[str]:
    """Return the result of each run of the load test, one sentence each."""
    sentences = []
    for name, run in load.items():
        who = {
            "steady": f"{run.get('sessions')} users analyzed X-rays one after another",
            "at_once": f"{run.get('sessions')} users uploaded an X-ray at the same moment",
            "soak": f"{run.get('visitors')} users came and went in {run.get('minutes'):g} minutes"
            if "minutes" in run
            else "",
        }.get(name)
        if not who:
            continue
        missed = [prediction_text.plain(label) for label, held in run["held"].items() if held is False]
        outcome = f"Targets missed: {'; '.join(missed)}." if missed else "All targets were met."
        sentences.append(
            f"**{who}**: {run['readings']:,} X-rays analyzed, {len(run['failures'])} failures, {same(run)} as for a "
            f"single user, at most {run['peak_mb']:,.0f} MB of memory. {outcome}"
        )
    return sentences


def same(run: dict[str, Any]) -> str:
    """Return how close a run's scores are to those of a single user."""
    largest = run["largest_difference"]
    return f"the same scores within {largest:.0e}" if largest else "exactly the same scores"
