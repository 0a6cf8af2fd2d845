"""Messages as engines really give them (20.10 to 28), and what is made of them."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from docker.errors import APIError

from reign.executor import FailureKind, TaskFailed
from workers.docker.away import no_way
from workers.docker.errors import in_plain, in_words, out_of_disk


class Engine:
    """Just enough of a client for the hints."""

    def __init__(self, broken: bool = False) -> None:
        self.broken = broken
        self.api = self

    def images(self) -> list[dict[str, Any]]:
        if self.broken:
            raise ConnectionError
        return [{"RepoTags": ["shop:1", "<none>:<none>"]}, {"RepoTags": None}]

    def containers(self, **_: Any) -> list[dict[str, Any]]:
        if self.broken:
            raise ConnectionError
        ports = [{"PublicPort": 8088, "Type": "tcp"}, {"PublicPort": 5353, "Type": "udp"}]
        return [{"Names": ["/web"], "Ports": ports}]

    def networks(self) -> list[dict[str, Any]]:
        return [{"Name": "backend"}]

    def volumes(self) -> dict[str, Any]:
        return {"Volumes": None}

    def info(self) -> dict[str, Any]:
        return {"DockerRootDir": "/var/lib/docker"}


@pytest.mark.parametrize(
    ("text", "kind", "message", "hint"),
    [
        (
            "endpoint web (abc): Bind for 127.0.0.1:5353 failed: port is already allocated",
            FailureKind.CONFLICT, "port 5353 of 127.0.0.1 is taken by container web", "another port",
        ),
        (
            "COPY failed: file not found in build context or excluded by .dockerignore: stat nope: file does not exist",
            FailureKind.WRONG_INPUT, "stat nope", "build context",
        ),
        (
            "dockerfile parse error line 1: unknown instruction: FORM",
            FailureKind.WRONG_INPUT, "line 1 of the Dockerfile begins with 'FORM'", "did you mean 'FROM'?",
        ),
        (
            "failed to reach build target nope in Dockerfile", FailureKind.WRONG_INPUT, "target nope", "AS target",
        ),
        (
            "unable to find user nosuch: no matching entries in passwd file",
            FailureKind.WRONG_INPUT, "no user 'nosuch'", "a number",
        ),
        (
            "Invalid address 10.0.0.1: It does not belong to any of this network's subnets",
            FailureKind.WRONG_INPUT, "10.0.0.1 is in no subnet", "docker network inspect",
        ),
        (
            "user specified IP address is supported only when connecting to networks with user configured subnets",
            FailureKind.WRONG_INPUT, "needs a network with a `subnet`", "docker.create_network",
        ),
        (
            'error gathering device information while adding custom device "/dev/nope": no such file or directory',
            FailureKind.WRONG_INPUT, "no device /dev/nope", "devices",
        ),
        (
            "no such service: nope: not found", FailureKind.WRONG_INPUT, "no service 'nope'", "services",
        ),
        (
            "network x declared as external, but could not be found",
            FailureKind.MISSING_PREREQUISITE, "no network 'x'", "docker.create_network",
        ),
        (
            "failed to register layer: write /x: no space left on device",
            FailureKind.MISSING_PREREQUISITE, "disk of the Docker Engine (/var/lib/docker) is full", "docker system",
        ),
        (
            "endpoint web (abc): Bind for 127.0.0.1:8088 failed: port is already allocated",
            FailureKind.CONFLICT, "port 8088 of 127.0.0.1 is taken by container web", "another port",
        ),
        (
            "endpoint web (a): failed to bind host port for 0.0.0.0:8088:172.17.0.2:80/tcp: address already in use",
            FailureKind.CONFLICT, "port 8088 of 0.0.0.0 is taken by container web", "another port",
        ),
        (
            "failed to bind host port [::]:8088/tcp: address already in use",
            FailureKind.CONFLICT, "port 8088 of [::] is taken by container web", "another port",
        ),
        (
            "Error starting userland proxy: listen tcp4 127.0.0.1:8088: bind: address already in use",
            FailureKind.CONFLICT, "port 8088 of 127.0.0.1 is taken by container web", "another port",
        ),
        (
            'Conflict. The container name "/web" is already in use by container "0123456789abcdef". You have to remove',
            FailureKind.CONFLICT, "the name 'web' is taken by container 0123456789ab", "replace: true",
        ),
        ("No such container: wbe", FailureKind.WRONG_INPUT, "there is no container 'wbe'", "did you mean 'web'?"),
        (
            "Pool overlaps with other one on this address space",
            FailureKind.CONFLICT, "its subnet overlaps with that of another network", "another `subnet`",
        ),
        (
            "invalid mount config for type \"volume\": invalid mount path: 'd:/d' mount path must be absolute",
            FailureKind.WRONG_INPUT, "mount path must be absolute", "begins with /",
        ),
        ("network backed not found", FailureKind.WRONG_INPUT, "is no network 'backed'", "did you mean 'backend'?"),
        ("get data: no such volume", FailureKind.WRONG_INPUT, "there is no volume 'data'", "see `docker volume ls`"),
        ("No such image: shpo:1", FailureKind.WRONG_INPUT, "there is no image 'shpo:1'", "did you mean 'shop:1'"),
        (
            "manifest for shop:2 not found: manifest unknown: manifest unknown",
            FailureKind.WRONG_INPUT, "there is no image 'shop:2'", "did you mean 'shop:1'",
        ),
        (
            "pull access denied for zzz, repository does not exist or may require 'docker login': denied",
            FailureKind.WRONG_INPUT, "there is no image 'zzz'", "build it first",
        ),
        ("toomanyrequests: You have reached your pull rate limit", FailureKind.TRANSIENT, "limits how often", "mirror"),
        ("unauthorized: authentication required", FailureKind.PERMISSION, "refuses access", "docker login"),
        ("denied: requested access to the resource is denied", FailureKind.PERMISSION, "refuses access", "username"),
        (
            "no matching manifest for linux/arm64/v8 in the manifest list entries",
            FailureKind.WRONG_INPUT, "not made for linux/arm64/v8", "platform",
        ),
        (
            'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host',
            FailureKind.TRANSIENT, "the registry does not answer", "proxy",
        ),
        (
            "the --mount option requires BuildKit. Refer to https://docs.docker.com/go/buildkit/",
            FailureKind.WRONG_INPUT, "uses --mount", "buildx",
        ),
        (
            'invalid mount config for type "bind": bind source path does not exist: /x',
            FailureKind.WRONG_INPUT, "does not exist: /x", "must exist",
        ),
        (
            'OCI runtime create failed: exec: "serve": executable file not found in $PATH: unknown',
            FailureKind.WRONG_INPUT, "there is no program 'serve'", "entrypoint",
        ),
        ("container app-db-1 is unhealthy", FailureKind.UNKNOWN, "app-db-1 is unhealthy", "app-db-1 are in the log"),
    ],
)  # fmt: skip
def test_a_message_of_the_engine(text: str, kind: FailureKind, message: str, hint: str) -> None:
    failure = in_plain(text, "do it", Engine())  # type: ignore[arg-type]
    assert failure.kind is kind
    assert message in failure.message
    assert hint in (failure.hint or "")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, FailureKind.WRONG_INPUT),
        (403, FailureKind.PERMISSION),
        (409, FailureKind.CONFLICT),
        (500, FailureKind.UNKNOWN),
        (None, FailureKind.UNKNOWN),
    ],
)
def test_an_unknown_message_keeps_its_first_line(status: int | None, kind: FailureKind) -> None:
    failure = in_plain("\n something odd \n and more", "do it", None, status)
    assert failure.message == "do it: something odd"
    assert failure.kind is kind
    assert not failure.retryable


def test_an_engine_that_does_not_answer_hides_no_error() -> None:
    broken: Any = Engine(broken=True)
    assert in_plain("No such image: shpo:1", "do it", broken).message == "there is no image 'shpo:1'"
    assert (
        in_plain("listen tcp4 127.0.0.1:1: bind: address already in use", "do it", broken).kind is FailureKind.CONFLICT
    )
    assert "no such file" in in_plain("no such file", "do it", None).message


def broken_connection(text: str, connected: bool = False) -> TaskFailed:
    def call() -> None:
        with in_words("do it", where=lambda: "tcp://x") as words:
            words.client = Engine() if connected else None  # type: ignore[assignment]
            raise requests.exceptions.ConnectionError(text)

    with pytest.raises(TaskFailed) as caught:
        call()
    return caught.value


def test_connections() -> None:
    away = broken_connection("Connection refused")
    assert (away.message, away.kind, away.retryable) == (
        "no Docker Engine answers at tcp://x: nothing listens there",
        FailureKind.MISSING_PREREQUISITE,
        True,
    )
    assert broken_connection("PermissionError(13, 'Permission denied')").kind is FailureKind.PERMISSION
    assert "not trusted" in broken_connection("SSLError: certificate verify failed").message
    broke = broken_connection("Connection aborted", connected=True)
    assert (broke.kind, broke.retryable) == (FailureKind.TRANSIENT, False)


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("FileNotFoundError(2, 'No such file or directory')", "there is no such socket", "start it"),
        ("Failed to resolve 'x.invalid' ([Errno -2] Name or service not known)", "no host of that name", "DOCKER_HOST"),
        ("UnixHTTPConnectionPool(): Read timed out. (read timeout=20)", "says nothing", "systemctl restart docker"),
        ("[Errno 113] No route to host", "no way to that host", "DOCKER_HOST"),
        ("Invalid bind address protocol: bogus://x", "no address of an engine", "write unix:///PATH"),
        ('Invalid response from docker daemon: key "ApiVersion" is missing.', "what answers there is no engine", ""),
        ("Path ... must be provided through the client_cert param.", "holds no ca.pem", "DOCKER_CERT_PATH"),
        ("certificate verify failed: IP address mismatch", "for another name", "the certificate holds"),
        ("certificate verify failed: certificate has expired", "not valid today", "clock"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] unable to get local issuer", "not signed by the CA", "cert_path"),
        ("[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED]", "does not take the certificate", "cert.pem"),
        ("[SSL: SSLV3_ALERT_CERTIFICATE_EXPIRED]", "cert.pem has expired", "clocks"),
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number", "speaks no TLS", "unset DOCKER_TLS_VERIFY"),
        ("Client sent an HTTP request to an HTTPS server.", "TLS is not asked for", "DOCKER_TLS_VERIFY=1"),
        ("SSLError: something new", "not trusted: SSLError: something new", "DOCKER_CERT_PATH"),
        ("something else", "no Docker Engine answers at tcp://x", "start it"),
    ],
)
def test_why_there_is_no_way(text: str, says: str, hint: str) -> None:
    found = broken_connection(text)
    assert says in found.message
    assert hint in (found.hint or "")


def test_no_way_by_ssh_names_what_to_try() -> None:
    found = no_way("the program ended", "ssh://me@host:22")
    assert found.message == "no Docker Engine answers at ssh://me@host:22"
    assert "ssh me@host docker version" in (found.hint or "")


def test_an_answer_that_is_no_engine_s() -> None:
    def call() -> None:
        with in_words("do it", where=lambda: "tcp://x"):
            response = requests.Response()
            response.status_code = 404
            raise APIError("404 Client Error", response=response, explanation="nothing like that")

    with pytest.raises(TaskFailed, match="what answers there is no engine"):
        call()


def test_time_and_files() -> None:
    with pytest.raises(TaskFailed, match="did not answer in time") as caught, in_words("do it", where=lambda: "x"):
        raise requests.exceptions.ReadTimeout
    assert caught.value.kind is FailureKind.TIMED_OUT
    with pytest.raises(TaskFailed, match="do it: .*no such thing"), in_words("do it", where=lambda: "x"):
        raise FileNotFoundError("no such thing")
    with pytest.raises(KeyError), in_words("do it", where=lambda: "x"):
        raise KeyError("a fault of ours is not put in words")


def test_a_step_that_filled_the_disk_of_the_engine() -> None:
    lines = ["37+0 records in", "dd: error writing '/big': No space left on device", "38+0 records out"]
    failure = out_of_disk(lines, "build shop:1: Step 2/2", Engine())  # type: ignore[arg-type]
    assert failure is not None
    assert failure.message == "build shop:1: Step 2/2: the disk of the Docker Engine (/var/lib/docker) is full"
    assert failure.kind is FailureKind.MISSING_PREREQUISITE, "so it is not tried again"
    assert failure.details["lines"] == lines
    assert out_of_disk(lines[:1], "build shop:1", None) is None
