"""How fast the demo reads and how many visitors it bears: what was measured, with the machine that it was measured on.

From the records that `python -m covid_model benchmark` and `python -m tests.load` leave in assets/results.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from covid_model import charts, config, records
from covid_model.app import theme, widgets
from covid_model.app.text import prediction as prediction_text

REACHED = {True: "yes", False: "no", None: "–"}


def show() -> None:
    """A section of the page About; nothing where nothing was measured."""
    kept, load = records.load_benchmark(config.BENCHMARK_JSON), load_record()
    parts = list(kept["parts"].values()) if kept else []
    if not parts and not load:
        return
    st.container(key="about_speed").subheader("How fast it is")
    if parts:
        st.markdown(machine(parts))
        st.table(
            table(parts),
            border="horizontal",
            hide_index=True,
            alt="What was timed, what came out, what was to be reached, and whether it was",
        )
        notes = [(row["what"], row["note"]) for part in parts for row in part["rows"] if row["note"]]
        if notes:
            with st.expander("What lies behind these figures", icon=":material/speed:"):
                for what, note in notes:
                    st.markdown(f"**{prediction_text.plain(what)}.** {prediction_text.plain(note)}")
        _growth(kept["parts"].get("curves", {}).get("record", {}))
    for sentence in visitors(load):
        st.markdown(f"- {sentence}")


def _growth(curves: dict[str, dict[str, list[float]]]) -> None:
    """How cost grows with each size that was tried, side by side; nothing where none was."""
    if not curves:
        return
    st.markdown("**How the cost grows**, on axes where growth in proportion is a line as steep as the dashed one")
    for number, (column, (name, curve)) in enumerate(zip(st.columns(len(curves)), curves.items(), strict=True)):
        with column:
            widgets.show_chart(
                charts.growth(name, curve["size"], curve["seconds"], ink=theme.ink()),
                key=f"growth_{number}",
                alt=charts.growth_alt(name, curve["size"], curve["seconds"]),
            )


def load_record(path: Path | None = None) -> dict[str, Any]:
    """The record of the load test, by run; empty where there is none or it is damaged."""
    try:
        found = json.loads((path or config.LOAD_JSON).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def machine(parts: list[dict[str, Any]]) -> str:
    """Where and when the figures were measured, as Markdown."""
    one, dates = parts[-1]["machine"], sorted({part["date"] for part in parts})
    busiest = max(max(part["load"]) for part in parts)
    crowded = (
        f" Up to {busiest:.0f} processes wanted its {one['cores']} cores meanwhile, so times are longer than on an "
        "idle machine; the ratios compare things that took turns."
        if busiest > one["cores"]
        else ""
    )
    return (
        f"Measured on {' and '.join(dates)} on a machine with {one['cores']} cores "
        f"({prediction_text.plain(one['processor'])}) "
        f"and {one['memory_gib']} GiB of memory.{crowded}"
    )


def table(parts: list[dict[str, Any]]) -> pd.DataFrame:
    """One row a measurement."""
    rows = [row for part in parts for row in part["rows"]]
    return pd.DataFrame(
        {
            "Measured": [row["what"] for row in rows],
            "Result": [figure(row) for row in rows],
            "To reach": [row["goal"] or "–" for row in rows],
            "Reached": [REACHED[row["reached"]] for row in rows],
        }
    )


def figure(row: dict[str, Any]) -> str:
    """A result with its unit, and the numbers behind it."""
    if row["value"] is None:
        return "not measured"
    value = f"{row['value']:,.3g}" if abs(row["value"]) < 100 else f"{row['value']:,.0f}"
    return f"{value} {row['unit']}".strip() + (f" ({row['detail']})" if row["detail"] else "")


def visitors(load: dict[str, Any]) -> list[str]:
    """What each run of the load test came to, one sentence a run."""
    found = []
    for name, run in load.items():
        who = {
            "steady": f"{run.get('sessions')} visitors read films one after another",
            "at_once": f"{run.get('sessions')} visitors uploaded a film at the same moment",
            "soak": f"{run.get('visitors')} visitors came and went in {run.get('minutes'):g} minutes"
            if "minutes" in run
            else "",
        }.get(name)
        if not who:
            continue
        missed = [prediction_text.plain(what) for what, held in run["held"].items() if held is False]
        outcome = f"Not held: {'; '.join(missed)}." if missed else "All that was asked for held."
        found.append(
            f"**{who}**: {run['readings']:,} films read, {len(run['failures'])} failures, {same(run)} as a visitor "
            f"alone gets, at most {run['peak_mb']:,.0f} MB of memory. {outcome}"
        )
    return found


def same(run: dict[str, Any]) -> str:
    """How near a run's scores came to those of a visitor alone."""
    largest = run["largest_difference"]
    return f"the same scores within {largest:.0e}" if largest else "exactly the scores"
