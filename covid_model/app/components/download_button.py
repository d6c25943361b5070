"""Offer the real sample films for download, and report the outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from covid_model import config
from covid_model.app.text import prediction as prediction_text
from covid_model.data import real_films

if TYPE_CHECKING:
    from covid_model.data.download import DownloadReport

RESULT = "fetching-said"  # in the session: the last attempt's outcome, shown by the run after it
WHERE = "From GitHub and Kaggle, one by one. They are kept in this computer's cache."


def offer(missing: list[str], label: str = "Load images for this page", heading: str = "") -> None:
    """Draw the button that downloads the films `missing`, if there are any, and the outcome of the last attempt."""
    kind, message = st.session_state.pop(RESULT, ("", ""))
    if kind == "toast":
        st.toast(message, icon=":material/check:")
    elif message:
        st.warning(prediction_text.plain(message), icon=":material/cloud_off:")
    if not missing:
        return
    if heading:
        st.markdown(f":small[{heading}]")
    if st.button(label, key="fetch_films", icon=":material/download:", help=WHERE):
        with st.spinner(f"Downloading {len(missing)} X-rays from GitHub and Kaggle."):
            st.session_state[RESULT] = fetch(missing)
        st.rerun()


def fetch(missing: list[str]) -> tuple[str, str]:
    """Download films. Return how to show the outcome ("toast" or "warning"), and its text."""
    from covid_model.data.download import DownloadError

    try:
        report = real_films.download(missing)
    except DownloadError as error:
        return "warning", str(error)
    except OSError as error:
        return "warning", f"The X-rays cannot be saved in {config.REAL_FILMS}: {error.strerror or error}."
    return outcome(report, len(missing))


def outcome(report: DownloadReport, requested: int) -> tuple[str, str]:
    """Return how to show the report on `requested` films ("toast" or "warning"), and its text."""
    if report.complete:
        return "toast", "X-rays downloaded." if requested > 1 else "X-ray downloaded."
    reasons = "; ".join(dict.fromkeys(film.reason for film in report.missing))
    if all(film.host for film in report.missing) and not report.fetched.total():
        return "warning", (
            f"Nothing was downloaded: GitHub and Kaggle cannot be reached ({reasons}). Everything else works offline; "
            "try again when you are online."
        )
    return "warning", (
        f"{report.fetched.total()} of {requested} X-rays downloaded. Missing: {len(report.missing)} ({reasons})."
    )
