"""Commands for more X-rays or users than one process can handle: score and serve."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from ipaddress import ip_address
from pathlib import Path

from tqdm import tqdm

from covid_model import cluster, config
from covid_model.cli.common import (
    DONE,
    UsageError,
    add_network,
    add_threshold,
    add_vgg19,
    count,
    quiet,
    say_error,
    vgg19_for,
)

ENGINES = ("ray", "local")
MOST_THREADS = 4  # of a replica of the service by default: the forward pass of one X-ray gains little from more


def add_score_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "archive",
        metavar="ARCHIVE",
        help="a folder, searched recursively, or an address such as s3://bucket/folder; hidden files are skipped",
    )
    parser.add_argument("--to", type=Path, required=True, metavar="FILE", help="the Parquet file to write")
    add_network(parser)
    add_threshold(parser)
    parser.add_argument(
        "--overlays",
        type=Path,
        metavar="DIR",
        help="write a Grad-CAM overlay for each X-ray, in the same folders as in the archive",
    )
    parser.add_argument(
        "--fast",
        action="store_true",
        help="compute in bfloat16 on processors that multiply it natively, as the app does: faster, but scores differ "
        "slightly from those of predict",
    )
    parser.add_argument(
        "--engine", choices=ENGINES, default=ENGINES[0], help="ray, or local: this process alone, without Ray"
    )
    parser.add_argument(
        "--ray", metavar="ADDRESS", help="address of a Ray cluster, or auto (default: start Ray on this machine)"
    )
    parser.add_argument(
        "--actors", type=count, metavar="N", help="processes with a network each (default: one per processor or GPU)"
    )
    parser.add_argument(
        "--threads", type=count, metavar="N", help="processors for each of them (default: 1; 4 with a GPU)"
    )
    add_vgg19(parser)


def run_score(given: argparse.Namespace) -> int:
    from covid_model.cluster import archive, results
    from covid_model.model import registry

    if given.engine == "local" and (given.ray or given.actors):
        raise UsageError("--ray and --actors are for --engine ray")
    films = archive.Archive(given.archive)
    for option, path in (("--to", given.to), ("--overlays", given.overlays)):
        if path and not films.is_address and path.absolute().is_relative_to(films.place):
            raise UsageError(f"{option} must be outside the archive, or it would be scored. Received: {path}")
    files = films.files()
    settings = results.Settings(
        films.place, given.network, registry.spec(given.network).sha256, given.threshold, given.fast
    )
    job = archive.Job(
        settings,
        vgg19_for(given.network, given.vgg19),
        str(given.overlays.absolute()) if given.overlays else None,
        given.threads,
    )
    engine = archive.local if given.engine == "local" else archive.OnRay(given.ray, given.actors, given.threads)
    with results.opened(given.to.absolute(), settings) as kept:
        before = len(kept.done)
        total = max(len(files), before)
        with (
            quiet(),
            tqdm(total=total, initial=before, desc="Scoring", unit="file", file=sys.stderr, disable=None) as bar,
        ):
            archive.score(kept, files, job, engine, bar.update)
    scored = len(kept.done) - kept.refused
    counted = f"{len(kept.done):,} files, {scored:,} scored, {kept.refused:,} refused"
    print(f"{given.to}: {counted}; {before:,} from earlier runs")
    return DONE


def add_serve_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--host", default=cluster.HOST, help="address to listen on (default: %(default)s, this computer only)"
    )
    parser.add_argument("--port", type=port, default=cluster.PORT, help="port to listen on (default: %(default)s)")
    add_network(parser)
    parser.add_argument(
        "--threads", type=count, metavar="N", help=f"processors for each replica (default: all, at most {MOST_THREADS})"
    )
    parser.add_argument(
        "--replicas",
        type=count,
        metavar="N",
        help="the most replicas, each with its own copy of the networks (default: one for each GPU, else as many as "
        "there are processors for)",
    )
    parser.add_argument("--ray", metavar="ADDRESS", help="Ray cluster to run on (default: start Ray on this machine)")


def port(text: str) -> int:
    """Parse a port."""
    if not (text.isdecimal() and 0 < int(text) < 2**16):
        raise argparse.ArgumentTypeError(f"expected a port from 1 to 65535. Received: {text!r}")
    return int(text)


def run_serve(given: argparse.Namespace) -> int:
    from covid_model.cluster import serve
    from covid_model.cluster.turns import Settings

    token = os.environ.get(config.SERVE_TOKEN_VARIABLE, "").strip() or None
    if token is None and not is_loopback(given.host):
        say_error(
            f"anyone who can reach {given.host}:{given.port} can use this service; set {config.SERVE_TOKEN_VARIABLE} "
            "to ask for a token"
        )
    processors, stop = os.cpu_count() or 1, threading.Event()
    threads = given.threads or min(processors, MOST_THREADS)
    with cluster.connected(given.ray, cpus=max(processors, threads * (given.replicas or 1))):
        gpus = serve.gpus()
        replicas = given.replicas or gpus or max(1, serve.processors() // threads)
        settings = Settings(given.host, given.port, given.network, threads, replicas, gpus=min(gpus, 1), token=token)
        with serve.running(settings) as address:
            for number in (signal.SIGINT, signal.SIGTERM):  # Ray has set handlers of its own
                signal.signal(number, lambda *_: stop.set())
            for line in serve.devices():
                print(f"loaded {line}", file=sys.stderr)
            print(f"Serving predictions at {address}; its API is described at {address}/docs", flush=True)
            stop.wait()
    return DONE


def is_loopback(host: str) -> bool:
    """Return whether an address is this computer's own."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
