"""The figures of every split and source apart."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from covid_model.app import cache, words
from covid_model.app.outcomes import Called
from covid_model.app.testset import findings

TITLE = "Source by source"  # of the tab, here and in the address


def draw(networks: Sequence[Called]) -> None:
    with st.spinner("Counting every source apart, once."):
        parts = {of.name: cache.parts(of.name) for of in networks}
    for of in networks:
        heading = findings.sources_heading(parts[of.name])
        st.subheader(heading if len(networks) == 1 else f"{words.plain(of.title)}: {heading}")
        table = findings.sources(parts[of.name], of.threshold)
        st.table(table, border="horizontal", hide_index=True, alt=f"Figures by split and source: {of.title}")
    st.caption(f"At the threshold of {networks[0].threshold:.2f}. {findings.SOURCES_NOTE}")
    st.caption(findings.note(networks[0].scored.by_patient))
