"""Serve predictions to many app processes and programs over HTTP, with Ray Serve.

One ingress (`http_api`) takes requests and keeps their order (`turns`); replicas, more of them while more X-rays wait,
hold the networks. The app's side is `RemoteQueue` in `model/queue.py`.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

from covid_model.cluster import ClusterError, http_api
from covid_model.cluster.http_api import DRAIN_SECONDS
from covid_model.cluster.turns import Replica, Settings

APPLICATION = "covid-model"
QUIET = {"enable_access_log": False}  # nothing about who asks
ONGOING = 2  # requests that a replica takes: one runs, and the next is there when it ends
HEALTH_SECONDS = 5.0
UPSCALE_SECONDS, DOWNSCALE_SECONDS = 5.0, 300.0  # of a longer or shorter queue before a replica comes or goes


def application(settings: Settings, replica: type[Replica] = Replica) -> Any:
    """Return the service as an application of Ray Serve, with replicas of the class `replica`."""
    from ray import serve

    replicas = serve.deployment(
        replica,
        name="networks",
        max_ongoing_requests=ONGOING,
        max_queued_requests=settings.capacity,
        autoscaling_config={
            "min_replicas": 1,
            "max_replicas": settings.replicas,
            "target_ongoing_requests": ONGOING,
            "upscale_delay_s": UPSCALE_SECONDS,
            "downscale_delay_s": DOWNSCALE_SECONDS,
        },
        health_check_period_s=HEALTH_SECONDS,
        graceful_shutdown_timeout_s=DRAIN_SECONDS,
        ray_actor_options={"num_cpus": settings.threads, "num_gpus": settings.gpus},
        logging_config=QUIET,
    )
    return http_api.deployment().bind(replicas.bind(settings), settings)


def gpus() -> int:
    """Return the number of GPUs of the cluster that this process is connected to."""
    return _resource("GPU")


def processors() -> int:
    """Return the number of processors of the cluster that this process is connected to."""
    return _resource("CPU")


def _resource(name: str) -> int:
    import ray

    return int(ray.cluster_resources().get(name, 0))


def devices() -> list[str]:
    """Return a line for each network that a replica has loaded: its name, the device and the precision."""
    from ray import serve

    return serve.get_deployment_handle("networks", APPLICATION).devices.remote().result()


@contextlib.contextmanager
def running(settings: Settings, replica: type[Replica] = Replica) -> Iterator[str]:
    """Serve on the Ray that this process is connected to (`cluster.connected`); give the address.

    At the end new requests are refused, and those in progress get their answers before the replicas stop.

    Args:
        settings: Of the service.
        replica: The class of its replicas.

    Raises:
        ClusterError: The service does not start.
    """
    from ray import serve

    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    options = {"host": settings.host, "port": settings.port}
    try:
        serve.start(proxy_location="HeadOnly", http_options=options, logging_config=QUIET)
        ingress = serve.run(application(settings, replica), name=APPLICATION, route_prefix="/")
    except RuntimeError as error:
        serve.shutdown()
        raise ClusterError(f"The prediction service did not start: {error}") from error
    try:
        yield f"http://{settings.host}:{settings.port}"
    finally:
        with contextlib.suppress(Exception):  # whatever keeps it from draining must not keep it from stopping
            ingress.drain.remote().result(timeout_s=DRAIN_SECONDS + 5)
        serve.shutdown()
