"""Checks before risky operations: where they are put, with which inputs, and where they are left out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reign.core import dag
from reign.core.check import checked, parse_plan
from reign.core.plan import Plan
from reign.executor.registry import catalog
from reign.planner.gates import GATES, add_gates, is_gate


def plan(**tasks: dict[str, Any]) -> Plan:
    return parse_plan({"name": "p", "tasks": tasks})


def gated(**tasks: dict[str, Any]) -> Plan:
    made = add_gates(plan(**tasks), catalog())
    assert dag.cycle(made.needs) is None
    return made


def gates_of(made: Plan) -> dict[str, Any]:
    return {name: task.with_ for name, task in made.tasks.items() if is_gate(task)}


BUILD = {"uses": "docker.build", "with": {"context": "./app", "tag": "app:1"}}


def test_a_build_is_scanned_and_linted_first() -> None:
    made = gated(fetch={"uses": "bash.run", "with": {"command": "true"}}, build={**BUILD, "needs": ["fetch"]})
    assert gates_of(made) == {
        "scan-build": {"path": "./app", "ignore_files": [".dockerignore"], "fail_on": "high"},
        "lint-build": {"path": "./app", "recursive": False},
    }
    assert made.tasks["build"].needs == ("fetch", "scan-build", "lint-build")
    assert made.tasks["scan-build"].needs == ("fetch",)
    assert list(made.tasks) == ["fetch", "scan-build", "lint-build", "build"]
    assert made.tasks["scan-build"].name == "Gate: no secrets in the build context for build"


def test_the_plan_with_gates_is_a_valid_plan() -> None:
    checked(gated(build=BUILD, script={"uses": "bash.script", "with": {"script": "a.sh"}}), catalog())


def test_it_is_done_once() -> None:
    once = gated(build=BUILD)
    assert add_gates(once, catalog()) is once


def test_a_plan_without_risk_stays_as_it_is() -> None:
    harmless = plan(a={"uses": "bash.run", "with": {"command": "true"}})
    assert add_gates(harmless, catalog()) is harmless


@pytest.mark.parametrize(
    ("given_inputs", "wanted"),
    [
        ({"context": "app/"}, {"path": "app/", "recursive": False}),
        ({"context": "app/", "dockerfile": "docker/Web"}, {"path": "app/docker/Web"}),
        ({"context": "app", "dockerfile": "./Web"}, {"path": "./Web"}),
        ({"context": "app", "dockerfile": "/x/Web"}, {"path": "/x/Web"}),
    ],
)
def test_the_dockerfile_is_found_as_the_build_finds_it(given_inputs: dict[str, Any], wanted: dict[str, Any]) -> None:
    made = gated(b={"uses": "docker.build", "with": {**given_inputs, "tag": "a"}})
    assert gates_of(made)["lint-b"] == wanted


PUSH = {"uses": "docker.push", "with": {"image": "app:1", "target": "registry.example.com/app:1"}}


@pytest.mark.parametrize("image", ["app:1", "a" * 64, "${{ tasks.other.result.image }}"])
def test_an_image_of_unknown_origin_is_scanned_before_its_push(image: str) -> None:
    other = {"uses": "docker.pull", "with": {"image": "app:1"}}
    push = {"uses": "docker.push", "needs": ["other"], "with": {"image": image, "target": "r.example.com/app:1"}}
    made = gated(other=other, push=push)
    assert gates_of(made) == {"scan-push": {"image": image, "fail_on": "high"}}
    assert made.tasks["push"].needs == ("other", "scan-push")
    assert made.tasks["scan-push"].needs == ("other",)
    assert made.tasks["scan-push"].name == "Gate: no secrets in the image for push"
    checked(made, catalog())


@pytest.mark.parametrize(
    ("built", "pushed", "known"),
    [
        ("app:1", "app:1", True),
        ("app", "app:latest", True),
        ("app:2", "app:1", False),
        ("app:1", "${{ tasks.build.result.image }}", True),
        ("app:1", "${{ tasks.tag.result.image }}", True),
        ("app:1", "r.example.com/app:1", True),  # by the tag between them
        ("other", "${{ tasks['build'].result.image }}", True),
    ],
)
def test_what_the_plan_builds_is_scanned_where_it_is_built(built: str, pushed: str, known: bool) -> None:
    build = {"uses": "docker.build", "with": {"context": "./app", "tag": built}}
    named = {"image": "${{ tasks.build.result.image }}", "target": "r.example.com/app:1"}
    tag = {"uses": "docker.tag", "needs": ["build"], "with": named}
    push = {"uses": "docker.push", "needs": ["tag"], "with": {"image": pushed, "target": "r.example.com/app:1"}}
    made = gated(build=build, tag=tag, push=push)
    assert ("scan-push" not in made.tasks) is known
    assert "scan-build" in made.tasks


def test_a_build_from_a_repository_is_scanned_before_the_push() -> None:
    build = {"uses": "docker.build", "with": {"context": "https://example.com/app.git", "tag": "app:1"}}
    assert list(gates_of(gated(build=build, push={**PUSH, "needs": ["build"]}))) == ["scan-push"]
    tag = {"uses": "docker.tag", "with": {"image": "base:1", "target": "app:1"}}
    assert list(gates_of(gated(tag=tag, push={**PUSH, "needs": ["tag"]}))) == ["scan-push"]


def test_a_build_that_a_push_does_not_wait_for_is_not_its_origin() -> None:
    assert "scan-push" in gated(build=BUILD, push=PUSH).tasks


def test_a_scan_of_the_plan_s_own_before_a_push_is_enough() -> None:
    scan = {"uses": "validation.scan_secrets", "with": {"path": "./src"}}
    assert gates_of(gated(scan=scan, push={**PUSH, "needs": ["scan"]})) == {}


def test_what_compose_builds_is_scanned_and_linted() -> None:
    made = gated(up={"uses": "docker.compose_up", "with": {"file": "stack/compose.yml", "project": "shop"}})
    assert gates_of(made) == {
        "scan-up": {
            "path": "stack/compose.yml", "builds": True, "ignore_files": [".dockerignore"], "fail_on": "high",
        },
        "lint-up": {"path": "stack/compose.yml", "builds": True},
    }  # fmt: skip
    checked(made, catalog())


def test_a_repository_cannot_be_scanned() -> None:
    for context in ("https://example.com/app.git", "git@example.com:app.git"):
        assert gates_of(gated(b={"uses": "docker.build", "with": {"context": context, "tag": "a"}})) == {}
    assert "lint-b" not in gates_of(
        gated(b={"uses": "docker.build", "with": {"context": "a", "dockerfile": 3, "tag": "a"}})
    )


@pytest.mark.parametrize(
    ("task", "wanted"),
    [
        (("kubernetes.apply", {"manifest": "k8s/", "namespace": "shop"}), {"path": "k8s/", "namespace": "shop"}),
        (("kubernetes.apply", {"manifest": "apiVersion: v1\nkind: Pod\n"}), {"text": "apiVersion: v1\nkind: Pod\n"}),
        (
            ("kubernetes.apply", {"manifest": '{"kind": "Pod"}', "context": "c"}),
            {"text": '{"kind": "Pod"}', "context": "c"},
        ),
        (
            ("kubernetes.apply", {"manifest": {"kind": "Pod"}}),
            {"text": '{\n  "kind": "Pod"\n}\n'},
        ),
        (
            ("kubernetes.apply", {"manifest": [{"kind": "Pod"}, {"kind": "Service"}]}),
            {"text": '{\n  "kind": "Pod"\n}\n---\n{\n  "kind": "Service"\n}\n'},
        ),
        (("kubernetes.apply", {"manifest": "https://example.com/all.yaml"}), None),
        (("kubernetes.apply", {"manifest": "${{ params.m }}"}), None),
        (("kubernetes.apply", {"manifest": "./${{ params.m }}/all.yaml"}), {"path": "./${{ params.m }}/all.yaml"}),
        (("bash.script", {"script": "deploy.sh"}), {"path": "deploy.sh"}),
        (("bash.script", {"script": "bin/deploy", "shell": "sh"}), {"path": "bin/deploy", "shell": "sh"}),
        (("bash.script", {"script": "set -e\nls\n"}), {"text": "set -e\nls\n"}),
        (("bash.script", {"script": "make test"}), {"text": "make test"}),
        (("bash.script", {"script": "#!/bin/sh"}), {"text": "#!/bin/sh"}),
        (("bash.script", {"script": "${{ params.m }}"}), None),
        (("bash.script", {"script": "ls", "shell": "pwsh"}), None),
        (("bash.script", {"script": 3}), None),
        (
            ("github.put_workflow", {"repo": "a/b", "branch": "c", "name": "ci.yml", "content": "on: push\n"}),
            {"text": "on: push\n", "filename": "ci.yml"},
        ),
        (("github.put_workflow", {"content": "on: push\n"}), {"text": "on: push\n", "filename": "workflow.yml"}),
        (("github.put_workflow", {"content": 3}), None),
        (("docker.push", {"image": 3, "target": "a"}), None),
        (("docker.compose_up", {"file": 3, "project": "a"}), None),
    ],
)
def test_what_is_checked_before_an_operation(task: tuple[str, dict[str, Any]], wanted: dict[str, Any] | None) -> None:
    uses, inputs = task
    made = parse_plan({"name": "p", "params": {"m": "x"}, "tasks": {"t": {"uses": uses, "with": inputs}}})
    found = gates_of(add_gates(made, catalog()))
    kept = {key: value for gate in found.values() for key, value in gate.items()}
    assert kept == (wanted or {})


@pytest.mark.parametrize(
    ("earlier", "left_out"),
    [
        ({"uses": "validation.scan_secrets", "with": {"path": "./app"}}, True),
        ({"uses": "validation.scan_secrets", "with": {"path": "app/"}}, True),
        ({"uses": "validation.scan_secrets", "with": {"path": "."}}, True),
        ({"uses": "validation.scan_secrets", "with": {"path": "other"}}, False),
        ({"uses": "validation.scan_secrets", "with": {"text": "app"}}, False),
        ({"uses": "validation.http", "with": {"url": "http://x/"}}, False),
    ],
)
def test_a_check_that_the_plan_makes_already_is_not_made_again(earlier: dict[str, Any], left_out: bool) -> None:
    between = {"uses": "bash.run", "with": {"command": "true"}, "needs": ["check"]}
    made = gated(check=earlier, between=between, build={**BUILD, "needs": ["between"]})
    assert ("scan-build" not in made.tasks) is left_out
    beside = gated(check=earlier, build=BUILD)
    assert "scan-build" in beside.tasks, "a check that the build does not wait for is no gate"


def test_a_lint_of_the_dockerfile_itself_counts() -> None:
    lint = {"uses": "validation.dockerfile", "with": {"path": "app/Dockerfile"}}
    assert "lint-build" not in gated(lint=lint, build={**BUILD, "needs": ["lint"]}).tasks


def test_two_scripts_are_two_scripts() -> None:
    first = {"uses": "validation.script", "with": {"text": "ls\n"}}
    task = {"uses": "bash.script", "with": {"script": "rm x\n"}, "needs": ["a"]}
    assert "lint-b" in gated(a=first, b=task).tasks


def test_the_gate_follows_conditions_and_repetition() -> None:
    made = parse_plan(
        {
            "name": "p",
            "params": {"go": True},
            "tasks": {
                "t": {
                    "uses": "bash.script",
                    "if": "params.go",
                    "for_each": ["a", "b"],
                    "with": {"script": "./${{ item }}.sh"},
                }
            },
        }
    )
    gate = checked(add_gates(made, catalog()), catalog()).tasks["lint-t"]
    assert gate.if_ is True
    assert gate.for_each == ["a", "b"]
    assert gate.with_ == {"path": "./${{ item }}.sh"}


def test_names_that_are_taken_or_long() -> None:
    long = "x" * 63
    made = gated(**{"lint-t": BUILD, "t": {"uses": "bash.script", "with": {"script": "a.sh"}}, long: BUILD})
    assert "lint-t-2" in made.tasks
    assert f"scan-{'x' * 55}" in made.tasks
    checked(made, catalog())


def test_an_undo_is_not_gated() -> None:
    made = plan(t={"uses": "docker.build", "undo_of": {"run": "r", "task": "t"}})
    assert add_gates(made, catalog()) is made


def test_a_check_that_is_not_installed_gates_nothing() -> None:
    from reign.core.catalog import Catalog

    made = plan(build=BUILD)
    assert add_gates(made, Catalog([])) is made


def test_every_gate_is_an_operation_that_takes_its_inputs() -> None:
    for gates in GATES.values():
        for gate in gates:
            assert gate.check in catalog()


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), min_size=1, max_size=8))
def test_gates_never_close_a_circle_and_keep_every_task(shape: list[tuple[int, int]]) -> None:
    kinds = [
        ("docker.build", {"context": "a", "tag": "t"}),
        ("bash.script", {"script": "a.sh"}),
        ("kubernetes.apply", {"manifest": "m.yaml"}),
        ("bash.run", {"command": "true"}),
        ("validation.scan_secrets", {"path": "a"}),
    ]
    tasks: dict[str, dict[str, Any]] = {}
    for number, (kind, back) in enumerate(shape):
        uses, inputs = kinds[kind]
        needs = [f"t{number - back}"] if back and number - back >= 0 else []
        tasks[f"t{number}"] = {"uses": uses, "with": inputs, "needs": needs}
    before = plan(**tasks)
    made = add_gates(before, catalog())
    assert dag.cycle(made.needs) is None
    for name, task in before.tasks.items():
        assert set(task.needs) <= set(made.tasks[name].needs)
        assert task.model_copy(update={"needs": ()}) == made.tasks[name].model_copy(update={"needs": ()})
    assert add_gates(made, catalog()) == made
