"""Start a Ray on this machine, and say what is wrong if there is none."""

from __future__ import annotations

import sys

import pytest

from covid_model import cli, cluster


@pytest.mark.cluster
def test_a_ray_of_its_own_stops_with_the_command():
    import ray

    with cluster.connected(cpus=1):
        assert ray.cluster_resources()["CPU"] == 1
    assert not ray.is_initialized()


@pytest.mark.cluster
def test_no_cluster_at_the_address():
    with pytest.raises(cluster.ClusterError, match=r"127\.0\.0\.1:1"), cluster.connected("127.0.0.1:1"):
        pass


@pytest.mark.parametrize("arguments", [[], ["--port", "0"], ["--port", "x"], ["--threads", "0"], ["--replicas", "-1"]])
def test_serve_without_ray_or_with_bad_usage_says_why(arguments, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    if arguments:
        with pytest.raises(SystemExit) as end:
            cli.main(["serve", *arguments])
        assert end.value.code == 2 and arguments[1] in capsys.readouterr().err
    else:
        assert cli.main(["serve"]) == 1 and "requirements-cluster" in capsys.readouterr().err


def test_without_ray_it_names_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(cluster.ClusterError, match="requirements-cluster"), cluster.connected():
        pass
