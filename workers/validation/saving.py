"""An image as the Docker Engine writes it out, by the docker command: it knows sockets, contexts, TLS and ssh."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from reign.executor import Context, FailureKind, TaskFailed
from reign.executor.process import Outpouring, safe_environment
from workers.validation.sources import needed

#: What the docker command goes by to find its engine, beside the contexts in the user's home.
ENVIRONMENT = (
    "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS", "DOCKER_TLS_VERIFY",
    "DOCKER_API_VERSION", "SSH_AUTH_SOCK",
)  # fmt: skip
INSTEAD = "or check, before the push, the folder that the image was built from"
_ID = re.compile(r"(?:sha256:)?[0-9a-f]{64}")
_UNKNOWN = re.compile(r"no such image|reference does not exist|not found", re.IGNORECASE)
_AWAY = re.compile(
    r"cannot connect|connection refused|no such host|permission denied|error during connect|failed to connect"
    r"|i/o timeout|context .* (?:not found|does not exist)|certificate|tls",
    re.IGNORECASE,
)


@contextmanager
def saved(ctx: Context, image: str) -> Iterator[Outpouring]:
    """The archive of an image, while it is written.

    Options of the agent: ``docker`` (the program), ``docker_host`` and ``docker_context`` (else those of the
    environment). Raises TaskFailed: no docker command, no engine, no such image; the latter two when the archive's
    reader has come to its end, or fails.
    """
    program = str(ctx.options.get("docker") or "") or needed(
        "docker", f"install the docker command on the machine of the validation pool, {INSTEAD}"
    )
    with ctx.pour(
        [program, *_where(ctx.options), "save", "--", tagged(image)], env=_environment(ctx.options)
    ) as archive:
        try:
            yield archive
        except TaskFailed:
            raise
        except ValueError as error:  # what has been read is no archive: the command's own words come first
            code, words = archive.ended()
            raise _failure(image, words) if code else TaskFailed(f"image {image} cannot be read: {error}") from None
        code, words = archive.ended()
        if code:
            raise _failure(image, words)


def tagged(image: str) -> str:
    """The name with the tag that a push takes where none is given; without one all tags would be written out."""
    last = image.rpartition("/")[2]
    return image if ":" in last or "@" in last or _ID.fullmatch(image) else f"{image}:latest"


def _where(options: Mapping[str, Any]) -> list[str]:
    if options.get("docker_host"):
        return ["--host", str(options["docker_host"])]
    return ["--context", str(options["docker_context"])] if options.get("docker_context") else []


def _environment(options: Mapping[str, Any]) -> dict[str, str]:
    given = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    if _where(options):  # the command refuses both
        given = {name: value for name, value in given.items() if name not in ("DOCKER_HOST", "DOCKER_CONTEXT")}
    return safe_environment(given)


def _failure(image: str, words: str) -> TaskFailed:
    said = next((line.strip() for line in reversed(words.splitlines()) if line.strip()), "it says nothing")
    if _AWAY.search(words):
        return TaskFailed(
            f"image {image} cannot be looked into, as the docker command reaches no engine: {said}",
            kind=FailureKind.MISSING_PREREQUISITE,
            hint=f"set DOCKER_HOST or a docker context for the validation pool, {INSTEAD}",
            retryable=True,
        )
    if _UNKNOWN.search(words):
        return TaskFailed(
            f"there is no image {image}",
            kind=FailureKind.WRONG_INPUT,
            hint="build, pull or tag it first; see `docker image ls`",
        )
    return TaskFailed(f"image {image} cannot be written out: {said}")
