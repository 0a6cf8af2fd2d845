"""Targets that a model may not invent."""

from __future__ import annotations

from typing import Any

import pytest

from reign.core.plan import Plan
from reign.planner.llm.targets import invented, unnamed
from tests.unit.planner.llm.models import catalog


def problems(request: str, resources: tuple[str, ...] = (), **tasks: Any) -> list[str]:
    plan = Plan.model_validate({"name": "p", "tasks": tasks})
    return list(invented(plan.bind(), catalog(), request, resources))


def restart(name: str, **more: Any) -> dict[str, Any]:
    return {"uses": "docker.restart", "with": {"name": name}, **more}


def test_what_the_request_says_is_there() -> None:
    assert problems("restart Web", a=restart("web")) == []
    assert problems("restart website", a=restart("web"))


def test_what_is_recorded_is_there_and_a_near_miss_is_told() -> None:
    assert problems("restart it", ("docker:container/web-1",), a=restart("web-1")) == []
    (told,) = problems("restart it", ("docker:container/web-1",), a=restart("web-2"))
    assert "'web-2' is a container that neither the request names" in told
    assert "recorded is 'web-1'" in told


def test_what_an_earlier_task_makes_is_there_and_what_a_later_one_makes_is_not() -> None:
    run = {"uses": "docker.run", "with": {"image": "nginx", "name": "w7"}}
    assert problems("run nginx and restart it", a=run, b=restart("w7", needs=["a"])) == []
    assert problems("run nginx and restart it", a={**run, "needs": ["b"]}, b=restart("w7"))


def test_what_is_only_spoken_of_is_not_made() -> None:
    scale = {"uses": "kubernetes.scale", "with": {"kind": "deployment", "name": "web", "replicas": 3}}
    status = {"uses": "kubernetes.rollout_status", "with": {"name": "web"}, "needs": ["a"]}
    assert len(problems("scale it to 3 and wait", a=scale, b=status)) == 1
    assert problems("scale web to 3", a=scale) == []


def test_results_are_not_names() -> None:
    expression = "${{ tasks.a.result.container_id }}"
    run = {"uses": "docker.run", "with": {"image": "nginx", "name": "w7"}}
    assert problems("run nginx", a=run, b=restart(expression)) == []


def test_manifests_bring_things_that_only_they_know() -> None:
    status = {"uses": "kubernetes.rollout_status", "with": {"name": "web"}}
    apply = {"uses": "kubernetes.apply", "with": {"manifest": "k8s/app.yaml"}}
    assert problems("apply k8s/app.yaml and wait", a=apply, b={**status, "needs": ["a"]}) == []
    assert problems("wait for the rollout", b=status)


@pytest.mark.parametrize(
    ("request_text", "path", "fine"),
    [
        ("delete ./shop/build", "./shop/build", True),
        ("delete the build folder of shop", "./shop/build", True),
        ("clean this folder", ".", True),
        ("clean up", "/etc/passwd", False),
    ],
)
def test_paths_that_are_changed_are_in_the_request(request_text: str, path: str, fine: bool) -> None:
    found = problems(request_text, a={"uses": "bash.delete_file", "with": {"path": path}})
    assert (found == []) is fine


def test_new_things_may_have_any_name() -> None:
    make = {"uses": "docker.create_network", "with": {"name": "anything"}}
    assert problems("make me a network", a=make) == []


def test_numbers_are_names_too() -> None:
    close = {"uses": "github.close_issue", "with": {"repo": "acme/shop", "number": 5}}
    assert problems("close issue 5 of acme/shop", a=close) == []
    assert problems("close the login issue of acme/shop", a=close)


def test_a_thing_that_only_data_names() -> None:
    plan = Plan.model_validate({"name": "p", "tasks": {"a": restart("payroll")}})
    assert unnamed(plan.tasks["a"], catalog(), "restart the shop") == "payroll"
    assert unnamed(plan.tasks["a"], catalog(), "restart payroll") is None
