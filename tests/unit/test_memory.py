"""Memory given back after TensorFlow's import, and results cached until a file changes."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from covid_model import config
from covid_model.app.runtime import memory
from covid_model.app.runtime.memory import by_files

SMAPS = """\
7f00-7f10 r--p 00000000 fe:00 11 /lib/libtensorflow_cc.so.2
Rss:                 64 kB
Anonymous:            0 kB
7f10-7f20 r-xp 00001000 fe:00 11 /lib/libtensorflow_cc.so.2
Rss:                128 kB
Anonymous:            0 kB
7f20-7f30 r--p 00002000 fe:00 11 /lib/libtensorflow_cc.so.2
Rss:                 32 kB
Anonymous:           24 kB
7f30-7f40 rw-p 00003000 fe:00 11 /lib/libtensorflow_cc.so.2
Rss:                 32 kB
Anonymous:            0 kB
7f40-7f50 r-xp 00000000 fe:00 12 /lib/libother.so
Rss:                 32 kB
Anonymous:            0 kB
7f50-7f60 rw-p 00000000 00:00 0
Rss:                 32 kB
Anonymous:           32 kB
"""


def test_only_unchanged_read_only_pages_of_tensorflow_are_dropped():
    assert memory._clean(SMAPS) == [(0x7F00, 0x7F10, 64 * 1024), (0x7F10, 0x7F20, 128 * 1024)]


def test_where_there_is_no_such_list_nothing_happens(tmp_path):
    assert memory.give_back(tmp_path / "smaps") == 0


@pytest.mark.measured
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is given back on Linux alone")
def test_tensorflow_works_on_afterwards_with_less_memory():
    code = """
import tensorflow as tf
from pathlib import Path
from covid_model.app.runtime import memory
def resident():
    return int(next(l for l in Path("/proc/self/status").read_text().splitlines() if l.startswith("VmRSS")).split()[1])
def work():
    return float(tf.reduce_sum(tf.matmul(tf.ones((64, 64)), tf.ones((64, 64)))))
first, before = work(), resident()
told = memory.give_back()
assert told > 0 and resident() < before - 50 * 1024, (told, before, resident())
assert work() == first == 64.0 ** 3
print("done")
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=config.ROOT, capture_output=True, text=True, timeout=300)
    assert done.stdout.strip().endswith("done"), done.stderr[-2000:]


def test_the_collector_passes_over_what_rests_until_a_visitor_leaves():
    code = """
import gc, weakref
from covid_model.app.runtime import memory
class Knot:
    def __init__(self):
        self.own = self
frozen = gc.get_freeze_count()  # Python 3.12 begins with some
memory.sweep()
assert gc.get_freeze_count() == frozen < 1000  # nothing was put to rest yet
gc.disable()
old = Knot()
memory.rest()
assert gc.get_freeze_count() > 1000
new, seen = Knot(), []
ends = [weakref.finalize(one, seen.append, name) for one, name in ((old, "old"), (new, "new"))]
del old, new
gc.collect()
assert seen == ["new"], seen
memory.sweep()
assert seen == ["new", "old"] and gc.get_freeze_count() > 1000
print("done")
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=config.ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip().endswith("done"), done.stderr[-2000:]


@pytest.mark.parametrize("returned", [False, True])
def test_no_upload_outlives_a_session_that_streamlit_lost_track_of(monkeypatch, returned):
    instance = SimpleNamespace(is_active_session=lambda session: returned, close_session=lambda session: None)
    monkeypatch.setattr(memory, "runtime", SimpleNamespace(exists=lambda: True, get_instance=lambda: instance))
    uploads = MemoryUploadedFileManager("/upload")
    for session in ("gone", "other"):
        uploads.add_file(session, UploadedFileRec("file", "film.png", "image/png", b"pixels"))
    memory._close("gone", uploads)
    assert [bool(uploads.get_files(session, ["file"])) for session in ("gone", "other")] == [returned, True]


def test_arrow_has_no_heap_for_every_thread():
    code = "import covid_model.app.cache, pyarrow; print(pyarrow.default_memory_pool().backend_name)"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ARROW_")}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=config.ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == "system"


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
