"""The way to a Docker Engine: which one, and how to wait for it so that a cancel is heard at once."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from reign.core.errors import did_you_mean
from reign.executor import Context, FailureKind, TaskFailed
from workers.docker import by_ssh, contexts
from workers.docker.errors import in_words

if TYPE_CHECKING:
    from docker import DockerClient

T = TypeVar("T")
_ANSWER_WITHIN = 60  # seconds for a call that is not a stream
_FIRST_ANSWER_WITHIN = 20  # seconds to say its version: one that does not is as good as away
_CA_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_LET_GO_WITHIN = 1.0  # seconds that the reader of a cut stream has to notice


_DEFAULT = "unix:///var/run/docker.sock"


def address(options: Mapping[str, Any]) -> str:
    """The address that :func:`connect` uses, for people."""
    with contextlib.suppress(Exception):  # what is wrong with the settings is told by connect()
        return str(_way(options).get("base_url") or _DEFAULT)
    name = _named(options)
    if name:
        return f"context {name}"
    return str(options.get("host") or os.environ.get("DOCKER_HOST") or "context default")


def _named(options: Mapping[str, Any]) -> str | None:
    """The context that is asked for by name; DOCKER_HOST goes before DOCKER_CONTEXT, as with the docker command."""
    asked = options.get("context") or (not os.environ.get("DOCKER_HOST") and os.environ.get("DOCKER_CONTEXT"))
    return str(asked) if asked else None


def _way(options: Mapping[str, Any]) -> dict[str, Any]:
    """``{base_url, tls}`` of the engine that ``options`` name, else of the one that the docker command line would use.

    Options: ``host`` (unix://, tcp://, ssh://), ``context`` (a name), and for a ``host`` with TLS ``cert_path`` (a
    folder with ca.pem, cert.pem and key.pem) and ``tls_verify`` (default true). Without them DOCKER_HOST,
    DOCKER_CERT_PATH, DOCKER_TLS_VERIFY, DOCKER_CONTEXT and the current context count.
    """
    from docker.tls import TLSConfig
    from docker.utils import kwargs_from_env

    if options.get("host"):
        folder, verify = options.get("cert_path"), bool(options.get("tls_verify", True))
        way: dict[str, Any] = {"base_url": options["host"]}
        if folder:
            own = (f"{folder}/cert.pem", f"{folder}/key.pem")
            way["tls"] = TLSConfig(client_cert=own, ca_cert=f"{folder}/ca.pem", verify=verify)
        return way
    name = _named(options)
    if name and contexts.api().get_context(name) is None:
        known = [context.Name for context in contexts.api().contexts()]
        raise TaskFailed(
            f"there is no docker context {name!r}",
            kind=FailureKind.WRONG_INPUT,
            hint=did_you_mean(name, known) or "see `docker context ls`",
        )
    found: dict[str, Any] = {} if name else kwargs_from_env()
    return found if "base_url" in found else {**contexts.api().kwargs_from_context(name), **found}


def connect(options: Mapping[str, Any], timeout: float = _ANSWER_WITHIN) -> DockerClient:
    """A client of the engine; see :func:`_way`. Raises the SDK's exceptions, or TaskFailed."""
    import docker
    from docker.tls import TLSConfig

    way = _way(options)
    tls = way.get("tls")
    if isinstance(tls, TLSConfig) and any(os.environ.get(name) for name in _CA_BUNDLES):
        configure = tls.configure_client

        def without_environment(client: Any) -> None:
            configure(client)
            client.trust_env = False  # requests would check against those bundles instead of the engine's own CA

        tls.configure_client = without_environment
    if str(way.get("base_url", "")).startswith("ssh://"):
        by_ssh.prepare()
    by_network = not str(way.get("base_url", "")).startswith("ssh://")  # ssh may take its time to let one in
    first = min(timeout, _FIRST_ANSWER_WITHIN) if by_network else timeout
    client = docker.DockerClient(**way, version="auto", timeout=first, use_ssh_client=True)
    client.api.timeout = timeout
    return client


@contextlib.contextmanager
def engine(ctx: Context, doing: str) -> Iterator[DockerClient]:
    """A client for one step. Whatever the engine objects to becomes a TaskFailed that says it in words.

    ``doing`` is what the step was about ("stop container web"), and starts a sentence where nothing better is known.
    """
    with in_words(doing, where=lambda: address(ctx.options)) as words:
        client = words.client = patiently(ctx, lambda: connect(ctx.options))
        try:
            yield client
        finally:
            client.close()


def patiently(ctx: Context, work: Callable[[], T]) -> T:
    """What ``work`` (a blocking call) returns; Cancelled or TimedOut as soon as the attempt must end.

    The call is then left to itself in its thread: the engine finishes what it was asked for, which is a state that
    the next look sees.
    """
    outcome: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue()

    def run() -> None:
        try:
            outcome.put((work(), None))
        except BaseException as error:
            outcome.put((None, error))

    threading.Thread(target=run, daemon=True, name="docker-call").start()
    while True:
        ctx.check()
        try:
            value, error = outcome.get(timeout=0.1)
        except queue.Empty:
            continue
        if error is not None:
            raise error
        return value  # type: ignore[return-value]


def streamed(
    ctx: Context, client: DockerClient, start: Callable[[], Iterable[T]], until: float | None = None
) -> Generator[T, None, None]:
    """The items of a stream of the engine (``start`` opens it), ending it at once when the attempt must end.

    The connection is cut then, which makes the engine give up a build, a pull or a push. ``until``: a time of
    ``time.monotonic()`` at which enough has been read.
    """
    items: queue.Queue[tuple[str, Any]] = queue.Queue(maxsize=1000)
    stop = threading.Event()
    responses: list[Any] = []

    def put(kind: str, value: Any) -> None:
        while not stop.is_set():
            with contextlib.suppress(queue.Full):
                items.put((kind, value), timeout=0.5)
                return

    def read() -> None:
        try:
            for item in start():
                put("item", item)
            put("end", None)
        except BaseException as error:
            put("error", error)

    def remember(response: Any, *_: Any, **__: Any) -> None:
        responses.append(response)

    client.api.hooks["response"].append(remember)
    client.api.timeout = None  # a build step may be silent for long
    reader = threading.Thread(target=read, daemon=True, name="docker-stream")
    reader.start()
    try:
        while True:
            ctx.check()
            if until is not None and time.monotonic() >= until:
                return
            try:
                kind, value = items.get(timeout=0.1)
            except queue.Empty:
                continue
            if kind == "error":
                raise value
            if kind == "end":
                return
            yield value
    finally:
        stop.set()
        client.api.hooks["response"].remove(remember)
        client.api.timeout = _ANSWER_WITHIN
        for response in responses:
            _cut(response)
        reader.join(_LET_GO_WITHIN)
        for response in responses:
            response.close()


def _cut(response: Any) -> None:
    """Close the socket below a response that another thread may be reading from."""
    from docker.types.daemon import CancellableStream

    with contextlib.suppress(Exception):  # it has ended by itself, or never began
        CancellableStream(iter(()), response).close()
