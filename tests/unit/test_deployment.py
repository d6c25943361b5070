"""The files that deploy the demo agree with it and with each other: paths, ports, commands, limits."""

from __future__ import annotations

import fnmatch
import http.server
import json
import re
import shlex
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import yaml

from covid_model import cli, cluster, config, records
from covid_model.app.runtime import log
from covid_model.cluster import serve

ROOT = config.ROOT
PAGE = (config.ASSETS / "DEPLOYMENT.md").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
STREAMLIT = tomllib.loads((ROOT / ".streamlit/config.toml").read_text())
HEALTH = re.compile(r"http://127\.0\.0\.1:(\d+)/_stcore/health")
UNITS = {"m": 2**20, "g": 2**30}


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile as (instruction, the rest of its line)."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text())
    return [tuple(line.split(" ", 1)) for line in text.splitlines() if line and not line.startswith("#")]


def of(name: str) -> list[str]:
    return [rest for instruction, rest in instructions() if instruction == name]


def command(text: str) -> list[str]:
    """Return the command in exec form that ends a line."""
    return json.loads(text[text.index("[") :])


def bytes_of(size: str) -> int:
    return int(size[:-1]) * UNITS[size[-1]]


def health_command() -> list[str]:
    return command(of("HEALTHCHECK")[0].split(" CMD ")[1])


def port() -> str:
    (exposed,) = of("EXPOSE")
    return exposed


# --- Dockerfile ---


def test_the_image_has_a_python_that_the_project_supports():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lowest, below = (tuple(map(int, re.findall(r"\d+", part))) for part in project["requires-python"].split(","))
    for image in of("FROM"):
        version = tuple(map(int, re.match(r"python:(\d+)\.(\d+)-slim", image).groups()))
        assert lowest <= version < below


def test_the_image_starts_the_app_on_its_port():
    started = command(of("CMD")[0])
    assert started[:4] == ["python", "-m", "streamlit", "run"] and (ROOT / started[4]).is_file()
    assert f"--server.port={port()}" in started
    assert HEALTH.search(health_command()[-1])[1] == port()


def test_the_image_copies_and_compiles_what_exists():
    sources = [source for line in of("COPY") if "--from" not in line for source in line.split()[:-1]]
    compiled = re.search(r"compileall -q ([^&]+)", " ".join(of("RUN")))[1].split()
    assert {"requirements.txt", "requirements-cluster.txt"} <= set(sources) and "covid_model" in compiled
    for name in sources + compiled:
        assert (ROOT / name).exists(), name


def test_the_user_is_not_root_and_has_the_number_that_owns_the_cache():
    (user,) = of("USER")
    number, group = map(int, user.split(":"))
    assert number > 0 and group > 0
    made = " ".join(of("RUN"))
    assert f"--uid {number} " in made and f"--gid {group} " in made


def test_every_folder_that_is_written_is_in_tmp():
    values = dict(re.findall(r"(\w+)=(\S+)", of("ENV")[0]))
    for name in ("HOME", "COVID_MODEL_WORK", "KERAS_HOME"):
        assert values[name].startswith("/tmp")
        assert name == "HOME" or f'"{name}"' in (ROOT / "covid_model/config.py").read_text()


# --- .dockerignore ---


def sent(name: str) -> bool:
    """Return whether a file is sent to the build: the last pattern that matches it or a folder above it decides."""
    parts = name.split("/")
    above = ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
    result = True
    for pattern in (ROOT / ".dockerignore").read_text().splitlines():
        if not pattern or pattern.startswith("#"):
            continue
        bare = pattern.removeprefix("!")
        shape = re.compile(fnmatch.translate(bare.removeprefix("**/")).replace(".*", "[^/]*"))
        names = parts if bare.startswith("**/") else above
        if any(shape.fullmatch(item) for item in names):
            result = pattern.startswith("!")
    return result


def test_only_what_runs_is_sent_to_the_build():
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("not a git checkout")
    files = [name for name in listing.stdout.splitlines() if sent(name)]
    assert {name.split("/")[0] for name in files} == {
        "LICENSE",
        "requirements.txt",
        "requirements-cluster.txt",
        "streamlit_app.py",
        ".streamlit",
        "covid_model",
        "assets",
    }
    left = {name for name in listing.stdout.splitlines() if name.startswith(("covid_model/", "assets/"))} - set(files)
    assert left and all(re.fullmatch(r"assets/[^/]+\.(md|ipynb|png)", name) for name in left)
    assert "assets/NOTICE.md" in files and not sent(".streamlit/secrets.toml")
    assert not sent("covid_model/__pycache__/config.cpython-311.pyc") and not sent(".venv/bin/python")


# --- compose.yaml ---


def published(service: dict) -> tuple[str, str, str]:
    (mapping,) = service["ports"]
    return tuple(mapping.split(":"))


APPS = {name: service for name, service in COMPOSE["services"].items() if name.startswith("app-")}
SERVICE = COMPOSE["services"]["service"]


def test_the_app_runs_twice_each_on_its_own_port_of_this_computer():
    ports = [published(service) for service in APPS.values()]
    assert len(ports) == 2 and len({outside for _, outside, _ in ports}) == 2
    assert {address for address, *_ in ports} == {"127.0.0.1"} and {inside for *_, inside in ports} == {port()}


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_a_service_is_closed_and_has_what_it_writes(name):
    service = COMPOSE["services"][name]
    assert service["read_only"] is True and service["restart"] == "unless-stopped"
    (volume,) = service["volumes"]
    source, folder = volume.split(":")
    assert source in COMPOSE["volumes"]
    assert [other for other in COMPOSE["services"] if volume in COMPOSE["services"][other]["volumes"]] == [name]
    assert f"demo {folder}" in " ".join(of("RUN"))  # a new volume takes its owner from the image
    environment = service["environment"]
    assert all(environment[variable].startswith(f"{folder}/") for variable in ("COVID_MODEL_WORK", "KERAS_HOME"))


def test_both_apps_ask_the_one_service_which_no_port_leads_to():
    assert set(COMPOSE["services"]) == {*APPS, "service"} and "ports" not in SERVICE
    given = cli.parser().parse_args(SERVICE["command"][3:])
    assert SERVICE["command"][:3] == ["python", "-m", "covid_model"] and given.host == "0.0.0.0"
    for app in APPS.values():
        assert app["image"] == SERVICE["image"] and "command" not in app
        assert app["environment"][config.SERVE_VARIABLE] == f"http://service:{given.port}"
        token = app["environment"][config.SERVE_TOKEN_VARIABLE]
        assert token == SERVICE["environment"][config.SERVE_TOKEN_VARIABLE] == f"${{{config.SERVE_TOKEN_VARIABLE}:-}}"


def test_the_service_s_limits_cover_what_it_needs():
    (tmp,) = SERVICE["tmpfs"]
    ray, memory = bytes_of(SERVICE["shm_size"]), bytes_of(tmp.split(":size=")[1]) + bytes_of(SERVICE["shm_size"])
    assert ray > cluster.OBJECT_STORE_BYTES
    measured = [run.get("service_peak_mb", 0) for run in records.load_load_test().values()]
    assert bytes_of(SERVICE["mem_limit"]) > max(measured) * 2**20 + memory
    assert int(SERVICE["stop_grace_period"][:-1]) > serve.DRAIN_SECONDS


def test_the_health_check_of_the_service_asks_the_service():
    given = cli.parser().parse_args(SERVICE["command"][3:])
    assert f"http://127.0.0.1:{given.port}/health'" in SERVICE["healthcheck"]["test"][-1]
    assert SERVICE["healthcheck"]["test"][:3] == ["CMD", *health_command()[:2]]


@pytest.mark.parametrize("name", APPS)
def test_the_memory_limit_covers_what_was_measured_and_tmp(name):
    service = COMPOSE["services"][name]
    (tmp,) = service["tmpfs"]
    mounted, size = tmp.split(":size=")
    largest = max(run["peak_mb"] for run in records.load_load_test().values())
    assert mounted == "/tmp" and bytes_of(service["mem_limit"]) > largest * 2**20 + bytes_of(size)


@pytest.mark.parametrize("name", APPS)
def test_the_health_check_is_the_image_s(name):
    check = COMPOSE["services"][name]["healthcheck"]
    assert check["test"] == ["CMD", *health_command()]
    options = dict(re.findall(r"--([a-z-]+)=(\S+)", of("HEALTHCHECK")[0].split(" CMD ")[0]))
    assert options == {key.replace("_", "-"): str(value) for key, value in check.items() if key != "test"}


@contextmanager
def answering(status: int) -> Iterator[int]:
    """Serve /_stcore/health with a status on a free port, and give the port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status if self.path == "/_stcore/health" else 404)
            self.end_headers()

        def log_message(self, *_args):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_the_health_check_tells_a_healthy_server_from_another(status, healthy, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # Docker may set it for all containers
    with answering(status) as served:
        python, *arguments = health_command()
        arguments[-1] = arguments[-1].replace(f":{port()}/", f":{served}/")
        assert python == "python"
        assert (subprocess.run([sys.executable, *arguments], capture_output=True).returncode == 0) == healthy


# --- DEPLOYMENT.md ---


def test_every_path_on_the_page_exists():
    named = re.findall(r"`(\.?[\w/.-]*\w\.(?:py|txt|toml|yaml|json|md)|Dockerfile)`", PAGE)
    linked = re.findall(r"\]\(([^)#:]+)\)", PAGE)
    assert {"compose.yaml", "Dockerfile", ".streamlit/config.toml"} <= set(named) and linked
    for path in [*(ROOT / name for name in named), *(config.ASSETS / name for name in linked)]:
        assert path.is_file(), path


def test_every_command_on_the_page_exists():
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"`make ([a-z-]+)", PAGE)
    assert targets and all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
    calls = re.findall(r"-m covid_model (.+)", PAGE)
    assert calls
    for call in calls:
        cli.parser().parse_args(shlex.split(call))


def test_every_variable_on_the_page_is_read():
    variables = re.findall(r"^\| `([A-Z0-9_]+)` \|", PAGE, re.MULTILINE)
    code = (ROOT / "covid_model/config.py").read_text()
    assert variables and all(f'"{name}"' in code for name in variables)


def test_ports_on_the_page_are_those_of_the_services():
    services = {published(service)[1] for service in APPS.values()}
    assert set(re.findall(r"server 127\.0\.0\.1:(\d+);", PAGE)) == services
    assert set(re.findall(r"localhost:(\d+)", PAGE)) == services
    assert re.findall(r"app_port: (\d+)", PAGE) == [port()]
    assert {inside for _, inside in re.findall(r"-p 127\.0\.0\.1:(\d+):(\d+)", PAGE)} == {port()}


def test_the_proxy_takes_an_upload_and_little_more():
    limit = STREAMLIT["server"]["maxUploadSize"] * 2**20
    assert limit == config.MAX_BYTES
    accepted = bytes_of(re.search(r"client_max_body_size (\w+);", PAGE)[1])
    assert limit < accepted <= 1.1 * limit


def test_the_log_line_on_the_page_is_the_app_s(caplog):
    caplog.set_level("INFO", logger=log.READINGS.name)
    log.loaded("fine-tuned", None, "mixed_bfloat16")
    assert caplog.records[0].getMessage() in PAGE


# --- make demo TF=gpu ---


def plan(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["make", "--dry-run", "--always-make", "demo", *arguments], cwd=ROOT, capture_output=True, text=True
    )


def test_make_demo_sets_up_the_cpu_unless_told_otherwise():
    steps = plan().stdout
    assert ".venv/bin/python -m streamlit run" in steps and "gpu" not in steps and "cuda" not in steps
    assert plan("TF=cpu").stdout == steps


def test_make_demo_sets_up_a_gpu_in_its_own_environment():
    steps = plan("TF=gpu").stdout
    assert ".venv-gpu/bin/python -m streamlit run" in steps and ".venv/" not in steps
    (edit,) = re.findall(r"^(sed .+) > \.venv-gpu/requirements\.txt$", steps, re.MULTILINE)
    result = subprocess.run(edit, shell=True, cwd=ROOT, capture_output=True, text=True, check=True)
    before, after = (ROOT / "requirements.txt").read_text().splitlines(), result.stdout.splitlines()
    (pin,) = [line.split("==")[1].split(";")[0] for line in before if line.startswith("tensorflow-cpu==")]
    assert [line for line in after if "tensorflow" in line] == [f"tensorflow[and-cuda]=={pin}"]
    others = [line for line in before if not line.startswith("tensorflow")]
    assert [line for line in after if not line.startswith("tensorflow")] == others


def test_make_refuses_another_tensorflow():
    refused = plan("TF=rocm")
    assert refused.returncode and "rocm" in refused.stderr
