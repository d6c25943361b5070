"""The parts of the benchmark, on a mock network; the timings themselves are not tested."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from covid_model import config, imaging, records
from covid_model.cli import main
from covid_model.cli import tools as command
from covid_model.model import device, registry, vgg19
from covid_model.reports import measurements
from covid_model.tools import benchmark
from covid_model.tools.benchmark import archive, forward, precision, server, timing
from covid_model.tools.benchmark.timing import Row, Timings, interleaved, missing
from tests.support import mock_networks
from tests.support.app_pages import holds, numbers


@pytest.fixture(scope="module")
def subject(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    mock_networks.save(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry.spec, "__defaults__", (folder,))
        patch.setattr(vgg19.load, "__defaults__", (None, folder, "float32"))
        result = benchmark.Subject()
        assert result.predictor.spec.title == "Fine-tuned"
        yield result


def test_candidates_take_turns_and_ratios_are_within_rounds():
    order = []
    timed = interleaved({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, rounds=4, warm=1)
    assert order[:2] == ["a", "b"] and all(set(order[n : n + 2]) == {"a", "b"} for n in range(2, 10, 2))
    assert len(timed.seconds["a"]) == len(timed.seconds["b"]) == 4
    assert Timings({"a": [2.0, 20.0, 4.0], "b": [1.0, 10.0, 1.0]}).ratio("a", "b") == 2


def test_a_timing_measures_the_candidate():
    timed = interleaved({"slow": lambda: time.sleep(0.05), "fast": lambda: None}, rounds=3)
    assert timed.median("slow") >= 0.05 > timed.median("fast")


@pytest.mark.parametrize(
    ("row", "reached", "goal"),
    [
        (Row("x", 1.09, most=1.1), True, "at most 1.1 times"),
        (Row("x", 1.11, most=1.1), False, "at most 1.1 times"),
        (Row("x", 2.4, least=2.5), False, "at least 2.5 times"),
        (Row("x", 3.0), None, ""),
        (missing("x", "not installed"), None, ""),
    ],
)
def test_a_row_knows_if_its_goal_was_reached(row, reached, goal):
    assert row.reached is reached and row.goal == goal
    assert json.loads(json.dumps(row.record()))["reached"] is reached


def test_keras_example_gives_the_same_heatmap_and_the_bare_pass_the_same_score(subject):
    reading = subject.predictor.predict(subject.film)
    expected = np.maximum(reading.heatmap, 0)
    np.testing.assert_allclose(subject.example(), expected / expected.max(), atol=1e-3)
    assert subject.bare()()[0, 0] == pytest.approx(reading.score, abs=1e-5)
    assert subject.whole().score == pytest.approx(reading.score, abs=1e-5)


def test_vgg19_has_the_known_gflop():
    model = vgg19.build(registry.Head("average", 256))
    assert timing.gflop(model) == pytest.approx(39.0, abs=0.2)  # 19.5 billion multiply-adds, as its authors count


def test_rows_of_the_network(subject):
    rows, record = forward.rows(subject, rounds=2)
    assert len(rows) == 4 and all(row.value is None or row.value > 0 for row in rows)
    assert record["gemm_gflops"] > 0


@pytest.mark.parametrize("make", [forward.torch_grad_cam, forward.onnx_runtime, forward.openvino])
def test_another_library_gives_the_same_score_or_is_reported_missing(subject, make):
    try:
        made = make(subject.model, subject.inputs)
    except forward.PeerError as error:
        assert "not installed" in str(error)
        pytest.skip(str(error))
    explain = made[0] if isinstance(made, tuple) else made
    assert np.isfinite(explain()).all()


def test_a_library_that_gives_another_logit_is_rejected(subject):
    with pytest.raises(forward.PeerError, match="gives the logit"):
        forward._check(subject.model, subject.inputs, np.array([[1e3]]), "Other")


def test_bfloat16_is_off_where_the_processor_lacks_it(subject, monkeypatch):
    monkeypatch.setattr(device, "fast_precision", lambda: "float32")
    rows, record = precision.rows(subject, None, 2, None)
    assert [row.value for row in rows] == [None] and "natively" in rows[0].note and record == {}


def test_bfloat16_is_judged_by_network(monkeypatch):
    """One network's scores move too far, another's just enough to change a verdict, the third's hardly."""
    ids = ["a", "b"]
    table = pd.DataFrame({"id": ids * 3, "network": np.repeat(["far", "near", "same"], 2), "score": [0.1, 0.604] * 3})
    monkeypatch.setattr(precision.dataset, "read_scores", lambda path: table)
    monkeypatch.setattr(precision.registry, "spec", lambda name: SimpleNamespace(threshold=0.6, sha256=name))
    data = SimpleNamespace(split=lambda split: pd.DataFrame(index=ids))
    moved = {"far": [0.3, 0], "near": [0, -0.005], "same": [0.001, 0]}
    quick = {name: lambda ids, by=by: np.array([0.1, 0.604]) + by for name, by in moved.items()}
    rows, record = precision._scores("bfloat16", quick, data, None)
    assert [row.value for row in rows] == pytest.approx([0.3, 1]) and not any(row.reached for row in rows)
    assert {name: (round(one["largest"], 6), one["changed"]) for name, one in record["networks"].items()} == {
        "far": (0.3, 0),
        "near": (0.005, 1),
        "same": (0.001, 0),
    }


def test_a_gpu_is_measured_against_the_cpu_or_left_out_with_the_reason(subject, monkeypatch):
    monkeypatch.setattr(device, "gpu_name", lambda: None)
    rows, record = precision.gpu_rows(subject, None, 2, None)
    assert [row.value for row in rows] == [None] and "no GPU" in rows[0].note and record == {}
    monkeypatch.setattr(device, "gpu_name", lambda: "Test GPU")  # computed on the CPU, like the other
    rows, record = precision.gpu_rows(subject, None, 2, None)
    assert [row.value is not None for row in rows] == [True, True, False] and record == {"gpu": "Test GPU"}
    assert all("Test GPU" in row.title for row in rows)


def test_what_a_user_waits_for_is_measured(subject, monkeypatch):
    monkeypatch.setattr(precision, "HEATMAPS", 2)
    rows, record = precision.waiting_rows(subject, rounds=2)
    assert [row.unit for row in rows] == ["s"] * 3 and all(row.value > 0 and row.most for row in rows)
    assert set(record["seconds"]) == {"first", "page", "robustness"} and record["load_seconds"] > 0


def test_growth():
    assert forward.exponent([1, 2, 4], [1.0, 1.5, 3.0]) == pytest.approx(1)
    assert forward.exponent([1, 2, 4], [1.0, 1.0, 1.0]) == pytest.approx(0)
    curve = forward._counts(rounds=1)
    assert curve["size"] == list(forward.COUNTS) and min(curve["seconds"]) > 0


def test_new_measurements_keep_the_other_parts(subject, tmp_path, monkeypatch):
    path = tmp_path / "benchmark.json"
    monkeypatch.setitem(benchmark.PARTS, "forward", lambda *_: ([Row("b", 1.3, least=1.2)], {"n": 1}))
    monkeypatch.setitem(benchmark.PARTS, "curves", lambda *_: ([Row("c", 2.0, most=1.1)], {}))
    benchmark.run(subject, only=["forward"], to=path)
    kept = benchmark.run(subject, only=["curves"], to=path)
    assert records.load_benchmark(path) == json.loads(json.dumps(kept))
    assert list(kept["parts"]) == ["forward", "curves"]
    assert kept["parts"]["forward"]["weights_sha256"] == subject.predictor.spec.sha256
    message = command.table(kept["parts"])
    assert "b: 1.3 times (goal: at least 1.2 times; reached)" in message and "NOT REACHED" in message
    path.write_text("{")
    assert records.load_benchmark(path) is None


def test_the_committed_record_is_read_whole():
    """Parts that are measured no more among it: films of a batch, on which it rests that one is read a pass."""
    kept = records.load_benchmark(config.BENCHMARK_JSON)
    assert set(kept["parts"]) >= {*benchmark.PARTS, "batch"}
    assert len(measurements.table(list(kept["parts"].values()))) == sum(
        len(part["rows"]) for part in kept["parts"].values()
    )


def test_the_command_shows_the_record(capsys):
    assert set(command.PARTS) == set(benchmark.PARTS) and set(command.STEPS) == set(archive.STEPS)
    assert main(["benchmark", "--show"]) == 0
    assert capsys.readouterr().out.strip()


PART = {
    "date": "2026-01-02",
    "machine": {"processor": "A_B", "cores": 2, "memory_gib": 23, "system": "Linux"},
    "load": [1.0, 9.0],
    "rounds": 3,
    "rows": [
        {"what": "Reading", "value": 1.05, "unit": "times", "goal": "at most 1.1 times", "reached": True}
        | {"detail": "d", "note": "n*"},
        {"what": "Peer", "value": None, "unit": "", "goal": "", "reached": None, "detail": "", "note": "not installed"},
    ],
}
SOAK = {"visitors": 7, "minutes": 10, "readings": 70, "failures": [], "largest_difference": 2e-7, "peak_mb": 812.4}


def test_the_measurements_page_has_every_row(tmp_path, monkeypatch):
    growth = {"record": {"films of a batch": {"size": [1, 2], "seconds": [0.1, 0.2]}}, "rows": []}
    (tmp_path / "benchmark.json").write_text(json.dumps({"parts": {"curves": PART | growth, "forward": PART}}))
    (tmp_path / "load.json").write_text(json.dumps({"soak": SOAK | {"held": {"every film read": False}}}))
    run = dict.fromkeys(measurements.SEED_FIGURES, 0.9) | {"variant": "with augmentation"}
    (tmp_path / "seeds.json").write_text(json.dumps({"runs": [run | {"seed": seed} for seed in range(3)]}))
    trial = {"title": "Heavy", "compared_with": None, "sources": {"siim": {"auc": 0.871}}}
    (tmp_path / "trials.json").write_text(json.dumps({"trials": [trial]}))
    about = {"adults": 50, "adults_positive": 1}
    (tmp_path / "validation_trials.json").write_text(json.dumps({"about": about, "trials": [trial]}))
    (tmp_path / "archive.json").write_text(json.dumps({"parts": {"run": PART | {"record": ARCHIVE}}}))
    for name in ("BENCHMARK", "ARCHIVE", "LOAD", "SEEDS", "TRIALS", "VALIDATION_TRIALS"):
        monkeypatch.setattr(config, f"{name}_JSON", tmp_path / f"{name.lower()}.json")
    page = measurements.page()
    assert (
        page.count("\n## ") == 5
        and "| Heavy | left out | 0.871 |" in page
        and "| Heavy | validation | 0.871 |" in page
        and "90.0 ± 0.0 %" in page
    )
    assert holds(measurements.machine([PART, PART]), 9, 2, 23) and measurements.machine([PART, PART]) in page
    (users,) = measurements.users({"soak": SOAK | {"held": {"every film read": False}}})
    assert users in page and holds(users, 7, 10, 70, 0, 812)
    shared = SOAK | {"sessions": 20, "apps": 2, "service_peak_mb": 1234.5, "held": {}, "date": "2026-11-27"}
    (service,) = measurements.users({"service": shared})
    assert holds(service, 20, 2, 70, 812, 1234) and holds(measurements.memory({"service": shared}), 812, 1234)
    assert "2e-07" in users and "every film read" in users  # how near the scores came, and what was not held
    assert measurements.same({"largest_difference": 0.0}) != measurements.same({"largest_difference": 2e-7})
    _, result, goal, reached = (measurements.table([PART]).iloc[:, at].tolist() for at in range(4))
    assert holds(result[0], 1.05) and "d" in result[0] and not numbers(result[1])
    assert holds(goal[0], 1.1) and reached == [measurements.REACHED[True], measurements.REACHED[None]]


def test_what_earlier_weights_were_measured_with_is_marked_row_by_row():
    today = registry.spec(registry.default(), config.NETWORKS).sha256
    old, new = PART | {"weights_sha256": "0" * 64}, PART | {"weights_sha256": today}
    mark = " (earlier weights, 2026-01-02)"
    measured = measurements.table([old, new])["Measured"].tolist()
    assert measured == ["Reading" + mark, "Peer" + mark, "Reading", "Peer"]
    assert measurements.EARLIER in measurements.speed({"parts": {"a": old, "b": new}})
    assert measurements.EARLIER not in measurements.speed({"parts": {"b": new}})
    run = SOAK | {"held": {}, "date": "2026-01-02", "sessions_at_a_time": 6}
    runs = {"soak": run | {"weights_sha256": "0" * 64}}
    assert mark in measurements.users(runs)[0] and measurements.EARLIER in measurements.load(runs)
    assert "on 2026-01-02 with earlier weights" in measurements.memory(runs)
    runs = {"soak": run | {"weights_sha256": today}}
    assert mark not in measurements.users(runs)[0] and measurements.EARLIER not in measurements.load(runs)
    assert "earlier weights" not in measurements.memory(runs)


ARCHIVE = {"files": 10_000, "processor_seconds_per_film": 0.25, "replica_mb": 1024, "mean_kb": 50}


def test_larger_clusters_are_arithmetic():
    parts = {"run": PART | {"record": ARCHIVE}}
    text = "\n".join(measurements.archive({"parts": parts}))
    assert holds(text, 64, 0.25) and "arithmetic, not a measurement" in text  # 16 cores / 0.25 s
    assert "| 4 | 256 | 22.1 million | 1.1 | 12.8 |" in text
    parts["speed"] = PART | {"record": {"films_per_second": {"1": [4.0, 4.0], "2": [6.0, 6.0]}}}
    text = "\n".join(measurements.archive({"parts": parts}))
    assert holds(text, 48, 1.5, 75) and "| 4 | 192 |" in text  # three quarters of it
    assert measurements.archive(None) == [] == measurements.archive({"parts": {}})


def test_an_archive_of_films_and_bad_files(tmp_path):
    listed = archive.make(tmp_path, None, 120)
    assert len(listed) == 120 and len(set(listed)) == 120
    (bad,) = (name for name, good in listed.items() if not good)
    read = {name: imaging.read(tmp_path / name).pixels.tobytes() for name in list(listed)[::30]}
    assert len(set(read.values())) == len(read)
    with pytest.raises(imaging.FilmError):
        imaging.read(tmp_path / bad)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")}
    archive.make(tmp_path, None, 120)
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")}
    for kind in range(5):
        with pytest.raises(imaging.FilmError):
            imaging.decode(archive._bad((tmp_path / "00" / "00001.jpg").read_bytes(), kind))


def test_rows_of_an_archive_are_compared_with_its_files():
    listed = {"a": True, "b": True, "c": False, "d": False}
    rows = pd.DataFrame({"path": ["a", "a", "c", "d", "e"], "score": [None, None, 0.5, None, 0.5]})
    state = {"starts": 3, "killed": ["worker"], "seconds": 1.0, "usage": {}}
    measured, record = archive.judged(rows, listed, state)
    keys = ("lost", "twice", "unknown", "bad_scored", "good_refused", "bad")
    assert [record[key] for key in keys] == [1, 1, 1, 1, 1, 2]
    assert [row.reached for row in measured[:4]] == [False, False, False, None]
    usage = {
        "1-7": {"peak": 900.0, "mapped": 400.0, "seconds": 3.0},
        "2-8": {"peak": 950.0, "mapped": 1.0, "seconds": 1},
    }
    measured, record = archive.judged(rows, listed, state | {"usage": usage})
    assert (record["replica_mb"], record["processor_seconds_per_film"]) == (950, 1.0) and measured[3].reached


def test_without_records_there_is_nothing_to_write(tmp_path, monkeypatch):
    for name in ("BENCHMARK", "ARCHIVE", "LOAD", "SEEDS", "TRIALS", "VALIDATION_TRIALS"):
        monkeypatch.setattr(config, f"{name}_JSON", tmp_path / "none.json")
    assert measurements.page() == f"{measurements.HEAD}\n"


def test_memory_of_a_process():
    import os

    whole, mapped = server.resident(os.getpid())
    assert whole > mapped > 0
    assert server.resident(2**30) is None
