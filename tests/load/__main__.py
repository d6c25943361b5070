"""`python -m tests.load [--only RUN | --service]`: the load test at full size; results go to assets/results/load.json.

`--service` runs two apps that share one prediction service, in a Python that has Ray (requirements-cluster.txt).
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import date

from covid_model import config
from covid_model.model import registry
from covid_model.model.registry import spec
from covid_model.records import describe_machine
from tests.load import run

RUNS = ("steady", "at_once", "soak")
SERVICE_RUNS = ("service", "service_at_once")
POOL = 40  # different films


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--only", choices=RUNS + SERVICE_RUNS, action="append")
    parser.add_argument("--service", action="store_true", help=f"short for {' '.join(SERVICE_RUNS)}")
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--readings", type=int, default=600)
    parser.add_argument("--crowd", type=int, default=40)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--remark", default="", help="stands in the record: what else the machine did meanwhile")
    given = parser.parse_args()
    path = config.LOAD_JSON
    kept = json.loads(path.read_text()) if path.is_file() else {}
    for name in given.only or (SERVICE_RUNS if given.service else RUNS):
        print(f"{name} ...", file=sys.stderr, flush=True)
        service = name in SERVICE_RUNS
        if name in ("steady", "service"):
            result = run.steady(given.sessions, given.readings, POOL, service)
        elif name in ("at_once", "service_at_once"):
            result = run.at_once(given.crowd, POOL, service)
        else:
            result = run.soak(given.minutes, 6, POOL)
        about = {"date": date.today().isoformat(), "machine": describe_machine(), "remark": given.remark}
        kept[name] = about | {"weights_sha256": spec(registry.default()).sha256} | result
        path.write_text(json.dumps(kept, indent=1) + "\n")
        print(json.dumps(result, indent=1))
    return 0 if all(value is not False for item in kept.values() for value in item["held"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
