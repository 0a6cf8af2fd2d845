"""A connection to one cluster: objects as plain JSON, every call named for its error, the identity checked."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from reign.core.errors import did_you_mean
from reign.core.expressions import has_expression
from reign.executor import Context, FailureKind, TaskFailed
from workers.kubernetes import credentials, errors, kinds, origins
from workers.kubernetes.access import MANAGER, Access, resolve
from workers.kubernetes.inputs import Where
from workers.kubernetes.kinds import Ref

_REQUEST = (5.0, 20.0)  # seconds: connect, read
_GONE_PATIENCE = 120.0


def access_of(ctx: Context, where: Where) -> Access:
    """The access that the inputs name. Raises TaskFailed."""
    return resolve(ctx, where.context, where.as_user)


def pins_of(ctx: Context, where: Where) -> dict[str, Any]:
    """The context that is meant, by name, who acts there for whom, and which cluster that is now, if it answers.

    Raises TaskFailed.
    """
    if has_expression([where.context, where.as_user]):
        return {}
    cluster = Cluster(ctx, access_of(ctx, where))
    named = {"context": cluster.access.context}
    if cluster.access.user and cluster.access.user != where.as_user:
        named["as"] = cluster.access.user
    try:
        return {**named, "cluster": cluster.uid or cluster.access.endpoint}
    except TaskFailed:
        return named


def connect(ctx: Context, where: Where) -> Cluster:
    """A connection as the inputs say, to the cluster that they name. Raises TaskFailed."""
    cluster = Cluster(ctx, access_of(ctx, where), where.cluster)
    cluster.check_identity()
    return cluster


def connect_again(ctx: Context, where: Where, facts: Mapping[str, Any]) -> Cluster:
    """A connection to the cluster of an earlier observation, even if another context is the current one by now.

    Raises TaskFailed if the context leads to another cluster than then.
    """
    cluster = Cluster(ctx, resolve(ctx, facts.get("context") or where.context, where.as_user), where.cluster)
    cluster.check_identity(facts.get("cluster"))
    return cluster


class Cluster:
    """One API server, as one account."""

    def __init__(self, ctx: Context, access: Access, pinned: str | None = None) -> None:
        self.ctx = ctx
        self.access = access
        self._pinned = pinned or ctx.options.get("clusters", {}).get(access.context)

    @cached_property
    def _client(self) -> Any:
        """The library's dynamic client. Its discovery cache belongs to the attempt: CRDs come and go."""
        from kubernetes import client
        from kubernetes.config import load_kube_config
        from kubernetes.dynamic import DynamicClient

        with self._words("connect"):
            settings = client.Configuration()
            load: Callable[..., None] = load_kube_config
            load(
                config_file=self.access.kubeconfig,
                context=self.access.context,
                client_configuration=settings,
                temp_file_path=str(credentials.folder()),
            )
            settings.retries = 0
            api = client.ApiClient(configuration=settings)
            _impersonate(api, self.access)
            _in_time(api)
            dynamic: Callable[..., Any] = DynamicClient
            return dynamic(api, cache_file=str(self.ctx.scratch / f"discovery-{abs(hash(self.access))}.json"))

    def _words(self, doing: str) -> Any:
        self.ctx.check()
        return errors.in_words(self.access, doing)

    # identity

    @cached_property
    def uid(self) -> str | None:
        """The UID of namespace kube-system, which nothing but a new cluster changes; None if it may not be read."""
        try:
            found = self.get(Ref("v1", "Namespace", None, "kube-system"))
        except TaskFailed as error:
            if error.kind is FailureKind.PERMISSION and "verb" in error.details:
                return None
            raise
        return str(found["metadata"]["uid"]) if found else None

    def check_identity(self, expected: str | None = None) -> None:
        """Raises TaskFailed if this is not the cluster that was meant. To be called before the first change."""
        wanted = expected or self._pinned
        if wanted is None or wanted in (self.access.endpoint, self.uid):
            return
        where = f"context {self.access.context!r} ({self.access.server})"
        if wanted.startswith("server:"):
            raise TaskFailed(
                f"{where} is another address, or has another certificate authority, than was pinned; "
                "nothing was changed",
                kind=FailureKind.CONFLICT,
                hint="check the kubeconfig; if the cluster has only moved, plan again",
            )
        if self.uid is None:
            raise TaskFailed(
                f"{where}: whether this is cluster {wanted} cannot be checked: no right to get namespace kube-system",
                kind=FailureKind.PERMISSION,
                hint="allow the account `get` on namespace kube-system, or leave `cluster` out",
            )
        raise TaskFailed(
            f"{where} is cluster {self.uid}, not {wanted} as pinned; nothing was changed",
            kind=FailureKind.CONFLICT,
            hint="the context points at another cluster than when the plan was made; check the kubeconfig",
        )

    @property
    def version(self) -> str:
        return str(self._client.version["kubernetes"]["gitVersion"])

    # types

    def resource(self, api_version: str, kind: str) -> Any:
        """The library's handle of a type. Raises TaskFailed if the cluster does not have it."""
        from kubernetes.dynamic.exceptions import ResourceNotFoundError

        with self._words(f"look up kind {kind}"):
            try:
                # A bare "v1" would match every group that has a v1, and each of them would be asked for its list.
                prefix = {} if "/" in api_version else {"prefix": "api"}
                return self._client.resources.get(api_version=api_version, kind=kind, **prefix)
            except (ResourceNotFoundError, AttributeError):
                raise errors.no_such_kind(self.access, api_version, kind) from None

    def knows(self, api_version: str, kind: str) -> bool:
        try:
            self.resource(api_version, kind)
        except TaskFailed as error:
            if error.details.get("reason") == "no_such_kind":
                return False
            raise
        return True

    def kind_named(self, word: str) -> tuple[str, str]:
        """``(apiVersion, kind)`` for a kind, plural or short name, the cluster's custom ones too. Raises TaskFailed."""
        if found := kinds.built_in(word):
            return found
        name, _, group = word.lower().partition(".")
        with self._words(f"look up kind {word}"):
            for known in self._client.resources.search():
                if not hasattr(known, "name") or (group and known.group != group):
                    continue
                if name in (known.kind.lower(), known.name, *(known.short_names or ())):
                    return known.group_version, known.kind
        raise TaskFailed(
            f"there is no kind {word!r} in the cluster of context {self.access.context!r}",
            kind=FailureKind.WRONG_INPUT,
            hint=did_you_mean(word.lower(), kinds.words()),
        )

    # objects

    def get(self, ref: Ref) -> dict[str, Any] | None:
        """The object, or None if it is not there (nor its kind)."""
        from kubernetes.dynamic.exceptions import NotFoundError

        try:
            kind = self.resource(ref.api_version, ref.kind)
        except TaskFailed as error:
            if error.details.get("reason") == "no_such_kind":
                return None
            raise
        with self._words(f"read {ref.shown}"):
            try:
                found = _plain(kind.get(name=ref.name, namespace=ref.namespace, **_CALL))
            except NotFoundError:
                return None
        origins.teach(self.ctx, found)
        return found

    def list(
        self,
        kind: str,
        namespace: str | None,
        *,
        version: str | None = None,
        labels: str | None = None,
        fields: str | None = None,
    ) -> list[dict[str, Any]]:
        """The objects of a built-in kind, or of the kind of that ``version`` (none if the cluster does not know it)."""
        if version is not None and not self.knows(version, kind):
            return []
        version = version or ("v1" if kind == "Event" else kinds.BUILT_IN.get(kind, ("apps/v1",))[0])
        handle = self.resource(version, kind)
        with self._words(f"list {kind.lower()}s"):
            found = _plain(handle.get(namespace=namespace, label_selector=labels, field_selector=fields, **_CALL))
        # Items of a list come without their type.
        items = [{"apiVersion": version, "kind": kind, **item} for item in found.get("items") or ()]
        for item in items:
            origins.teach(self.ctx, item)
        return items

    def _fitting(self, body: Mapping[str, Any], kind: Any) -> dict[str, Any]:
        """What belongs to the whole cluster has no namespace, even if only the cluster could tell that it does."""
        if kind.namespaced:
            return dict(body)
        return {**body, "metadata": {k: v for k, v in body["metadata"].items() if k != "namespace"}}

    def apply(self, body: Mapping[str, Any], *, force: bool = False, dry_run: bool = False) -> dict[str, Any]:
        """Server-side apply in our name. Fields that only an earlier change of ours owns are not in the way."""
        ref = Ref.of(body)
        kind = self.resource(ref.api_version, ref.kind)
        try:
            with self._words(f"apply {ref.shown}"):
                return self._apply(kind, body, ref, force, dry_run)
        except TaskFailed as error:
            # A scale or an undo leaves ownership under the same name but another verb (Update instead of Apply).
            if set(error.details.get("owners", ())) != {MANAGER}:
                raise
        with self._words(f"apply {ref.shown}"):
            return self._apply(kind, body, ref, True, dry_run)

    def _apply(self, kind: Any, body: Mapping[str, Any], ref: Ref, force: bool, dry_run: bool) -> dict[str, Any]:
        answer = kind.server_side_apply(
            body=self._fitting(body, kind),
            name=ref.name,
            namespace=ref.namespace,
            field_manager=MANAGER,
            force_conflicts=force or None,
            dry_run="All" if dry_run else None,
            **_CALL,
        )
        return _plain(answer)

    def create(self, body: Mapping[str, Any]) -> dict[str, Any]:
        ref = Ref.of(body)
        kind = self.resource(ref.api_version, ref.kind)
        with self._words(f"create {ref.shown}"):
            return _plain(
                kind.create(body=self._fitting(body, kind), namespace=ref.namespace, field_manager=MANAGER, **_CALL)
            )

    def replace(self, body: Mapping[str, Any]) -> dict[str, Any]:
        ref = Ref.of(body)
        kind = self.resource(ref.api_version, ref.kind)
        with self._words(f"replace {ref.shown}"):
            return _plain(
                kind.replace(body=self._fitting(body, kind), namespace=ref.namespace, field_manager=MANAGER, **_CALL)
            )

    def patch(self, ref: Ref, body: Any, *, style: str = "merge", dry_run: bool = False) -> dict[str, Any]:
        """``style``: merge, json or strategic-merge."""
        kind = self.resource(ref.api_version, ref.kind)
        with self._words(f"change {ref.shown}"):
            answer = kind.patch(
                body=body,
                name=ref.name,
                namespace=ref.namespace,
                content_type=f"application/{style}-patch+json",
                field_manager=MANAGER,
                dry_run="All" if dry_run else None,
                **_CALL,
            )
            return _plain(answer)

    def delete(self, ref: Ref, *, uid: str | None = None) -> None:
        """Starts to delete the object and what it owns; it is no error if it is gone. ``uid`` guards against another
        object of the same name."""
        from kubernetes.dynamic.exceptions import NotFoundError

        if not self.knows(ref.api_version, ref.kind):
            return
        kind = self.resource(ref.api_version, ref.kind)
        body: dict[str, Any] = {"propagationPolicy": "Foreground"}
        if uid:
            body["preconditions"] = {"uid": uid}
        with self._words(f"delete {ref.shown}"):
            try:
                kind.delete(name=ref.name, namespace=ref.namespace, body=body, **_CALL)
            except NotFoundError:
                return

    def wait_gone(self, ref: Ref, patience: float = _GONE_PATIENCE) -> None:
        """Returns when the object is gone. Raises TaskFailed that names what holds it."""
        end = time.monotonic() + patience
        self.ctx.progress(f"waiting for {ref.label} to go")
        while found := self.get(ref):
            if time.monotonic() > end:
                held = ", ".join(found["metadata"].get("finalizers") or ()) or "what it owns"
                raise TaskFailed(
                    f"{ref.shown} is being deleted but does not go: held by {held}",
                    kind=FailureKind.TIMED_OUT,
                    hint="the controller that must release it may be missing",
                    retryable=True,
                )
            self.ctx.wait(0.3)

    def logs(self, namespace: str, pod: str, container: str | None, tail: int | None, previous: bool = False) -> str:
        """The last ``tail`` lines of a container."""
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        asked: list[tuple[str, Any]] = [("limitBytes", 1_000_000)]
        asked += [("container", container)] if container else []
        asked += [("tailLines", tail)] if tail else []
        asked += [("previous", "true")] if previous else []
        with self._words(f"read the logs of pod/{pod}"):
            answer = self._client.request("get", path, query_params=asked, serialize=False, _request_timeout=_REQUEST)
            return str(answer.data.decode(errors="replace"))

    def ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST to one of the review APIs, which answer and keep nothing."""
        with self._words("ask the API server"):
            return _plain(self._client.request("post", path, body=body, **_CALL))


def _as_is(_: Any, data: Any) -> Any:
    return data


_CALL: dict[str, Any] = {"serializer": _as_is, "_request_timeout": _REQUEST}


def _plain(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise ValueError(f"the answer is no object: {str(answer)[:200]}")
    return answer


def _in_time(api: Any) -> None:
    """The library's own questions, for versions and kinds, come with no timeout and would wait for ever."""
    from urllib3 import Timeout

    pool = api.rest_client.pool_manager
    plain = pool.request

    def request(*args: Any, **given: Any) -> Any:
        given["timeout"] = given.get("timeout") or Timeout(connect=_REQUEST[0], read=_REQUEST[1])
        return plain(*args, **given)

    pool.request = request


def _impersonate(api: Any, access: Access) -> None:
    if not access.user:
        return
    from urllib3 import HTTPHeaderDict

    pool = api.rest_client.pool_manager
    plain = pool.request

    def request(*args: Any, **given: Any) -> Any:
        # The library keeps headers in a dict, in which a header cannot come twice, as one for each group must.
        headers = HTTPHeaderDict(given.pop("headers", None) or {})
        headers["Impersonate-User"] = access.user or ""
        for group in access.groups:
            headers.add("Impersonate-Group", group)
        return plain(*args, headers=headers, **given)

    pool.request = request
