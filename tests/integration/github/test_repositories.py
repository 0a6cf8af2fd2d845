"""Repositories from templates, of organizations, and such as GitHub is slow to fill."""

from __future__ import annotations

import pytest

from reign.executor import PutBack, TaskFailed
from tests.integration.github.hands import Hands


def test_from_a_template(hands: Hands) -> None:
    server = hands.place.fake
    server.add_repository("mona/base", {"app.py": "x"}, is_template=True)
    made = hands.run("create_repository", name="mona/pay", template="https://github.com/mona/base", private=False)
    assert (made.full_name, made.default_branch, made.private) == ("mona/pay", "main", False)
    found = server.world.repository("mona/pay")
    assert found is not None
    assert found.file("app.py") == b"x"
    hands.undo("create_repository")
    assert server.world.repository("mona/pay") is None
    with pytest.raises(TaskFailed, match="is not a template repository"):
        hands.run("create_repository", name="other", template="mona/shop")


def test_in_an_organization(hands: Hands) -> None:
    hands.place.fake.add_organization("acme", owners=["mona"])
    assert hands.run("create_repository", name="pay", owner="acme").url.endswith("/acme/pay")
    hands.undo("create_repository")


def test_what_github_takes_its_time_to_fill(hands: Hands) -> None:
    server = hands.place.fake
    server.fail_next("GET", "/mona/pay/git/ref/heads/main$", 409, message="Git Repository is empty.", times=3)
    ctx = hands.context()
    assert hands.run("create_repository", ctx, name="pay").full_name == "mona/pay"
    assert {"message": "waiting for GitHub to fill mona/pay", "done": None, "total": None} in ctx.reports
    server.fail_next("GET", "/mona/slow/git/ref/heads/main$", 409, message="Git Repository is empty.", times=99)
    with pytest.raises(TaskFailed, match="mona/slow was created, but has no branch 'main' yet"):
        hands.run("create_repository", name="slow")
    server.faults.clear()
    assert hands.run("create_repository", name="slow").full_name == "mona/slow"


def test_a_limit_while_looking_around_does_not_mislead(hands: Hands) -> None:
    hands.place.fake.limit_next("GET", "/repos/mona/pay$")
    with pytest.raises(PutBack):
        hands.run("create_repository", name="pay")
