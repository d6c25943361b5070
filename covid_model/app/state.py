"""What a visitor sets: network and threshold and film in the address, uploads in the session.

A link carries the scene: `?network=paper&threshold=0.4&film=cohen-0001`. Nonsense in the address falls back to the
default and leaves the address. The widgets here check what comes from the browser a second time, for their limits hold
in the browser only.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Container, Sequence

import streamlit as st
from streamlit.errors import StreamlitAPIException
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.typing import UploadedFile
from streamlit.util import calc_hash

from covid_model import config
from covid_model.app import session
from covid_model.app.films import ImageSource
from covid_model.app.runtime import sessions
from covid_model.imaging import FilmError
from covid_model.model import registry

NETWORK, THRESHOLD, FILM = "network", "threshold", "film"  # keys of the session and names in the address
UPLOADER, UPLOADS, UPLOADED = "uploader", "uploads", "uploaded"
RUN = "run"  # in the address and the session: "1" once the user has started the network in How it works
PAGES_WITH = {FILM: ("try_an_xray", "how_it_works"), RUN: ("how_it_works",)}  # which pages have it in their address
PRESENT = "present"  # in the session and the address: presenter mode
PAGE = "page"  # in the session: the page that was looked at last
MAX_UPLOADS = 50  # films of one upload that are read
THRESHOLD_STEP = 0.01
# What the upload field takes, in words that Streamlit shows as they are: "image" stands for every kind of picture. With
# such a kind in the list, Streamlit leaves the ending of a file's name to the browser. Without one it raises for an
# ending forged past the browser, on every run and before the app's code; `films.ImageSource` refuses such a file
# instead.
TAKEN = ("image", "dcm", "dicom")


def network_from(value: object) -> str:
    """`value` where it names a network, else the default one."""
    return value if isinstance(value, str) and value in registry.names() else registry.default()


def threshold_from(value: object) -> float:
    """`value` as a number in [0, 1], rounded to hundredths; the default threshold where it is none."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return config.THRESHOLD
    return round(number, 2) if math.isfinite(number) and 0 <= number <= 1 else config.THRESHOLD


def carry_over() -> None:
    """Put what was set on the last page into this page's address. The entry file calls it before `st.navigation`.

    Streamlit carries over what was set by hand, but not what the URL set. The order matters: a change of the
    address makes an entry in the browser's history, of the page that the browser is at. Before `st.navigation` that is
    still the last page; behind it, it would be this one, and Back would need a second press to leave it.
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
    for key, pages in PAGES_WITH.items():
        value = st.session_state.get(key)
        if value is not None and key not in st.query_params and page in map(calc_hash, pages):
            carried[key] = value
    if carried:
        with contextlib.suppress(StreamlitAPIException):  # the last page's control holds it still: this one's will
            st.query_params.update(carried)


def film_link(film: str, network: str, threshold: float) -> dict[str, str]:
    """Return the query parameters of a link to a film, exactly as the page that it opens would write them.

    That page then has nothing to change in its address. A change would be a second entry in the browser's history:
    Back would lead to the film again.
    """
    asked = {FILM: film, NETWORK: network, THRESHOLD: in_address(threshold)}
    if presenting():
        asked[PRESENT] = "1"
    defaults = {NETWORK: registry.default(), THRESHOLD: in_address(config.THRESHOLD)}
    return {key: value for key, value in asked.items() if value != defaults.get(key)}


def in_address(value: str | float) -> str:
    """Return a network or a threshold as the address has it. A bound slider writes 1.0 as "1"."""
    return value if isinstance(value, str) else f"{value:g}"


def entered() -> None:
    """Remember the page that is shown, and the mode. The entry file calls it after `st.navigation`."""
    st.session_state[PAGE] = _page()
    st.session_state[PRESENT] = presenting()


def presenting() -> bool:
    """Return whether the address asks for presenter mode."""
    return st.query_params.get(PRESENT) == "1"


def present(on: bool) -> None:
    """Switch presenter mode on or off; a callback."""
    st.session_state[PRESENT] = on
    if on:
        st.query_params[PRESENT] = "1"
    elif PRESENT in st.query_params:
        del st.query_params[PRESENT]


def _page() -> str | None:
    """Return Streamlit's name of the page that this run shows, None outside a run."""
    context = get_script_run_ctx()
    return context.page_script_hash if context else None


def network_picker(label: str = "Network") -> str:
    """Draw the choice of network and return the chosen name, which is kept in the URL."""
    return networks_picker(label, NETWORK, registry.default())


def networks_picker(label: str, key: str, default: str) -> str:
    """Draw a choice among all networks, shown by title, in the address as `key` by name; return the name chosen.

    Streamlit's own binding would put titles into the address. So the address is read before the control is drawn, and
    written when it is used.
    """
    entries = {entry.name: entry for entry in registry.entries()}
    if not entries:
        st.caption(f"{label}: this copy has no network.")
        return registry.NONE
    default = default if default in entries else next(iter(entries))
    asked = st.query_params.get(key)
    st.session_state[key] = asked if asked in entries else default
    if asked is not None and asked not in entries:  # the default may stay: deleting it would add to the history
        del st.query_params[key]
    chosen = st.segmented_control(
        label,
        list(entries),
        format_func=lambda name: entries[name].title,
        required=True,
        key=key,
        on_change=_network_into_address,
        args=(key, default),
        help="  \n".join(f"*{entry.title}*: {entry.help}" for entry in entries.values() if entry.help) or None,
        wrap=True,
    )
    return chosen if chosen in entries else default


def _network_into_address(key: str, default: str) -> None:
    """Write the chosen network into the URL, or remove it if it is the default."""
    chosen = st.session_state.get(key)
    if chosen in registry.names() and chosen != default:
        st.query_params[key] = chosen
    elif key in st.query_params:
        del st.query_params[key]


def threshold_slider(label: str = "Threshold") -> float:
    """Draw the threshold slider, bound to the address, and return the threshold in [0, 1]."""
    chosen = st.slider(
        label,
        0.0,
        1.0,
        config.THRESHOLD,
        THRESHOLD_STEP,
        key=THRESHOLD,
        bind="query-params",
        help=f"An X-ray that scores above it is positive. The paper's Figure 3 marks {config.PAPER_MARK}.",
    )
    return threshold_from(chosen)


def choose_network(name: str) -> None:
    """Set the network, from a callback."""
    st.session_state[NETWORK] = network_from(name)
    _network_into_address(NETWORK, registry.default())


# --- The film shown: one of ours by its id (in the address), or the visitor's uploads ----------------


def film_id(known: Container[str]) -> str | None:
    """The id of the film of ours to show, or None. An id that is not in `known` leaves the address.

    Streamlit clears the address when the page changes, so the session remembers the film; on the way back to the page
    (its widgets are new then) the address is filled again.
    """
    asked = st.query_params.get(FILM)
    if asked is None and UPLOADER not in st.session_state:
        asked = st.session_state.get(FILM)
    if asked is not None and asked not in known:
        asked = None
    _show(asked)
    return asked


def choose_film(film: str | None) -> None:
    """Show the film of ours with this id, or the uploads again where it is None; from a callback."""
    _show(film)


def _show(film: str | None) -> None:
    st.session_state[FILM] = film
    if film is not None:
        if st.query_params.get(FILM) != film:  # every write sends the address as this run knows it, which may be old
            st.query_params[FILM] = film
    elif FILM in st.query_params:
        del st.query_params[FILM]


def uploader() -> list[ImageSource]:
    """Draw the upload field and return the visitor's films, at most MAX_UPLOADS, of this visit to the page or before.

    They stay in the session, and only there, until he takes them away or leaves.
    """
    st.file_uploader(
        "Upload chest X-rays (PNG, JPEG, TIFF or DICOM)",
        type=TAKEN,
        accept_multiple_files=True,
        max_upload_size=config.MAX_BYTES // 2**20,
        key=UPLOADER,
        on_change=take_uploads,
        help="One film or several. They stay in memory while this page is open; none is stored.",
    )
    return list(st.session_state.get(UPLOADS, ()))


def take_uploads() -> None:
    """Keep what the upload field holds now, and show that rather than a film of ours.

    Films that are no longer there, and those past MAX_UPLOADS, leave the server's memory.
    """
    sent: Sequence[object] = st.session_state.get(UPLOADER) or ()
    files = [file for file in sent if isinstance(file, UploadedFile)]  # not those that the server has dropped
    kept = {source.content.file_id: source for source in st.session_state.get(UPLOADS, ())}  # with their digests
    sources = [kept.pop(file.file_id, None) or ImageSource.from_upload(file) for file in files]
    _forget([*sources[MAX_UPLOADS:], *kept.values()])
    st.session_state[UPLOADS], st.session_state[UPLOADED] = sources[:MAX_UPLOADS], len(sent)
    if files:
        _show(None)


def uploaded() -> int:
    """How many films came with the last upload, those that were too many among them."""
    return st.session_state.get(UPLOADED, 0)


def field_is_empty() -> bool:
    """Whether the upload field holds nothing, though there may be uploads of an earlier visit to the page."""
    return not st.session_state.get(UPLOADER)


def drop_uploads() -> None:
    """Forget every upload."""
    _forget(st.session_state.get(UPLOADS, ()))
    st.session_state[UPLOADS] = []


def _forget(sources: Sequence[ImageSource]) -> None:
    """Drop uploads from memory: their bytes, and everything computed from them."""
    for source in sources:
        with contextlib.suppress(FilmError):  # a file that is refused before it is read: nothing is kept of it
            session.forget(source)
        sessions.forget(source.content.file_id)
