"""Why helm could not fetch a chart, in words: out of an OCI registry, or out of a repository by HTTP."""

from __future__ import annotations

import re

from reign.executor import FailureKind, TaskFailed
from workers.kubernetes import errors

_NOT_IN_REGISTRY = re.compile(r"on source: (?P<chart>\S+): not found")
_REPOSITORY = re.compile(
    r'looks like "(?P<url>[^"]+)" is not a valid chart repository or cannot be reached: (?P<why>.+)'
)
_NOT_IN_REPOSITORY = re.compile(
    r'chart "(?P<chart>[^"]+)"(?: version "(?P<version>[^"]*)")? not found in (?P<url>\S+) repository'
)
#: Of a chart without a version, all its tags are asked for; Docker's registry and Harbor answer so.
_NO_NAME = re.compile(
    r"/v2/(?P<name>[^\s\"?]+?)/(?:tags|manifests)/.*(?:name.unknown|not found|not known)", re.IGNORECASE
)
_ASKED = re.compile(r"""(?:Get|GET|Head|HEAD)\W+(?P<scheme>https?)://(?P<host>[^/"\s]+)/v2/""")
_STATUS = re.compile(r": (?P<status>[1-5]\d\d) ")
_LOGIN = ("status code 401", "unauthorized", "no basic auth credentials", "credential not found", "status code 403")


def no_chart(doing: str, said: str) -> TaskFailed | None:
    """The failure to fetch a chart; None if ``said``, what helm wrote, tells of something else."""
    if found := _NOT_IN_REGISTRY.search(said):
        return _wrong(f"{doing}: there is no chart oci://{found['chart']}", "check the chart's name and `version`")
    if found := _NOT_IN_REPOSITORY.search(said):
        named = f"{found['chart']} {found['version'] or ''}".rstrip()
        return _wrong(
            f"{doing}: repository {found['url']} has no chart {named}", "check the chart's name and `version`"
        )
    if found := _REPOSITORY.search(said):
        return _of_repository(doing, found["url"], found["why"])
    if found := _ASKED.search(said):
        return _of_registry(doing, found["host"], said, plain=found["scheme"] == "http")
    return None


def _of_repository(doing: str, url: str, why: str) -> TaskFailed:
    status = int(found["status"]) if (found := _STATUS.search(why)) else 0
    if status in (401, 403):
        return TaskFailed(
            f"{doing}: the chart repository {url} asks for a login",
            kind=FailureKind.PERMISSION,
            hint="`helm repo add NAME URL --username ...` for the worker's user, then give `chart: NAME/CHART`",
        )
    if reason := errors.no_answer(why):
        return _silent(f"{doing}: the chart repository {url} does not answer: {reason}")
    if status >= 500:
        return _silent(f"{doing}: the chart repository {url} is in trouble: HTTP {status}")
    return _wrong(f"{doing}: {url} is no chart repository: {why}", "it must have an index.yaml; check `repo`")


def _of_registry(doing: str, host: str, said: str, plain: bool) -> TaskFailed | None:
    if "HTTP response to HTTPS client" in said:
        return _wrong(f"{doing}: the registry {host} speaks no TLS", "if that is meant, set `plain_http: true`")
    if any(mark in said.lower() for mark in _LOGIN):  # before what is "not found": that may be the credential
        return TaskFailed(
            f"{doing}: the registry {host} asks for a login, or does not let this one read the chart",
            kind=FailureKind.PERMISSION,
            hint=f"`helm registry login {host}{' --plain-http' if plain else ''}` for the worker's user "
            "(HELM_REGISTRY_CONFIG names the file)" + (", and `plain_http: true` in the task" if plain else ""),
        )
    if found := _NO_NAME.search(said):
        return _wrong(
            f"{doing}: there is no chart oci://{host}/{found['name']}", "check the chart's name and `version`"
        )
    if "certificate" in said:
        return TaskFailed(
            f"{doing}: the certificate of the registry {host} is not accepted: {said.rpartition(': ')[2]}",
            kind=FailureKind.MISSING_PREREQUISITE,
            hint="have the worker's machine trust its authority",
        )
    if reason := errors.no_answer(said):
        return _silent(f"{doing}: the registry {host} does not answer: {reason}")
    return None


def _wrong(message: str, hint: str) -> TaskFailed:
    return TaskFailed(message, kind=FailureKind.WRONG_INPUT, hint=hint)


def _silent(message: str) -> TaskFailed:
    return TaskFailed(message, kind=FailureKind.TRANSIENT, hint="is it up, and the network open from the worker?")
