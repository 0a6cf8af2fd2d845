"""It, both, there, the image, words left out: what they mean, and what goes along with it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.planner.keyword.support import only, plan, propose, refusal, tasks


@pytest.mark.parametrize(
    "text, number, expected",
    [
        ("build ./a as a:1 and push it", 1, {"image": "a:1", "target": "a:1"}),
        ("build ./a as a:1 and run the image on port 8080", 1, {"image": "a:1", "ports": {"8080": 80}}),
        ("build ./a as a:1, then run", 1, {"image": "a:1", "name": "a"}),
        ("restart the api container and show its logs", 1, {"name": "api"}),
        (
            "run redis:7 as cache, then run `redis-cli ping` in it",
            1,
            {"name": "cache", "command": "redis-cli ping"},
        ),
        ("run nginx:1.27 on port 8088 and check that it answers", 1, {"url": "http://127.0.0.1:8088/"}),
        ("check that port 8080 is free, then run nginx:1.27 on it", 1, {"ports": {"8080": 80}}),
        ("create namespace staging and deploy redis:7 there", 1, {"namespace": "staging"}),
        ("create namespace staging and deploy redis:7", 1, {"namespace": "staging"}),
        ("deploy redis:7 to namespace a1 and scale it to 3", 1, {"namespace": "a1", "name": "redis", "replicas": 3}),
        ("deploy redis:7 and expose it on port 6379 in namespace a1", 0, {"namespace": "a1"}),
        ("plan ./infra, then apply it to workspace x", 0, {"workspace": "x"}),
        ("create a repo acme/a and a branch b1 in it", 1, {"repo": "acme/a", "branch": "b1"}),
        ("create a repo ledger and a branch b1 in it", 1, {"repo": "${{ tasks.create-repository.result.full_name }}"}),
        ("write 'x' to ./a.txt and delete it", 1, {"path": "./a.txt"}),
        ("take ./app, build it as app:1", 0, {"context": "./app"}),
        ("bring up compose.yml as shop and take it down", 1, {"file": "compose.yml", "project": "shop"}),
        (
            "start `x` as a process called api on port 9000 and wait until it answers",
            1,
            {"url": "http://127.0.0.1:9000/"},
        ),
        (
            "dispatch ci.yml on main in acme/a and watch it",
            1,
            {"run_id": "${{ tasks.dispatch-workflow.result.run_id }}"},
        ),
        ("scan ./app for secrets, then build it as app:1", 1, {"context": "./app"}),
        ("deploy nginx:1.27 and delete it", 1, {"kind": "deployment", "name": "nginx"}),
    ],
)
def test_meanings(text: str, number: int, expected: dict[str, Any]) -> None:
    given = tasks(text)[number][1]
    assert {name: given.get(name) for name in expected} == expected


def test_both_and_them() -> None:
    assert [i["name"] for _, i in tasks("stop a1 and b1, then remove both")] == ["a1", "b1", "a1", "b1"]
    assert [i["name"] for _, i in tasks("stop a1, stop b1, then remove both")] == ["a1", "b1", "a1", "b1"]
    assert [i["name"] for _, i in tasks("restart a1, b1 and c1 and stop them")][3:] == ["a1", "b1", "c1"]
    assert [i["name"] for _, i in tasks("restart containers a1 and b1, then stop the containers")][2:] == ["a1", "b1"]
    assert refusal("restart a1, then remove both")


def test_the_plan_that_was_shown_is_the_one_applied() -> None:
    _, (_, apply) = tasks("plan and apply ./infra")
    assert apply["plan_file"] == "${{ tasks.plan.result.plan_file }}"
    _, (_, other) = tasks("plan ./infra in workspace a1, then apply ./other")
    assert "plan_file" not in other


def test_an_address_of_a_service() -> None:
    *_, (uses, given) = tasks("deploy nginx:1.27, expose it on port 80 and check that it answers")
    assert (uses, given["url"]) == ("validation.http", "http://${{ tasks.expose.result.cluster_ip }}:80/")


def test_places_hold_for_what_shares_the_verb() -> None:
    assert [i["namespace"] for _, i in tasks("scale a1 to 1 and b1 to 2 in namespace n")] == ["n", "n"]
    assert [i["cwd"] for _, i in tasks("run npm ci, then npm test in ./web")] == ["./web", "./web"]
    assert [i["namespace"] for _, i in tasks("in namespace n, restart deployment a1 and scale b1 to 2")] == ["n", "n"]


def test_a_place_that_nothing_uses_is_told() -> None:
    assert "namespace" in refusal("in namespace shop, push redis:7").message


@pytest.mark.parametrize("text", ["delete it", "run it", "push it", "merge it"])
def test_what_means_nothing_is_asked(text: str) -> None:
    assert refusal(text)


def test_a_text_of_the_request_is_never_an_expression() -> None:
    proposal = propose("run `echo ${{ params.secret }}`")
    assert proposal.plan.tasks["run"].with_["command"] == "echo $${{ params.secret }}"


def test_names_are_taken_from_what_is_named() -> None:
    assert only("run ghcr.io/acme/shop:9")[1]["name"] == "shop"
    assert only("build ./services/mail")[1]["tag"] == "mail"
    assert only("start the compose project in deploy/shop/compose.yml")[1]["project"] == "shop"
    assert "project" in refusal("start the compose project in compose.yml").details["question"]
    assert any("taken from" in line for line in propose("build ./services/mail").warnings)


def test_later_things_win() -> None:
    text = "build ./a as a:1, build ./b as b:1 and push it"
    assert plan(text).tasks["push"].with_["image"] == "b:1"
