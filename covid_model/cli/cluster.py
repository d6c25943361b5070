"""Commands for more X-rays than one process can handle: score."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

from covid_model.cli.common import DONE, UsageError, add_network, add_threshold, add_vgg19, count, quiet, vgg19_for

ENGINES = ("ray", "local")


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
        bar = tqdm(
            total=max(len(files), before),
            initial=before,
            desc="Scoring",
            unit="file",
            leave=False,
            disable=None,
            file=sys.stderr,
        )
        with bar, quiet():
            archive.score(kept, files, job, engine, bar.update)
    scored = len(kept.done) - kept.refused
    counted = f"{len(kept.done):,} files, {scored:,} scored, {kept.refused:,} refused"
    print(f"{given.to}: {counted}; {before:,} from earlier runs")
    return DONE
