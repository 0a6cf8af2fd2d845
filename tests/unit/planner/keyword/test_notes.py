"""Requests as they stand in notes and on command lines: cut short, with equals signs and arrows, without a verb."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.planner.keyword.support import only, plan, refusal, tasks


@pytest.mark.parametrize(
    "text, uses, expected",
    [
        ("create docker net backend", "docker.create_network", {"name": "backend"}),
        ("docker vol create pgdata", "docker.create_volume", {"name": "pgdata"}),
        ("helm rollback shop to rev two ns prod", "kubernetes.helm_rollback", {"revision": 2, "namespace": "prod"}),
        ("dispatch wf nightly.yml acme/api ref=main", "github.dispatch_workflow", {"workflow": "nightly.yml"}),
        ("apply k8s/cm.yaml ctx=kind-dev ns=tools", "kubernetes.apply", {"context": "kind-dev", "namespace": "tools"}),
        ("expose deploy web port=80 targetPort=8080", "kubernetes.expose", {"port": 80, "target_port": 8080}),
        ("deploy nginx:1.27 x3", "kubernetes.create_deployment", {"replicas": 3}),
        ("deploy nginx:1.27 3x", "kubernetes.create_deployment", {"replicas": 3}),
        ("start proc api cmd=`node s.js` cwd=./api", "bash.start_process", {"command": "node s.js", "cwd": "./api"}),
        ("write file /tmp/motd content='two words'", "bash.write_file", {"content": "two words"}),
        ("cp /etc/hosts /tmp/hosts.bak", "bash.copy_file", {"source": "/etc/hosts", "destination": "/tmp/hosts.bak"}),
        ("put CODEOWNERS = '* @core' on acme/api main", "github.put_file", {"path": "CODEOWNERS", "branch": "main"}),
        ("run ci.yml acme/shop main", "github.dispatch_workflow", {"repo": "acme/shop", "ref": "main"}),
        ("open PR acme/shop fix -> main 'Fix'", "github.open_pull_request", {"head": "fix", "base": "main"}),
        ("tf plan destroy ./infra", "terraform.plan", {"destroy": True}),
        ("run ./a.sh args full, daily", "bash.script", {"args": ["full", "daily"]}),
        ("pods app=cart ns shop", "kubernetes.pod_status", {"selector": "app=cart", "namespace": "shop"}),
        ("docker start mysql", "docker.start", {"name": "mysql"}),
        ("tcp 10.1.1.9:6379 up?", "validation.tcp", {"port": 6379}),
        ("set replicas of web to 3", "kubernetes.scale", {"replicas": 3}),
        ("gh release acme/api v2.0.0 name='Two'", "github.create_release", {"tag": "v2.0.0", "name": "Two"}),
    ],
)
def test_cut_short(text: str, uses: str, expected: dict[str, Any]) -> None:
    operation, given = only(text)
    assert operation == uses
    assert {name: given.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        ("run nginx:1.27 as net", {"name": "net"}),
        ("create container net from nginx:1.27", {"name": "net"}),
        ("stop container proc", {"name": "proc"}),
        ("deploy nginx in ns net", {"namespace": "net"}),
    ],
)
def test_short_words_are_names_where_names_stand(text: str, expected: dict[str, Any]) -> None:
    given = only(text)[1]
    assert {name: given.get(name) for name in expected} == expected


def test_a_noun_alone_names_nothing() -> None:
    assert "network" in refusal("create docker net").details["question"]


def test_counted_names() -> None:
    expected = [("api", 4, "jobs"), ("worker", 8, "jobs")]
    given = [i for _, i in tasks("scale api=4, worker=8 in ns jobs")]
    assert [(i["name"], i["replicas"], i["namespace"]) for i in given] == expected
    assert refusal("scale web=five")


def test_lists_go_on_with_what_stands_nearest() -> None:
    assert only("tf plan ./net targets module.vpc, module.dns")[1]["targets"] == ["module.vpc", "module.dns"]


def test_commands_alone_are_run() -> None:
    found = plan("`git pull`, `make` in /srv/app, in that order").tasks
    assert [(t.with_["command"], t.with_["cwd"]) for t in found.values()] == [
        ("git pull", "/srv/app"),
        ("make", "/srv/app"),
    ]
    assert list(found["run-make"].needs) == ["run"]


def test_replicas_with_an_equals_sign_apart() -> None:
    assert only("deploy nginx:1.27 with replicas = 3")[1]["replicas"] == 3


def test_what_is_written_as_a_variable_is_one() -> None:
    given = only("run nginx:1.27 as web with PORT=8080 MEMORY_LIMIT=512m")[1]
    assert given["env"] == {"PORT": "8080", "MEMORY_LIMIT": "512m"}
    assert "ports" not in given


def test_a_new_one_without_a_name_is_asked_about() -> None:
    assert refusal("remove the container web and start a new one")
