"""Delete a user's films when the user leaves.

Streamlit keeps a session whose connection broke, so that the user can return to it. After
`server.disconnectedSessionTTL` it may drop the session, but only does so when another user leaves: on a quiet day the
last user's uploads would stay in memory until the next day. So the app closes such sessions itself.
"""

from __future__ import annotations

import asyncio

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from covid_model.app.runtime import memory

EARLIER = 0.8  # share of that time after which the session is closed; after all of it, Streamlit has lost track of it


def receive() -> None:
    """Register this session; called in every run of the app."""
    if (context := get_script_run_ctx()) is not None:
        _visit(context.session_id)


def _left(session: str) -> None:
    """Schedule the end of a session. Streamlit calls this from its event loop when the connection breaks."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # the session itself is dropped, outside the event loop
        memory.sweep()
        return
    loop.call_later(EARLIER * st.get_option("server.disconnectedSessionTTL"), _close, session)


@st.cache_resource(scope="session", show_spinner=False, on_release=_left)
def _visit(session: str) -> str:
    return session


def _close(session: str) -> None:
    """End a session and all it holds, unless its user has returned."""
    if runtime.exists() and not runtime.get_instance().is_active_session(session):
        runtime.get_instance().close_session(session)
        memory.sweep()


def forget(file_id: str) -> None:
    """Delete a file that this session uploaded from the server's memory."""
    if (context := get_script_run_ctx()) is not None:
        context.uploaded_file_mgr.remove_file(session_id=context.session_id, file_id=file_id)
