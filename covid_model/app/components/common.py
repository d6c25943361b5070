"""Draw what several components share: links, downloads, code to copy, the queue, a missing network."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import streamlit as st

from covid_model import config
from covid_model.app import state
from covid_model.app.runtime import render_slots
from covid_model.app.text import code_snippets
from covid_model.app.text import prediction as prediction_text
from covid_model.data import samples
from covid_model.model import registry
from covid_model.model.queue import QueueFullError, ServiceError
from covid_model.reports.summary import PredictionSummary, to_csv

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from covid_model.data.download import DownloadReport
    from covid_model.model.queue import QueuePosition


WEIGHTS_FAILURE = "weights-failure"  # in the session: why the last download of VGG-19's weights failed
CODE_WIDTH = 860  # pixels of the dialog, for the longest line of code
TRY_PAGE = config.ROOT / "covid_model" / "app" / "pages" / "try_an_xray.py"
AGAIN = "try-again"  # key of the button that asks a full queue again


def open_link(film: str, network: str, threshold: float) -> None:
    """Draw the link that opens a film in "Try an X-ray"."""
    st.page_link(
        TRY_PAGE,
        label=film,
        icon=":material/open_in_new:",
        help="Open this X-ray in Try an X-ray",
        query_params=state.film_link(film, network, threshold),
    )


def network_missing(error: registry.NetworkError, name: str, picker: str = state.NETWORK) -> None:
    """Say why the network `name` cannot be used, and offer a remedy: the download that it needs, or another network.

    The other network goes to the picker that chose this one.
    """
    if isinstance(error, ServiceError):
        _service_away(error)
        st.button("Try again", key=AGAIN, icon=":material/refresh:")
        return
    if isinstance(error, registry.WeightsMissingError):
        weights_missing(name)
    else:
        st.error(
            prediction_text.plain(error),
            title=f"{prediction_text.plain(registry.title(name))} is not available",
            icon=":material/cloud_off:",
        )
    for other in registry.names():
        if other != name:
            shown_first = None if picker == state.NETWORK else name
            st.button(
                f"Switch to {registry.short_title(other)}",
                on_click=state.choose_network,
                args=(other, picker, shown_first),
                key=f"use-{other}",
            )


def _service_away(error: ServiceError) -> None:
    """Say that the prediction service gave no answer, and what works without it."""
    st.warning(
        f"{prediction_text.plain(error)} {prediction_text.WITHOUT_SERVICE}",
        title="New X-rays cannot be analyzed right now",
        icon=":material/cloud_off:",
    )


def weights_missing(name: str) -> None:
    """Offer the download of VGG-19's weights, which the network `name` is built on."""
    slot = st.empty()
    with slot.container():
        st.info(prediction_text.weights_missing(registry.title(name)), icon=":material/download:")
        failure = st.session_state.pop(WEIGHTS_FAILURE, "")
        if failure:
            st.warning(prediction_text.plain(failure), icon=":material/cloud_off:")
        asked = st.button("Download VGG-19 (80 MB)", key=f"fetch-weights-{name}", icon=":material/download:")
    if asked:
        bar = slot.progress(0.0, "Downloading VGG-19's weights")
        st.session_state[WEIGHTS_FAILURE] = _fetch_weights(bar)
        st.rerun()


def _fetch_weights(bar: DeltaGenerator) -> str:
    """Download VGG-19's weights and show the progress; return the reason for a failure, "" if there was none."""
    from covid_model.data import setup
    from covid_model.data.download.http import NotAvailable

    shown = -1

    def advance(received: int, announced: int) -> None:
        nonlocal shown
        percent = min(100 * received // announced, 100) if announced else 0
        if percent > shown:  # not for each of a thousand chunks
            bar.progress(percent / 100, f"Downloading VGG-19's weights: {received / 1e6:.0f} MB")
            shown = percent

    try:
        setup.download_weights(on_progress=advance)
    except NotAvailable as error:
        return f"The weights could not be downloaded: {error}. Try again when this computer is online."
    except OSError as error:
        return f"The weights could not be saved in {config.vgg19_cache().parent}: {error.strerror or error}."
    return ""


def download(label: str, summaries: list[PredictionSummary], stem: str, **more: Any) -> None:
    """Draw a button that downloads results as JSON; `more` goes to `st.download_button`."""
    st.download_button(
        label,
        json.dumps([summary.as_json() for summary in summaries], indent=1),
        f"{stem}.json",
        "application/json",
        key=f"json-{stem}",
        icon=":material/data_object:",
        on_click="ignore",
        **more,
    )


def download_table(label: str, summaries: list[PredictionSummary], stem: str) -> None:
    """Draw a button that downloads the same results as CSV, made when it is pressed."""
    st.download_button(
        label,
        lambda: to_csv(summaries),
        f"{stem}.csv",
        "text/csv",
        key=f"csv-{stem}",
        icon=":material/table:",
        on_click="ignore",
    )


@render_slots.fragment
def code_button(title: str, *snippets: str, key: str, note: str | None = None) -> None:
    """Draw the button that opens code to copy in a dialog, which holds the keyboard's focus (a popover does not).

    Draws nothing if there is no snippet.

    Args:
        title: of the dialog.
        key: of the step or run that the code is of.
        note: below the code, plain text.
    """
    if snippets and st.button(code_snippets.SHOW, key=f"code_{key}", icon=":material/code:", type="tertiary"):
        st.dialog(title, width=CODE_WIDTH, icon=":material/code:")(_show_code)(snippets, note)


def _show_code(snippets: tuple[str, ...], note: str | None) -> None:
    for snippet in snippets:
        st.code(snippet)
    if note:
        st.caption(note)


# --- The queue before the network -------------------------------------------------------------------


class QueueStatus:
    """Draw a user's position in the queue into one slot of the page, as a `queue.OnProgress`.

    Draws nothing while nobody waits.

    Args:
        slot: an `st.empty`.
        before: text in front of the position.
    """

    def __init__(self, slot: DeltaGenerator, before: str = ""):
        self._slot, self._before, self._most = slot, before, 0

    def __call__(self, place: QueuePosition) -> None:
        self._most = max(self._most, place.ahead)
        if self._most:
            done = 1 - place.ahead / (self._most + 1)  # the film itself counts as well
            self._slot.progress(done, f"{self._before}{prediction_text.queue_position(place)}")


def ask_again(busy: QueueFullError) -> None:
    """Say that the queue is full, and offer a button that runs the page again."""
    st.warning(prediction_text.plain(busy), title="Please wait a moment", icon=":material/hourglass_top:")
    st.button("Try again", key=AGAIN, icon=":material/refresh:")


def say_why(error: Exception) -> None:
    """Show the reason for a failure; offer another try if the queue is full."""
    if isinstance(error, QueueFullError):
        ask_again(error)
    elif isinstance(error, ServiceError):
        _service_away(error)
    elif isinstance(error, registry.WeightsMissingError):
        st.info(prediction_text.plain(error), icon=":material/download:")
    else:
        st.error(prediction_text.plain(error), icon=":material/block:")


# --- The real sample films ---

FETCH_RESULT = "fetching-said"  # in the session: the last attempt's outcome, shown by the run after it
FETCH_HELP = "From GitHub and Kaggle, one by one. They are kept in this computer's cache."


def offer_films(missing: list[str], label: str = "Download the images on this page", heading: str = "") -> None:
    """Draw the button that downloads the films `missing`, if there are any, and the outcome of the last attempt."""
    kind, message = st.session_state.pop(FETCH_RESULT, ("", ""))
    if kind == "toast":
        st.toast(message, icon=":material/check:")
    elif message:
        st.warning(prediction_text.plain(message), icon=":material/cloud_off:")
    if not missing:
        return
    place = st.empty()  # there without a heading too: see film_picker.tile
    if heading:
        place.markdown(f":small[{heading}]")
    if st.button(label, key="fetch_films", icon=":material/download:", help=FETCH_HELP):
        with st.spinner(f"Downloading {len(missing)} X-rays from GitHub and Kaggle"):
            st.session_state[FETCH_RESULT] = fetch_films(missing)
        st.rerun()


def fetch_films(missing: list[str]) -> tuple[str, str]:
    """Download films. Return how to show the outcome ("toast" or "warning"), and its text."""
    from covid_model.data.download import DownloadError

    try:
        report = samples.download(missing)
    except DownloadError as error:
        return "warning", str(error)
    except OSError as error:
        return "warning", f"The X-rays cannot be saved in {config.REAL_FILMS}: {error.strerror or error}."
    return fetch_outcome(report, len(missing))


def fetch_outcome(report: DownloadReport, requested: int) -> tuple[str, str]:
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
