"""What waits for what: order words, things made and used, lists, parallel work."""

from __future__ import annotations

import pytest

from tests.unit.planner.keyword.support import edges, plan, propose


@pytest.mark.parametrize(
    "text, expected",
    [
        ("stop web and run `x`", {("stop", "run")}),
        ("stop web, then run `x`", {("stop", "run")}),
        ("run `x` and `y`", set()),
        ("run `x`, then `y`", {("run", "run-y")}),
        ("run `x` before stopping web", {("run", "stop")}),
        ("before stopping web, run `x`", {("run", "stop")}),
        ("run `x` after stopping web", {("stop", "run")}),
        ("after stopping web, run `x`", {("stop", "run")}),
        ("run `x`, but first stop web", {("stop", "run")}),
        ("run `x` and stop web first", {("stop", "run")}),
        ("run `x` while pulling redis:7", set()),
        ("stop web and run `x` in parallel", set()),
        ("stop web and start api and run `x` in parallel", set()),
        ("in parallel, stop web and run `x`", set()),
        ("stop web at the same time as nothing", None),
        ("apply a.yml, b.yml and c.yml in that order", {("apply", "apply-b"), ("apply-b", "apply-c")}),
        ("check http://a.org and check http://b.org", set()),
        ("scan ./a for secrets and check http://b.org", {("scan-secrets", "http")}),
        ("run `x`. Once that is done, stop web", {("run", "stop")}),
        ("run `x`. Stop web when it is done", {("run", "stop")}),
        ("stop web and api, then start db", {("stop", "start"), ("stop-api", "start")}),
        ("stop web, finally start api", {("stop", "start")}),
    ],
)
def test_order_words(text: str, expected: set[tuple[str, str]] | None) -> None:
    if expected is not None:
        assert edges(text) == expected


def test_pairs_wait_for_their_own() -> None:
    text = "pull redis:7 and postgres:16 and start both"
    assert edges(text) == {("pull", "run"), ("pull-postgres", "run-postgres")}


def test_what_is_new_is_made_first_and_once() -> None:
    text = "start redis:7 and postgres:16 on a network called backend"
    assert edges(text) == {("create-network", "run"), ("create-network", "run-postgres")}
    assert edges("start redis:7 on network backend") == set()


def test_places_are_no_reason_to_wait_unless_made_here() -> None:
    side_by_side = "in parallel, restart deployment web in namespace shop and scale api to 3"
    assert edges(side_by_side) == set()
    made = "create namespace shop, then in parallel restart deployment web and scale api to 3"
    assert edges(made) == {("create-namespace", "rollout-restart"), ("create-namespace", "scale")}


def test_needs_that_others_imply_are_left_out() -> None:
    assert edges("stop a, then start b, then restart c") == {("stop", "start"), ("start", "restart")}


def test_a_check_belongs_before_what_it_precedes_by_nature() -> None:
    text = "run terraform plan in ./infra and, if it validates, apply it"
    assert edges(text) == {("validate", "plan"), ("plan", "apply")}


def test_conditions_hold_back_what_is_made_on_the_way() -> None:
    text = "check http://a.org; if it answers, start redis:7 on a network called backend"
    assert edges(text) == {("http", "create-network"), ("create-network", "run")}


def test_long_lists_keep_their_order() -> None:
    text = ", then ".join(f"restart w{number}" for number in range(320))
    tasks = plan(text).tasks
    assert len(tasks) == 320
    assert tasks["restart-w319"].needs == ("restart-w318",)


def test_ids_are_new_each_time() -> None:
    assert list(plan("run `a` and `a` and `a`").tasks) == ["run", "run-a", "run-a-2"]


def test_steps_within_a_line() -> None:
    for text in (
        "1) pull nginx:1.27 2) run it as edge 3) check http://localhost:8088",
        "(1) pull nginx:1.27 (2) run it as edge (3) check http://localhost:8088",
        "1. pull nginx:1.27 2. run it as edge 3. check http://localhost:8088",
    ):
        tasks = propose(text).plan.tasks
        assert [task.uses for task in tasks.values()] == ["docker.pull", "docker.run", "validation.http"], text
        assert [len(task.needs) for task in tasks.values()] == [0, 1, 1]
