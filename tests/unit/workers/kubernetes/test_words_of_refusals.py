"""What the API server and helm say, in our words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reign.executor import FailureKind, TaskFailed
from reign.executor.process import ToolResult
from reign.executor.testing import make_context
from workers.kubernetes import errors
from workers.kubernetes.access import Access
from workers.kubernetes.helm import Helm, failure

ACCESS = Access("shop", "/k", "https://10.0.0.1:6443", "default")


@pytest.mark.parametrize(
    "status, message, said, kind",
    [
        (401, "Unauthorized", "does not accept the credentials of context 'shop'", FailureKind.PERMISSION),
        (
            403,
            'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "a"',
            'jane may not list pods in the namespace "a"',
            FailureKind.PERMISSION,
        ),
        (
            403,
            'x is forbidden: User "jane" cannot get resource "nodes" in API group "metrics" at the cluster scope',
            "jane may not get nodes.metrics at the cluster scope",
            FailureKind.PERMISSION,
        ),
        (403, 'admission webhook "policy" denied the request', "refused: admission webhook", FailureKind.PERMISSION),
        (403, "exceeded quota: few, used: pods=1", "exceeded quota: few", FailureKind.MISSING_PREREQUISITE),
        (404, "the server could not find it", "could not find it", FailureKind.MISSING_PREREQUISITE),
        (409, "the object has been modified", "has been modified", FailureKind.CONFLICT),
        (429, "too many requests", "too many requests", FailureKind.TRANSIENT),
        (503, "starting", "starting", FailureKind.TRANSIENT),
        (418, "teapot", "teapot", FailureKind.UNKNOWN),
    ],
)
def test_refusals(status: int, message: str, said: str, kind: FailureKind) -> None:
    error = errors.of_response(ACCESS, "do it", status, json.dumps({"message": message}))
    assert said in error.message
    assert error.kind is kind
    assert error.retryable is (kind is FailureKind.TRANSIENT)
    assert "\n" not in error.message


def test_what_we_own_ourselves_is_no_conflict_beside_what_others_own() -> None:
    def cause(manager: str, field: str) -> dict[str, str]:
        return {"reason": "FieldManagerConflict", "message": f'conflict with "{manager}" using v1', "field": field}

    both = [cause("reign", ".spec.replicas"), cause("bob", ".spec.image")]
    for causes, owners in ((both, {"bob": ["spec.image"]}), (both[:1], {"reign": ["spec.replicas"]})):
        error = errors.of_response(ACCESS, "apply", 409, json.dumps({"details": {"causes": causes}}))
        assert error.details["owners"] == owners


def test_a_value_that_is_no_base64_is_not_tried_again() -> None:
    said = "failed to convert new object (a/b; /v1, Kind=Secret): error decoding from json: illegal base64 data at 3"
    error = errors.of_response(ACCESS, "apply secret/b", 500, json.dumps({"message": said}))
    assert error.kind is FailureKind.WRONG_INPUT
    assert "a value under data is not base64" in error.message
    assert "stringData" in str(error.hint)


@pytest.mark.parametrize(
    "field, said, explained",
    [
        (".spec.replics", "Deployment has no field spec.replics", "`kubectl explain deployment.spec`"),
        (
            '.spec.template.spec.containers[name="x"].imag',
            'has no field spec.template.spec.containers[name="x"].imag',
            "`kubectl explain deployment.spec.template.spec.containers`",
        ),
        (".sepc", "Deployment has no field sepc", "`kubectl explain deployment`"),
    ],
)
def test_a_field_that_the_kind_does_not_have(field: str, said: str, explained: str) -> None:
    start = "failed to create typed patch object (a/b; apps/v1, Kind=Deployment)"
    message = f"{start}: {field}: field not declared in schema"
    error = errors.of_response(ACCESS, "apply deployment/b", 500, json.dumps({"message": message}))
    assert error.kind is FailureKind.WRONG_INPUT
    assert said in error.message
    assert explained in str(error.hint)


def test_an_answer_that_is_no_status() -> None:
    assert "bad gateway" in errors.of_response(ACCESS, "do it", 502, "bad gateway\nmore").message
    assert "no list" not in errors.of_response(ACCESS, "do it", 502, "[1]").message


def test_stateful_set_fields_that_cannot_change() -> None:
    said = "updates to statefulset spec for fields other than 'replicas' are forbidden"
    body = {"message": said, "details": {"causes": [{"field": "spec", "message": said}]}}
    assert "spec cannot be changed" in errors.of_response(ACCESS, "apply", 422, json.dumps(body)).message


@pytest.mark.parametrize(
    "reason, said, kind",
    [
        ("[Errno 111] Connection refused", "connection refused", FailureKind.TRANSIENT),
        ("Failed to resolve 'x'", "does not resolve", FailureKind.TRANSIENT),
        ("Read timed out.", "no answer in time", FailureKind.TRANSIENT),
        ("something else", "something else", FailureKind.TRANSIENT),
        (
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:1)",
            "not accepted: self-signed certificate",
            FailureKind.MISSING_PREREQUISITE,
        ),
    ],
)
def test_nobody_answers(reason: str, said: str, kind: FailureKind) -> None:
    error = errors.unreachable(ACCESS, "look", reason)
    assert said in error.message
    assert error.kind is kind


def helm(tmp_path: Path, version: tuple[int, int, int] = (4, 3, 1)) -> Helm:
    return Helm(make_context(tmp_path), ACCESS, "default", "helm", version)


@pytest.mark.parametrize(
    "stderr, said, kind",
    [
        ("Error: UPGRADE FAILED: another operation is in progress", "another operation", FailureKind.CONFLICT),
        ("Error: cannot re-use a name that is still in use", "still in use", FailureKind.CONFLICT),
        ("Error: Kubernetes cluster unreachable: dial: refused", "no cluster answers", FailureKind.TRANSIENT),
        ("Error: context deadline exceeded", "deadline exceeded", FailureKind.TIMED_OUT),
        (
            'Error: secrets is forbidden: User "jane" cannot list resource "secrets" in API group ""',
            "jane may not list secrets",
            FailureKind.PERMISSION,
        ),
        (
            'Error: INSTALLATION FAILED: create: failed to create: namespaces "nope" not found',
            "there is no namespace 'nope' in context",
            FailureKind.MISSING_PREREQUISITE,
        ),
        ("Error: something is forbidden", "something is forbidden", FailureKind.PERMISSION),
        ("warning\nError: values don't meet the specifications:\n- at /a", "- at /a", FailureKind.WRONG_INPUT),
        ("no Error line", "no Error line", FailureKind.UNKNOWN),
        ("", "exit code 3", FailureKind.UNKNOWN),
    ],
)
def test_what_helm_says(tmp_path: Path, stderr: str, said: str, kind: FailureKind) -> None:
    error = failure(helm(tmp_path), "upgrade", ToolResult(("helm",), 3, "", stderr, 0.1))
    assert said in error.message
    assert error.kind is kind


_FETCH = 'Error: failed to perform "FetchReference" on source: '


@pytest.mark.parametrize(
    "stderr, said, kind",
    [
        (_FETCH + "reg:5/charts/shop:9.9.9: not found", "no chart oci://reg:5/charts/shop:9.9.9", "wrong_input"),
        (
            _FETCH + 'Get "http://reg:5/v2/charts/shop/manifests/1": dial tcp 10.0.0.1:5: connect: connection refused',
            "registry reg:5 does not answer: connection refused",
            "transient",
        ),
        (
            _FETCH + 'Get "https://reg:5/v2/shop/manifests/1": http: server gave HTTP response to HTTPS client',
            "reg:5 speaks no TLS",
            "wrong_input",
        ),
        (
            _FETCH + 'GET "http://reg:5/v2/shop/manifests/1": response status code 401: unauthorized: [map[A:b]]',
            "registry reg:5 asks for a login",
            "permission",
        ),
        (
            _FETCH + 'GET "http://reg:5/v2/shop/manifests/1": basic credential not found',
            "registry reg:5 asks for a login",
            "permission",
        ),
        (
            'Error: GET "http://reg:5/v2/a/shopx/tags/list": response status code 404: name unknown: not known: map[]',
            "there is no chart oci://reg:5/a/shopx",
            "wrong_input",
        ),
        (
            _FETCH + 'Get "https://reg/v2/shop/manifests/1": certificate: x509: unknown authority',
            "certificate of the registry reg is not accepted: unknown authority",
            "missing_prerequisite",
        ),
        (_FETCH + 'Get "https://reg/v2/shop/manifests/1": a surprise', "a surprise", "unknown"),
        (
            'Error: chart "shpo" version "7" not found in http://r repository',
            "http://r has no chart shpo 7",
            "wrong_input",
        ),
        ('Error: chart "shpo" not found in http://r repository', "http://r has no chart shpo", "wrong_input"),
        *(
            (f'Error: looks like "http://r" is not a valid chart repository or cannot be reached: {why}', said, kind)
            for why, said, kind in (
                (
                    'Get "http://r/index.yaml": dial tcp: lookup r: no such host',
                    "the name does not resolve",
                    "transient",
                ),
                (
                    "failed to fetch http://r/index.yaml : 404 Not Found",
                    "http://r is no chart repository",
                    "wrong_input",
                ),
                ("failed to fetch http://r/index.yaml : 401 Unauthorized", "http://r asks for a login", "permission"),
                ("failed to fetch http://r/index.yaml : 503 Busy", "in trouble: HTTP 503", "transient"),
            )
        ),
    ],
)
def test_why_a_chart_cannot_be_fetched(tmp_path: Path, stderr: str, said: str, kind: str) -> None:
    error = failure(helm(tmp_path), "upgrade", ToolResult(("helm",), 1, "", stderr, 0.1))
    assert said in error.message
    assert error.kind == kind
    assert error.hint or kind == "unknown"


@pytest.mark.parametrize("scheme, plain", [("http", True), ("https", False)])
def test_the_login_that_a_registry_without_tls_asks_for(tmp_path: Path, scheme: str, plain: bool) -> None:
    stderr = f'Error: GET "{scheme}://reg:5/v2/shop/tags/list": response status code 401: unauthorized'
    hint = failure(helm(tmp_path), "template", ToolResult(("helm",), 1, "", stderr, 0.1)).hint or ""
    assert "helm registry login reg:5" in hint
    assert ("--plain-http" in hint and "`plain_http: true`" in hint) is plain


@pytest.mark.parametrize(
    "verb", ['impersonate resource "users" in API group ""', 'impersonate-on:user-info:get path "/"']
)
def test_who_may_not_act_as_another(verb: str) -> None:
    said = json.dumps({"message": f'forbidden: User "ann" cannot {verb}'})
    access = Access("shop", "/k", "https://10.0.0.1:6443", "default", user="jane")
    error = errors.of_response(access, "connect", 403, said)
    assert error.message == "cannot connect: ann may not act as jane"
    assert "verb impersonate on users 'jane'" in str(error.hint)


def test_flags_by_version(tmp_path: Path) -> None:
    old, three, four = (helm(tmp_path, v) for v in ((3, 2, 0), (3, 22, 0), (4, 3, 1)))
    assert (three.back_on_failure(), four.back_on_failure()) == ("--atomic", "--rollback-on-failure")
    assert (three.replace_flag(), four.replace_flag()) == ("--force", "--force-replace")
    assert (three.adopt_flags(), four.adopt_flags()) == ([], ["--force-conflicts"])
    assert (old.rehearse_flags(), three.rehearse_flags()) == (["--dry-run"], ["--dry-run=server"])
    assert old.mark_flags() == []
    assert three.mark_flags() == ["--labels=reign.run=test-run-1,reign.task=task"]


def test_client_errors_become_words() -> None:
    with (
        pytest.raises(TaskFailed, match="context 'shop' cannot be used: no such user"),
        errors.in_words(ACCESS, "look"),
    ):
        raise ValueError("no such user")
