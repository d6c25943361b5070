"""The button that fetches a handful of real films, for whoever has no data folder, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from covid_model import config
from covid_model.app import cache
from covid_model.app.text import prediction as prediction_text
from covid_model.data import open_films

if TYPE_CHECKING:
    from covid_model.data.download import DownloadReport

SAID = "fetching-said"  # in the session: what came of the last attempt, for the run after it
WHERE = "They come from GitHub and Kaggle into this computer's cache and stay there."


def offer(why: str) -> None:
    """Draw the button where films of the handful are not there yet, `why` above it, and what came of the attempt."""
    wanted, paths = cache.free_ids(), cache.free_paths()
    kind, said = st.session_state.pop(SAID, ("", ""))
    if kind == "toast":
        st.toast(said, icon=":material/check:")
    elif said:
        st.warning(prediction_text.plain(said), icon=":material/cloud_off:")
    missing = [film for film in wanted if film not in paths]
    if not missing:
        return
    some = f"{len(missing)} real films" if len(missing) > 1 else "a real film"
    st.markdown(f":small[{why}]")
    if st.button(f"Fetch {some}", key="fetch_films", icon=":material/download:", help=WHERE):
        with st.spinner(f"Fetching {some} from GitHub and Kaggle."):
            st.session_state[SAID] = fetch(missing)
        st.rerun()


def fetch(missing: list[str]) -> tuple[str, str]:
    """Fetch films; gives how to say what came of it ("toast" or "warning"), and that in a sentence or two."""
    from covid_model.data.download import DownloadError

    try:
        report = open_films.download(cache.free_ids(), config.OPEN_FILMS)
    except DownloadError as error:
        return "warning", str(error)
    except OSError as error:
        return "warning", f"The films cannot be kept in {config.OPEN_FILMS}: {error.strerror or error}."
    return outcome(report, len(missing))


def outcome(report: DownloadReport, asked: int) -> tuple[str, str]:
    """What a report of `asked` films comes to, in words."""
    if report.complete:
        return "toast", "The films are here." if asked > 1 else "The film is here."
    reasons = "; ".join(dict.fromkeys(one.reason for one in report.missing))
    if all(one.host for one in report.missing) and not report.fetched.total():
        return "warning", (
            f"No film came: there is no connection to GitHub and Kaggle ({reasons}). All else works without one; "
            "try again when there is."
        )
    return "warning", f"{report.fetched.total()} of {asked} films came. Missing: {len(report.missing)} ({reasons})."
