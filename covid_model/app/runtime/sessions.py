"""When a visitor leaves, his films go.

Streamlit keeps the session of a visitor whose connection broke, so that he finds everything as it was when he comes
back. Past `server.disconnectedSessionTTL` it may throw the session away, but does so only when somebody else leaves:
on a quiet day the last visitor's uploads would lie in memory until the next day's. So the session is closed by us.
"""

from __future__ import annotations

import asyncio

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from covid_model.app.runtime import memory

EARLIER = 0.8  # share of that time after which the session is closed; past all of it Streamlit cannot find it any more


def receive() -> None:
    """Begin, or go on with, the visit of this session; called in every run of the app."""
    if (context := get_script_run_ctx()) is not None:
        _visit(context.session_id)


def _left(session: str) -> None:
    """Streamlit drops what a session has cached when its connection breaks, from its event loop."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # the session itself is thrown away, from elsewhere
        memory.sweep()
        return
    loop.call_later(EARLIER * st.get_option("server.disconnectedSessionTTL"), _close, session)


@st.cache_resource(scope="session", show_spinner=False, on_release=_left)
def _visit(session: str) -> str:
    return session


def _close(session: str) -> None:
    """End a session and all it holds, unless its visitor has come back."""
    if runtime.exists() and not runtime.get_instance().is_active_session(session):
        runtime.get_instance().close_session(session)
        memory.sweep()


def forget(file_id: str) -> None:
    """Let the server drop a file that this session has uploaded."""
    if (context := get_script_run_ctx()) is not None:
        context.uploaded_file_mgr.remove_file(session_id=context.session_id, file_id=file_id)
