"""Scoring an archive on Ray: 200 films while its processes are killed, on one node and on two."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import pyarrow.parquet as pq
import pytest

from covid_model.cli import main
from covid_model.cluster import ClusterError, archive, results
from covid_model.model import registry
from covid_model.tools import benchmark
from tests.support import mock_networks

pytestmark = pytest.mark.cluster
FILMS = 200


@pytest.fixture
def two_nodes(processes) -> Iterator[str]:
    """The address of a Ray cluster of two nodes on this machine, with a processor each."""
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    try:
        cluster.add_node(num_cpus=1, object_store_memory=80 * 2**20)
        yield cluster.address
    finally:
        cluster.shutdown()


def killed_twice(work: Path, *options: str) -> dict[str, dict]:
    """Score an archive whose worker and driver are killed on the way; check that every file has its row.

    Returns the rows by path.
    """
    rows, record = benchmark.archive.run_rows("fine-tuned", None, work, FILMS, options)
    assert record["killed"] == ["worker", "driver"] and record["starts"] == 2
    assert [record[key] for key in ("lost", "twice", "unknown", "bad_scored", "good_refused")] == [0] * 5
    assert record["files"] == FILMS and record["bad"] == FILMS // 100
    assert [row.reached for row in rows[:3]] == [True] * 3
    return {row["path"]: row for row in pq.read_table(work / "results.parquet").to_pylist()}


def same(rows: dict[str, dict], others: dict[str, dict]) -> bool:
    """Whether rows are the same, with scores within 1e-4."""
    scores = (
        {path: row.pop("score") for path, row in rows.items()},
        {path: row.pop("score") for path, row in others.items()},
    )
    return rows == others and all(scores[0][path] == pytest.approx(scores[1][path], abs=1e-4) for path in rows)


def test_one_node(processes, tmp_path):
    """Its rows are those of the engine without Ray, which are those of predict (tests/unit/test_archive.py)."""
    rows = killed_twice(tmp_path / "work", "--actors", "1")
    films = archive.Archive(str(tmp_path / "work" / "films"))
    job = archive.Job(results.Settings(films.place, "fine-tuned", registry.spec("fine-tuned").sha256, threshold=0.6))
    alone = [row for table in archive.local(films.files(), job) for row in table.to_pylist()]
    assert len(alone) == FILMS and same(rows, {row["path"]: row for row in alone})


def test_two_nodes(two_nodes, tmp_path):
    killed_twice(tmp_path / "work", "--ray", two_nodes)


def test_a_file_that_stops_its_process_is_a_row(processes, tmp_path, monkeypatch, capsys):
    """The files that were waiting for the same process are scored."""
    folder, to = tmp_path / "films", tmp_path / "results.parquet"
    folder.mkdir()
    for seed, name in enumerate(("a", "poison", "z")):
        (folder / f"{name}.png").write_bytes(cv2.imencode(".png", mock_networks.film(seed))[1].tobytes())
    assert main(["score", str(folder), "--to", str(to), "--actors", "1"]) == 0
    refused = {row["path"]: row["refused"] for row in pq.read_table(to).to_pylist()}
    assert refused.pop("poison.png") and refused == {"a.png": None, "z.png": None}
    assert "3 files, 2 scored, 1 refused" in capsys.readouterr().out


def test_no_room_for_a_process(processes, tmp_path):
    settings = results.Settings(str(tmp_path), "fine-tuned", "0" * 64, 0.6)
    with pytest.raises(ClusterError, match="needs 1000000 processors"):
        list(archive.OnRay(threads=10**6)([b"a.png"], archive.Job(settings)))
