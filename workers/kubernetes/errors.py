"""What the API server refuses, in words: which verb on which resource, who else owns a field, which quota is full."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from typing import Any

from reign.executor import FailureKind, TaskFailed
from workers.kubernetes.access import MANAGER, Access

_FORBIDDEN = re.compile(
    r'User "(?P<user>[^"]+)" cannot (?P<verb>\S+) resource "(?P<what>[^"]+)"'
    r'(?: in API group "(?P<group>[^"]*)")?(?: (?P<where>in the namespace "[^"]+"|at the cluster scope))?'
)
#: ``impersonate``, and since 1.36 also ``impersonate-on:user-info:get`` and the like, on whatever was asked for first.
_IMPERSONATE = re.compile(r'User "(?P<user>[^"]+)" cannot impersonate')
_UNDECLARED = re.compile(r"Kind=(?P<kind>\w+)\): (?P<field>\S+): field not declared in schema")
_OWNER = re.compile(r'conflict with "([^"]+)"(?: with subresource "[^"]+")?(?: using (\S+))?')
NAMESPACE = re.compile(r'namespaces "([^"]+)" not found')
QUOTA_HINT = "free something in the namespace, ask for less, or have the quota raised"
#: A field of the wrong type breaks the merge of a server-side apply, which answers with a 500.
_UNREADABLE = ("failed to create typed patch object", "failed to convert new object")
_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})


@contextlib.contextmanager
def in_words(access: Access, doing: str) -> Iterator[None]:
    """Turns what the client library raises into TaskFailed. ``doing`` names the step: "apply deployment/web"."""
    from kubernetes.client.exceptions import ApiException
    from kubernetes.config.config_exception import ConfigException
    from kubernetes.dynamic.exceptions import DynamicApiError
    from urllib3.exceptions import HTTPError

    try:
        yield
    except (DynamicApiError, ApiException) as error:
        raise of_response(access, doing, int(error.status or 0), _text(error.body) or str(error.reason)) from None
    except HTTPError as error:
        raise unreachable(access, doing, str(error)) from None
    except (ConfigException, OSError, ValueError, TypeError, KeyError) as error:
        raise TaskFailed(
            f"cannot {doing}: context {access.context!r} cannot be used: {first_line(str(error))}",
            kind=FailureKind.MISSING_PREREQUISITE,
            hint="see `kubectl config view`; `reign doctor` tries every context",
        ) from None


def unreachable(access: Access, doing: str, reason: str) -> TaskFailed:
    """No cluster answers there."""
    if "certificate" in reason.lower():
        detail = re.search(r"certificate verify failed: ([^(\n]+)", reason)
        why = f"its certificate is not accepted: {detail.group(1).strip() if detail else first_line(reason)}"
        kind, hint = FailureKind.MISSING_PREREQUISITE, "check certificate-authority in the kubeconfig"
    else:
        why = no_answer(reason) or first_line(reason.rpartition("Caused by")[2])
        kind, hint = FailureKind.TRANSIENT, "is the cluster up and the network open? `reign doctor` tries every context"
    return TaskFailed(
        f"cannot {doing}: no cluster answers at {access.server} (context {access.context!r}): {why}",
        kind=kind,
        hint=hint,
    )


_REASONS = (
    ("refused", "connection refused"),
    ("name or service not known", "the name does not resolve"),
    ("failed to resolve", "the name does not resolve"),
    ("nodename nor servname", "the name does not resolve"),
    ("no such host", "the name does not resolve"),
    ("server misbehaving", "the name does not resolve"),
    ("i/o timeout", "no answer in time"),
    ("no route to host", "the network does not lead there"),
    ("timed out", "no answer in time"),
    ("unreachable", "the network does not lead there"),
    ("reset by peer", "the connection was closed"),
)


def no_answer(reason: str) -> str | None:
    """Why an address does not answer, in a few words; None if it is something else."""
    return next((text for mark, text in _REASONS if mark in reason.lower()), None)


def of_response(access: Access, doing: str, status: int, body: str) -> TaskFailed:
    """A refusal of the API server. ``body`` is its Status object as JSON, or any text."""
    said = _status(body)
    message = str(said.get("message") or first_line(body) or f"HTTP {status}")
    causes = (said.get("details") or {}).get("causes") or []
    start = f"cannot {doing}"
    if status == 401:
        return TaskFailed(
            f"{start}: the cluster does not accept the credentials of context {access.context!r}",
            kind=FailureKind.PERMISSION,
            hint="log in again, or check the user of that context",
        )
    if status == 403:
        return _forbidden(access, start, message)
    if status == 409 and any(cause.get("reason") == "FieldManagerConflict" for cause in causes):
        return _field_conflict(start, causes)
    if status == 404 and (found := NAMESPACE.search(message)):
        return TaskFailed(
            f"{start}: there is no namespace {found.group(1)!r} in context {access.context!r}",
            kind=FailureKind.MISSING_PREREQUISITE,
            hint="create it first (kubernetes.create_namespace), or check `namespace`",
            details={"reason": "no_namespace", "namespace": found.group(1)},
        )
    if status in (400, 415, 422) or any(mark in message for mark in _UNREADABLE):
        return _invalid(start, message, causes)
    kind = FailureKind.UNKNOWN
    hint = None
    if status == 404:
        kind, hint = FailureKind.MISSING_PREREQUISITE, f"look with `kubectl --context {access.context} get`"
    elif status in (409, 410):
        kind, hint = FailureKind.CONFLICT, "somebody else changed it at the same moment; look, then try again"
    elif status in _TRANSIENT:
        kind, hint = FailureKind.TRANSIENT, "the API server is busy or starting; trying again may help"
    return TaskFailed(f"{start}: {first_line(message)}", kind=kind, hint=hint, details={"status": status})


def _forbidden(access: Access, start: str, message: str) -> TaskFailed:
    if "exceeded quota" in message:
        used = message[message.index("exceeded quota") :]
        return TaskFailed(
            f"{start}: {first_line(used)}",
            kind=FailureKind.MISSING_PREREQUISITE,
            hint=QUOTA_HINT,
            details={"reason": "quota"},
        )
    if access.user and (found := _IMPERSONATE.search(message)):
        return TaskFailed(
            f"{start}: {found['user']} may not act as {access.user}",
            kind=FailureKind.PERMISSION,
            hint=f"bind a role with the verb impersonate on users {access.user!r}, or leave `as` out",
            details={"reason": "impersonation", "user": found["user"]},
        )
    found = _FORBIDDEN.search(message)
    if found is None:
        return TaskFailed(
            f"{start}: refused: {first_line(message)}",
            kind=FailureKind.PERMISSION,
            hint="an admission rule of the cluster or a missing right; `reign doctor` shows what the account may do",
        )
    what = f"{found['what']}.{found['group']}" if found["group"] else found["what"]
    look = f"`reign doctor` shows what context {access.context!r} may do"
    if access.user:
        groups = "".join(f" --as-group {group}" for group in access.groups)
        look = f"look with `kubectl --context {access.context} auth can-i --list --as {access.user}{groups}`"
    return TaskFailed(
        f"{start}: {found['user']} may not {found['verb']} {what} {found['where'] or ''}".rstrip(),
        kind=FailureKind.PERMISSION,
        hint=f"bind a role that allows it; {look}",
        details={"verb": found["verb"], "resource": what, "user": found["user"]},
    )


def _field_conflict(start: str, causes: list[dict[str, Any]]) -> TaskFailed:
    owned: dict[str, list[str]] = {}
    for cause in causes:
        if found := _OWNER.search(str(cause.get("message", ""))):
            owned.setdefault(found.group(1), []).append(str(cause.get("field", "")).lstrip("."))
    if set(owned) - {MANAGER}:  # what a scale of ours owns is not in the way
        owned.pop(MANAGER, None)
    said = "; ".join(f"{manager!r} owns {', '.join(fields)}" for manager, fields in owned.items())
    return TaskFailed(
        f"{start}: {said}",
        kind=FailureKind.CONFLICT,
        hint="leave these fields out, or take them over with `force: true`",
        details={"owners": owned},
    )


def _invalid(start: str, message: str, causes: list[dict[str, Any]]) -> TaskFailed:
    immutable = sorted({str(c.get("field")) for c in causes if "immutable" in str(c.get("message", "")).lower()})
    if not immutable and ("immutable" in message or "updates to statefulset spec for fields other than" in message):
        immutable = [str(cause.get("field")) for cause in causes] or ["a field"]
    if immutable:
        return TaskFailed(
            f"{start}: {', '.join(immutable)} cannot be changed once the object exists",
            kind=FailureKind.WRONG_INPUT,
            hint="give it another name, or delete the object first (kubernetes.delete) and apply again",
            details={"fields": immutable, "reason": "immutable"},
        )
    said = "; ".join(f"{c.get('field')}: {first_line(str(c.get('message')))}" for c in causes if c.get("field"))
    hint = None
    if unknown := _UNDECLARED.search(message):
        kind, field = unknown["kind"], unknown["field"].lstrip(".")
        said = f"{kind} has no field {field}"
        hint = f"check its name and its place: `kubectl explain {kind.lower()}.{_plain_path(field)}`".replace(".`", "`")
    elif "illegal base64" in message:
        said, hint = "a value under data is not base64", "put values as they are under stringData"
    return TaskFailed(
        f"{start}: {said or first_line(message)}",
        kind=FailureKind.WRONG_INPUT,
        hint=hint,
        details={"reason": "invalid"},
    )


def _plain_path(field: str) -> str:
    """What holds a field, as `kubectl explain` takes it: without the keys of lists."""
    return re.sub(r"\[[^]]*\]", "", field).rpartition(".")[0]


def no_such_kind(access: Access, api_version: str, kind: str) -> TaskFailed:
    """The cluster does not know the kind: its CRD is missing, or the apiVersion is another."""
    return TaskFailed(
        f"the cluster of context {access.context!r} has no kind {kind} in {api_version}",
        kind=FailureKind.MISSING_PREREQUISITE,
        hint="apply its CustomResourceDefinition first, or in the same manifest; or check apiVersion and kind",
        details={"reason": "no_such_kind", "api_version": api_version, "kind": kind},
    )


def first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _text(body: Any) -> str:
    return body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")


def _status(body: str) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
