"""What the app keeps until a file changes."""

from __future__ import annotations

import os

import pytest
import streamlit as st

from covid_model.app.runtime.memory import by_files


@pytest.mark.parametrize("keep", [st.cache_data, st.cache_resource])
def test_cached_until_a_file_changes(tmp_path, keep):
    file, read = tmp_path / "file", []

    @by_files(lambda name: [file], keep, 4)
    def content(name: str) -> str:
        """What is tested here."""
        read.append(name)
        return file.read_text() if file.is_file() else "absent"

    assert (content("a"), content("a"), content("b"), read) == ("absent", "absent", "absent", ["a", "b"])
    file.write_text("first")
    os.utime(file, (1, 1))
    assert (content("a"), content("a"), len(read)) == ("first", "first", 3)
    file.write_text("second")
    os.utime(file, (2, 2))
    assert (content("a"), len(read)) == ("second", 4)
    assert content.__doc__ == "What is tested here."


def test_an_error_is_not_cached(tmp_path):
    tried = []

    @by_files(lambda: [tmp_path / "file"], st.cache_data, 1)
    def fails() -> None:
        tried.append(1)
        raise ValueError("damaged")

    for _ in range(2):
        with pytest.raises(ValueError, match="damaged"):
            fails()
    assert len(tried) == 2


def test_functions_have_separate_caches(tmp_path):
    @by_files(lambda: [tmp_path / "file"], st.cache_data, 1)
    def first() -> int:
        return 1

    @by_files(lambda: [tmp_path / "file"], st.cache_data, 1)
    def other() -> int:
        return 2

    assert (first(), other(), first()) == (1, 2, 1)
