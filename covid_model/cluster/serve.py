"""Serve predictions to many app processes and programs over HTTP, with Ray Serve.

One ingress takes requests and keeps their order (`turns`); replicas, more of them while more X-rays wait, hold the
networks. The app's side is `RemoteQueue` in `model/queue.py`. The API, which the ingress answers, is defined first: who
may ask, what is read, and which status a refusal has.

Ray and FastAPI are imported inside functions only. FastAPI reads annotations as objects: hence no
`from __future__ import annotations` here.
"""

import asyncio
import contextlib
import hmac
import json
import logging
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from covid_model import config, imaging
from covid_model.cluster import ClusterError
from covid_model.cluster.turns import LATE, LOADING, NO_TOKEN, Replica, RequestError, Settings, Turns, film_refused
from covid_model.imaging import Film, FilmError
from covid_model.imaging.image import check_bytes, show_name
from covid_model.model import registry, tasks
from covid_model.model.queue import QueuePosition
from covid_model.model.tasks import PREDICT, Code, Task
from covid_model.reports import summary

DECODERS = 2  # files decoded at a time
MOST_ONGOING = 1000  # requests that the ingress looks at; it refuses most of them at once if so many come
DRAIN_SECONDS = 30.0  # that requests in progress get when the service stops
RETRY_AFTER = "5"  # seconds, in a header
BINARY = {"schema": {"type": "string", "format": "binary"}}
BODY = {"requestBody": {"required": True, "content": {"application/octet-stream": BINARY}}}
ANSWERS = {
    200: "The JSON of `predict`.",
    401: "The token is missing or wrong.",
    413: "The file is too large.",
    415: "The file is not a PNG, JPEG, TIFF or DICOM file.",
    422: "The file cannot be read as a chest X-ray, or a parameter is wrong.",
    503: "The queue is full, or the service gave no answer in time. Try again later.",
}
ABOUT = (
    f"{config.NOTICE}\n\nSend one X-ray as the body of a request, and get its score: "
    "`curl --data-binary @FILE http://HOST:PORT/predict`."
)


def deployment() -> Any:
    """Return the ingress, a deployment to be bound to the replicas and the settings."""
    from fastapi import Query, Request
    from fastapi.exceptions import RequestValidationError
    from fastapi.responses import JSONResponse, Response, StreamingResponse
    from fastapi_offline import FastAPIOffline
    from ray import serve

    title = "COVID-19 transfer learning: prediction service"
    api = FastAPIOffline(redoc_url=None, title=title, description=ABOUT, version="1")  # its page /docs needs no CDN

    def refused(error: RequestError, more: dict[str, Any] | None = None) -> Response:
        headers = {"Retry-After": RETRY_AFTER} if error.status == 503 else {}
        headers |= {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
        return JSONResponse((more or {}) | error.head, error.status, headers)

    @api.exception_handler(RequestError)
    async def on_refusal(request: Request, error: RequestError) -> Response:
        return refused(error)

    @api.exception_handler(RequestValidationError)
    async def on_bad_parameter(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        return refused(RequestError(Code.REQUEST, f"{first['loc'][-1]}: {first['msg']}. Received: {first['input']!r}."))

    @serve.deployment(
        name="ingress",
        num_replicas=1,  # it holds the order of all requests
        max_ongoing_requests=MOST_ONGOING,
        graceful_shutdown_timeout_s=DRAIN_SECONDS,
        ray_actor_options={"num_cpus": 0},
        logging_config={"enable_access_log": False},
    )
    @serve.ingress(api)
    class Ingress:
        """Takes requests; one process, so that it knows the position of each."""

        def __init__(self, replicas: Any, settings: Settings):
            config.NETWORKS = Path(settings.networks)  # this process is the ingress's own
            self._settings = settings
            self._turns = Turns(replicas, settings)
            self._arriving = 0
            self._decoders = ThreadPoolExecutor(DECODERS)

        async def drain(self) -> None:
            """Refuse new requests, and wait until those in progress have their answers."""
            self._turns.draining = True
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_SECONDS):
                    while self._arriving:
                        await asyncio.sleep(0.1)

        @api.get("/health", summary="Whether the service takes requests")
        async def health(self) -> dict[str, Any]:
            self._turns.check_room(0)
            if not await self._turns.ready():
                raise RequestError(Code.AGAIN, LOADING)
            return {"status": "ok", "networks": list(registry.names()), "waiting": self._turns.waiting}

        @api.post(
            "/predict",
            summary="Score one X-ray",
            openapi_extra=BODY,
            responses={status: {"description": text} for status, text in ANSWERS.items()},
        )
        async def predict(
            self,
            request: Request,
            network: str = Query(registry.default(), description=f"One of {', '.join(registry.names())}."),
            threshold: float = Query(config.THRESHOLD, ge=0, le=1, description="Scores above it are positive."),
            file: str = Query("", description="A name for the X-ray, repeated in the answer.", max_length=255),
        ) -> Response:
            name = show_name(file) if file else ""
            try:
                async with self._admitted(request, network):
                    if request.headers.get("content-type", "").startswith("multipart/"):
                        raise RequestError(
                            Code.REQUEST, "Send the X-ray itself as the body of the request, not a form.", 415
                        )
                    film = await self._decoded(await self._body(request, config.MAX_BYTES))
                    prediction = await self._answer(network, Task(PREDICT, film))
            except RequestError as error:
                return refused(error, summary.refusal(name, network, threshold, error.sentence).as_json())
            return JSONResponse(summary.summarize(name, prediction, threshold).as_json())

        @api.post("/tasks/{name}", summary="For the app: one task, and its position while it waits", openapi_extra=BODY)
        async def task(
            self, request: Request, name: str, network: str = Query(...), options: str = Query("{}")
        ) -> Response:
            admitted = contextlib.AsyncExitStack()
            try:
                await admitted.enter_async_context(self._admitted(request, network))
                data = await self._body(request, tasks.most_film_bytes())
                try:
                    asked = Task(name, Film(tasks.film_from_bytes(data), (), "PNG"), json.loads(options))
                except FilmError as error:
                    raise film_refused(error) from None
                except (ValueError, TypeError) as error:
                    raise RequestError(Code.REQUEST, str(error)) from None
                steps = await admitted.enter_async_context(contextlib.aclosing(self._ask(network, asked)))
                first = await anext(steps)
            except BaseException:
                await admitted.aclose()
                raise
            return StreamingResponse(self._lines(admitted, first, steps), media_type="application/octet-stream")

        async def _lines(
            self, admitted: contextlib.AsyncExitStack, first: Any, steps: AsyncIterator[Any]
        ) -> AsyncIterator[bytes]:
            """Yield a line of JSON for every step, and the answer's bytes after the last one."""
            async with admitted:
                step = first
                try:
                    while isinstance(step, QueuePosition):
                        yield _line({"ahead": step.ahead, "seconds": step.seconds})
                        step = await anext(steps)
                except RequestError as error:
                    yield _line(error.head)
                    return
                content = step["content"]
                yield _line({"bytes": len(content), "film": step["film"], "network": step["network"]})
                yield content

        # --- What both have in common ---

        @contextlib.asynccontextmanager
        async def _admitted(self, request: Request, network: str) -> AsyncIterator[None]:
            """Check token, room and network before anything of the body is read; count the request meanwhile."""
            if self._settings.token is not None:
                given = request.headers.get("authorization", "").encode()
                if not hmac.compare_digest(given, f"Bearer {self._settings.token}".encode()):
                    raise RequestError(Code.TOKEN, NO_TOKEN)
            self._turns.check_room(self._arriving)
            if network not in registry.names():
                known = ", ".join(registry.names()) or "none"
                raise RequestError(Code.REQUEST, f"The network must be one of {known}. Received: {network!r}.")
            self._arriving += 1
            try:
                yield
            finally:
                self._arriving -= 1

        async def _body(self, request: Request, limit: int) -> bytes:
            """Return a request's body; it is not read further than its limits of bytes and time."""
            announced = request.headers.get("content-length", "")
            size = int(announced) if announced.isdecimal() else 0
            parts: list[bytes] = []
            try:
                async with asyncio.timeout(self._settings.body_seconds):
                    if size <= limit:
                        size = 0
                        async for part in request.stream():
                            parts.append(part)
                            size += len(part)
                            if size > limit:
                                break
            except TimeoutError:
                raise RequestError(Code.REQUEST, "The X-ray did not arrive in time. Please try again.", 408) from None
            if size > limit:
                try:
                    check_bytes(size)
                except FilmError as error:
                    raise film_refused(error) from None
            return b"".join(parts)

        async def _decoded(self, data: bytes) -> Film:
            loop = asyncio.get_running_loop()
            try:
                async with asyncio.timeout(self._settings.answer_seconds):
                    return await loop.run_in_executor(self._decoders, imaging.decode, data)
            except FilmError as error:
                raise film_refused(error) from None
            except TimeoutError:
                raise RequestError(Code.AGAIN, LATE) from None

        async def _answer(self, network: str, asked: Task) -> Any:
            """Return a task's answer, for a caller who is not told of its position."""
            async with contextlib.aclosing(self._ask(network, asked)) as steps:
                async for step in steps:
                    if not isinstance(step, QueuePosition):
                        return asked.completed(tasks.decode(step["content"]))

        def _ask(self, network: str, asked: Task) -> AsyncIterator[Any]:
            return self._turns.ask(network, asked.name, asked.film.pixels, dict(asked.options))

    return Ingress


def _line(content: dict[str, Any]) -> bytes:
    return json.dumps(content).encode() + b"\n"


# --- The service on Ray ---

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
    return deployment().bind(replicas.bind(settings), settings)


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
