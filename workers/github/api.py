"""One attempt's way to GitHub's REST API: each call by itself, heard by a cancel, its refusals in words.

PyGithub signs, sends and pages. Its objects are not used: they fetch what they lack in the middle of an expression,
and here each request is a decision (look first, write once).
"""

from __future__ import annotations

import json
import queue
import re
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from reign.executor import Context, TaskFailed
from workers.github import refusals
from workers.github.account import Account, account, app_auth, client, forget_installations, installation_auth

if TYPE_CHECKING:
    from github.Requester import Requester

T = TypeVar("T")
_NEXT = re.compile(r'<([^>]+)>\s*;[^,]*rel="next"')
_ABSENT = (404,)


class Api:
    """Calls for one step. ``doing`` says what the step is about ("open a pull request in acme/shop")."""

    def __init__(self, ctx: Context, doing: str, repo: str | None = None, owner: str | None = None) -> None:
        """``repo``, or else ``owner``, says where a GitHub App must be installed. Raises TaskFailed."""
        self.ctx = ctx
        self.doing = doing
        self.repo = repo
        self.account: Account = account(ctx.options, ctx.masker)
        self._requester = self._authorized(repo, owner)

    def get(self, path: str, /, **params: Any) -> Any:
        return self._call("GET", path, params=params)

    def find(self, path: str, /, absent: tuple[int, ...] = _ABSENT, **params: Any) -> Any:
        """As ``get``, but None for what is not there."""
        try:
            return self._call("GET", path, params=params)
        except TaskFailed as error:
            if error.details.get("status") in absent:
                return None
            raise

    def all(self, path: str, /, key: str | None = None, pages: int = 100, **params: Any) -> Iterator[Any]:
        """The items of a list, page by page; ``key``: where in the answer the list stands."""
        url: str | None = path
        given: dict[str, Any] | None = {"per_page": 100, **params}
        for _ in range(pages):
            if url is None:
                return
            headers, answer = self._send("GET", url, given, None)
            yield from answer[key] if key else answer
            following = _NEXT.search(headers.get("link", ""))
            url, given = (following.group(1), None) if following else (None, None)

    def post(self, path: str, body: Any, wants: str | None = None) -> Any:
        """``wants``: a scope beyond ``repo`` without which GitHub hides the refusal behind a 404."""
        return self._call("POST", path, body=body, wants=wants)

    def patch(self, path: str, body: Any, wants: str | None = None) -> Any:
        return self._call("PATCH", path, body=body, wants=wants)

    def put(self, path: str, body: Any, wants: str | None = None) -> Any:
        return self._call("PUT", path, body=body, wants=wants)

    def delete(self, path: str, body: Any = None) -> Any:
        return self._call("DELETE", path, body=body)

    def upload(self, url: str, name: str, file: str, media_type: str) -> Any:
        """Send a file as a release's asset; ``url`` as GitHub gives it, with or without its template part."""
        target = url.partition("{")[0]

        def send() -> Any:
            return self._requester.requestBlobAndCheck(
                "POST", target, parameters={"name": name}, headers={"Content-Type": media_type}, input=file
            )

        return self._guarded("POST", target, send)[1]

    def download(self, path: str) -> str | None:
        """A text that GitHub keeps on another host (a job's log), fetched without the token; None if not there."""
        import requests

        def fetch() -> str | None:
            status, headers, body = self._requester.requestJson("GET", path)
            if status != 302:
                return body if status == 200 else None
            found = requests.get(headers["location"], timeout=30, verify=self.account.verify)
            found.encoding = "utf-8"
            return found.text if found.ok else None

        return self._guarded("GET", path, fetch)

    def quietly(self, path: str) -> dict[str, Any] | None:
        """What GitHub has there, without judging the answer: None if nothing (or nothing to see), {} if it will not
        tell. For finding out why something else was refused."""
        status, _, body = self._guarded("GET", path, lambda: self._requester.requestJson("GET", path))
        if status in (404, 410):
            return None
        return dict(json.loads(body)) if status == 200 else {}

    def login(self) -> str:
        """Who the token belongs to. Raises TaskFailed for an App, which is nobody."""
        return str(self.get("/user")["login"])

    def _call(
        self, verb: str, path: str, params: dict[str, Any] | None = None, body: Any = None, wants: str | None = None
    ) -> Any:
        return self._send(verb, path, params, body, wants)[1]

    def _send(
        self, verb: str, path: str, params: dict[str, Any] | None, body: Any, wants: str | None = None
    ) -> tuple[dict[str, Any], Any]:
        return self._guarded(
            verb, path, lambda: self._requester.requestJsonAndCheck(verb, path, parameters=params, input=body), wants
        )

    def _guarded(self, verb: str, path: str, send: Callable[[], T], wants: str | None = None) -> T:
        """``send`` heard by a cancel; what it raises becomes TaskFailed or PutBack."""
        from github import GithubException
        from requests import RequestException

        try:
            return patiently(self.ctx, send)
        except GithubException as error:
            if error.status == 401:
                forget_installations()
            raise refusals.refusal(self, error, verb, path, wants) from None
        except (RequestException, OSError) as error:
            raise refusals.silence(self, error, verb) from None
        except (RuntimeError, AssertionError) as error:  # a redirect to another host, which PyGithub does not follow
            raise refusals.astray(self, error) from None

    def _authorized(self, repo: str | None, owner: str | None) -> Requester:
        from github import Auth

        who = self.account
        if who.token is not None:
            return client(who, Auth.Token(who.token)).requester
        app = app_auth(who)
        installation = who.installation_id
        if installation is None:
            self._requester = client(who, app).requester
            installation = self._installation(repo, owner)
        auth = installation_auth(who, app, installation)
        requester = client(who, auth).requester
        self.ctx.masker.add("", self._guarded("POST", "/app/installations", lambda: auth.token))
        return requester

    def _installation(self, repo: str | None, owner: str | None) -> int:
        """The App's installation on the repository; on its owner, if there is no such repository (yet)."""
        account_name = repo.partition("/")[0] if repo else owner
        places = [f"/repos/{repo}"] if repo else []
        places += [f"/users/{account_name}"] if account_name else []
        for place in places:
            found = self.find(f"{place}/installation")
            if found is not None:
                return int(found["id"])
        raise refusals.not_installed(self, repo or account_name)


def patiently(ctx: Context, work: Callable[[], T]) -> T:
    """What ``work`` (one request) returns; Cancelled or TimedOut as soon as the attempt must end.

    A request that is under way is left to itself: whether it had its effect is what the next look sees.
    """
    outcome: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue()

    def run() -> None:
        try:
            outcome.put((work(), None))
        except BaseException as error:
            outcome.put((None, error))

    ctx.check()
    threading.Thread(target=run, daemon=True, name="github-call").start()
    while True:
        try:
            value, error = outcome.get(timeout=0.1)
        except queue.Empty:
            ctx.check()
            continue
        if error is not None:
            raise error
        return value  # type: ignore[return-value]
