"""Keep what the user sets: network, threshold and film in the URL, uploads in the session.

A link restores the view: `?network=paper&threshold=0.4&film=cohen-0001`. Invalid values in the URL are replaced by the
default and removed. The widgets' limits hold only in the browser, so values are checked again here.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence

import streamlit as st
from streamlit.errors import StreamlitAPIException
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.typing import UploadedFile
from streamlit.util import calc_hash

from covid_model import config
from covid_model.app import films, session
from covid_model.app.films import ImageSource
from covid_model.app.runtime import memory
from covid_model.imaging import FilmError
from covid_model.model import registry

NETWORK, THRESHOLD, FILM = "network", "threshold", "film"  # keys in the session state and parameters in the URL
UPLOADER, UPLOADS, UPLOADED = "uploader", "uploads", "uploaded"
FILM_PAGES = ("try_an_xray", "how_it_works")  # the pages with a film in their URL
PRESENT = "present"  # in the session state and the URL: presenter mode
PAGE = "page"  # in the session state: the page shown last
MAX_UPLOADS = 50  # files of one upload that are kept
THRESHOLD_STEP = 0.01
# The types of the upload field. "image" stands for any image type: with it in the list, Streamlit leaves the check of
# file extensions to the browser; without it, Streamlit raises for a forged extension on every run, before the app runs.
# `films.ImageSource` refuses such a file instead.
ACCEPTED_TYPES = ("image", *films.DICOM_TYPES)


def network_from(value: object) -> str:
    """Return `value` if it is a network's name, else the default network."""
    return value if isinstance(value, str) and value in registry.names() else registry.default()


def threshold_from(value: object) -> float:
    """Return `value` as a number in [0, 1], rounded to hundredths; if it is not one, the default threshold."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return config.THRESHOLD
    return round(number, 2) if math.isfinite(number) and 0 <= number <= 1 else config.THRESHOLD


def carry_over() -> None:
    """Copy settings of the previous page into this page's URL. The entry file calls it before `st.navigation`.

    Streamlit carries over values set with a widget, but not values set by the URL. The order matters: a change of the
    URL adds an entry to the browser's history, for the page that the browser is at. Before `st.navigation` that is
    still the previous page; after it, it would be this one, and leaving it would take two presses of Back.
    """
    page = _page()
    if st.session_state.get(PAGE) in (None, page):
        return
    carried: dict[str, str] = {}
    if st.session_state.get(PRESENT) and PRESENT not in st.query_params:
        st.query_params[PRESENT] = "1"
    for key, checked, default in (
        (NETWORK, network_from, registry.default()),
        (THRESHOLD, threshold_from, config.THRESHOLD),
    ):
        value = checked(st.session_state.get(key))
        if key not in st.query_params and value != default:
            carried[key] = in_address(value)
            st.session_state[key] = value
    film = st.session_state.get(FILM)
    if film is not None and FILM not in st.query_params and page in map(calc_hash, FILM_PAGES):
        carried[FILM] = film
    if carried:
        with contextlib.suppress(StreamlitAPIException):  # bound to the last page's widget until this page's is drawn
            st.query_params.update(carried)


def film_link(film: str, network: str, threshold: float) -> dict[str, str]:
    """Return the query parameters of a link to a film, exactly as the page that it opens would write them.

    That page then has nothing to change in its URL. A change would be a second entry in the browser's history, and Back
    would lead to the film again.
    """
    requested = {FILM: film, NETWORK: network, THRESHOLD: in_address(threshold)}
    if presenting():
        requested[PRESENT] = "1"
    defaults = {NETWORK: registry.default(), THRESHOLD: in_address(config.THRESHOLD)}
    return {key: value for key, value in requested.items() if value != defaults.get(key)}


def in_address(value: str | float) -> str:
    """Return a network or a threshold as the URL has it. A bound slider writes 1.0 as "1"."""
    return value if isinstance(value, str) else f"{value:g}"


def entered() -> None:
    """Remember the current page and mode. The entry file calls it after `st.navigation`."""
    st.session_state[PAGE] = _page()
    st.session_state[PRESENT] = presenting()


def presenting() -> bool:
    """Return whether the URL asks for presenter mode."""
    return st.query_params.get(PRESENT) == "1"


def present(on: bool) -> None:
    """Switch presenter mode on or off; called from a callback."""
    st.session_state[PRESENT] = on
    if on:
        st.query_params[PRESENT] = "1"
    elif PRESENT in st.query_params:
        del st.query_params[PRESENT]


def _page() -> str | None:
    """Return Streamlit's hash of the current page; None outside a run."""
    context = get_script_run_ctx()
    return context.page_script_hash if context else None


def network_picker(label: str = "Model") -> str:
    """Draw the choice of network and return the chosen name, which the URL keeps."""
    return networks_picker(label, NETWORK, registry.default())


def networks_picker(label: str, key: str, default: str) -> str:
    """Draw a choice of all networks by short title, and return the chosen name, which the URL keeps as `key`.

    Streamlit's binding would put titles in the URL. So the URL is read before the widget is drawn, and written when the
    user changes it.
    """
    entries = {entry.name: entry for entry in registry.entries()}
    if not entries:
        st.caption(f"{label}: no model is installed.")
        return registry.NONE
    default = default if default in entries else next(iter(entries))
    requested = st.query_params.get(key)
    st.session_state[key] = requested if requested in entries else default
    if requested is not None and requested not in entries:  # the default may stay: deleting it would add to the history
        del st.query_params[key]
    chosen = st.segmented_control(
        label,
        list(entries),
        format_func=lambda name: entries[name].short_title,
        required=True,
        key=key,
        on_change=_network_to_url,
        args=(key, default),
        help="  \n".join(f"*{entry.short_title}*: {entry.help}" for entry in entries.values() if entry.help) or None,
        wrap=True,
    )
    return chosen if chosen in entries else default


def _network_to_url(key: str, default: str) -> None:
    """Write the chosen network into the URL, or remove it if it is the default."""
    chosen = st.session_state.get(key)
    if chosen in registry.names() and chosen != default:
        st.query_params[key] = chosen
    elif key in st.query_params:
        del st.query_params[key]


def threshold() -> float:
    """Return the threshold in the URL, for a page without a slider; the pages that follow keep it."""
    value = st.session_state[THRESHOLD] = threshold_from(st.query_params.get(THRESHOLD))
    return value


def threshold_slider(label: str = "Threshold") -> float:
    """Draw the threshold slider, bound to the URL, and return the threshold in [0, 1]."""
    chosen = st.slider(
        label,
        0.0,
        1.0,
        config.THRESHOLD,
        THRESHOLD_STEP,
        key=THRESHOLD,
        bind="query-params",
        help=f"An X-ray with a score above it is positive. The paper's Figure 3 marks {config.PAPER_MARK}.",
    )
    return threshold_from(chosen)


def choose_network(name: str, key: str = NETWORK, default: str | None = None) -> None:
    """Set the network of the picker `key`, from a callback; `default` is what that picker shows at first."""
    st.session_state[key] = network_from(name)
    _network_to_url(key, default or registry.default())


# --- The film shown: a sample by its id in the URL, or the user's uploads ---


def film_id(known: Callable[[str], bool]) -> str | None:
    """Return the id of the sample film to show, or None. An id that is not `known` is removed from the URL.

    Streamlit clears the URL when the page changes, so the session remembers the film, and writes it to the URL again
    when the user returns to the page (whose widgets are then new).
    """
    requested = st.query_params.get(FILM)
    if requested is None and UPLOADER not in st.session_state:
        requested = st.session_state.get(FILM)
    if requested is not None and not known(requested):
        requested = None
    _show(requested)
    return requested


def choose_film(film: str | None) -> None:
    """Show the sample film with this id, or the uploads again if it is None; called from a callback."""
    _show(film)


def _show(film: str | None) -> None:
    st.session_state[FILM] = film
    if film is not None:
        if st.query_params.get(FILM) != film:  # every write sends the address as this run knows it, which may be old
            st.query_params[FILM] = film
    elif FILM in st.query_params:
        del st.query_params[FILM]


def uploader() -> list[ImageSource]:
    """Draw the upload field and return the session's uploads, at most MAX_UPLOADS, also those of an earlier visit.

    They are kept only in the session, until the user removes them or leaves.
    """
    st.file_uploader(
        "Upload X-rays",
        type=ACCEPTED_TYPES,
        accept_multiple_files=True,
        max_upload_size=config.MAX_BYTES // 2**20,
        key=UPLOADER,
        on_change=take_uploads,
        help="Frontal chest X-rays as PNG, JPEG, TIFF or DICOM, one or several. They stay in memory while this page is "
        "open, and are never stored.",
    )
    return list(st.session_state.get(UPLOADS, ()))


def take_uploads() -> None:
    """Keep the current files of the upload field, and show them instead of a sample film.

    Files that were removed, and those beyond MAX_UPLOADS, are dropped from the server's memory.
    """
    sent: Sequence[object] = st.session_state.get(UPLOADER) or ()
    files = [
        file for file in sent if isinstance(file, UploadedFile)
    ]  # without files that the server has already dropped
    kept = {
        source.content.file_id: source for source in st.session_state.get(UPLOADS, ())
    }  # so that digests are not computed again
    sources = [kept.pop(file.file_id, None) or ImageSource.from_upload(file) for file in files]
    _forget([*sources[MAX_UPLOADS:], *kept.values()])
    st.session_state[UPLOADS], st.session_state[UPLOADED] = sources[:MAX_UPLOADS], len(sent)
    if files:
        _show(None)


def uploaded() -> int:
    """Return how many files the last upload had, including those beyond MAX_UPLOADS."""
    return st.session_state.get(UPLOADED, 0)


def field_is_empty() -> bool:
    """Return whether the upload field is empty; there may still be uploads from an earlier visit to the page."""
    return not st.session_state.get(UPLOADER)


def drop_uploads() -> None:
    """Forget every upload."""
    _forget(st.session_state.get(UPLOADS, ()))
    st.session_state[UPLOADS] = []


def _forget(sources: Sequence[ImageSource]) -> None:
    """Drop uploads from memory: their bytes, and everything computed from them."""
    for source in sources:
        with contextlib.suppress(FilmError):  # the file was refused before it was read: nothing to drop
            session.forget(source)
        memory.forget(source.content.file_id)
