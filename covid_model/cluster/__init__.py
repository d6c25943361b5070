"""Score on several processes or machines with Ray, an optional dependency (requirements-cluster.txt).

`archive` scores a folder or bucket of X-rays, `serve` answers many users over HTTP. Ray is imported only inside
functions of this room, once a command needs it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import socket
import sys
from collections.abc import Iterator

HOST, PORT = "127.0.0.1", 8600  # where the service listens unless told otherwise
PATIENCE = 10.0  # seconds for a connection to a cluster
INSTALL = "pip install -r requirements-cluster.txt"
OBJECT_STORE_BYTES = 200 * 2**20  # shared memory of a Ray that is started here: paths and rows need little
# Ray would report its use to its makers, and Ray Data every step to the terminal.
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "RAY_USAGE_STATS_ENABLED": "0", "RAY_DATA_LOG_LEVEL": "CRITICAL"}


class ClusterError(RuntimeError):
    """Ray is missing, cannot be reached or cannot do what was asked. The message says what to do."""


@contextlib.contextmanager
def connected(address: str | None = None, cpus: int | None = None) -> Iterator[None]:
    """Connect to a Ray cluster, or start a Ray on this machine and stop it afterwards.

    Args:
        address: of the cluster, such as "10.0.0.1:6379"; None starts a Ray here, without its dashboard.
        cpus: that a Ray started here may use; None for all.

    Raises:
        ClusterError: Ray is not installed, or there is no cluster at `address`.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    # Ray's own ports are open to the network; Ray reads this when it is imported.
    if address is None and "RAY_AUTH_MODE" not in os.environ and "ray" not in sys.modules:
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    try:
        import ray
    except ImportError as error:
        raise ClusterError(f"Ray is not installed here. Install it: {INSTALL}.") from error
    options = {"logging_level": logging.ERROR, "log_to_driver": False, "configure_logging": True}
    if address is None:
        options |= {"num_cpus": cpus, "object_store_memory": OBJECT_STORE_BYTES, "include_dashboard": False}
    try:
        _check_answers(address)
        ray.init(address or "local", **options)
    except (OSError, RuntimeError, ValueError) as error:
        place = f"at {address}" if address else "on this machine"
        raise ClusterError(f"No Ray was found {place}: {error}") from error
    try:
        yield
    finally:
        ray.shutdown()


def _check_answers(address: str | None) -> None:
    """Raise OSError if nothing accepts a connection at HOST:PORT: Ray itself would wait for minutes."""
    host, _, port = (address or "").rpartition(":")
    if host and "/" not in host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=PATIENCE).close()
