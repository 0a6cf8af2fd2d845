"""Words into inputs: labels on both sides, lists, pairs, choices, ports, mounts, commands."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.planner.keyword.support import only, propose, refusal, tasks


@pytest.mark.parametrize(
    "text, uses, expected",
    [
        ("restart the web container", "docker.restart", {"name": "web"}),
        ("restart container web", "docker.restart", {"name": "web"}),
        ("restart the container called service", "docker.restart", {"name": "service"}),
        ("restart the old container web please", "docker.restart", {"name": "web"}),
        ("scale deployment/web to 3", "kubernetes.scale", {"name": "web", "kind": "deployment", "replicas": 3}),
        ("kubectl scale deployment web --replicas=3 -n shop", "kubernetes.scale", {"replicas": 3, "namespace": "shop"}),
        ("scale web from 3 to 6 replicas", "kubernetes.scale", {"name": "web", "replicas": 6}),
        ("show web's last 50 log lines", "docker.logs", {"name": "web", "tail": 50}),
        ("show the logs of the cotnainer web", "docker.logs", {"name": "web"}),
        ("run a:1 as app", "docker.run", {"image": "a:1", "name": "app"}),
        ("run an nginx container as web", "docker.run", {"image": "nginx", "name": "web"}),
        ("run a:1 on ports 80:80 and 443:443", "docker.run", {"ports": {"80": 80, "443": 443}}),
        ("run a:1 on port 8080 mapped to 3000", "docker.run", {"ports": {"8080": 3000}}),
        ("run redis:7 on port 6380", "docker.run", {"ports": {"6380": 6379}}),
        ("run a:1 with A=1, B='x y' and 512m memory", "docker.run", {"env": {"A": "1", "B": "x y"}}),
        ("run a:1 with 512m memory", "docker.run", {"resources": {"memory": "512m"}}),
        ("run a:1 with the label team=a", "docker.run", {"labels": {"team": "a"}}),
        ("run a:1 with ./x mounted at /x", "docker.run", {"volumes": ["./x:/x"]}),
        ("run a:1 with volume data:/data", "docker.run", {"volumes": ["data:/data"]}),
        ("run a:1 with the password PW=x", "docker.run", {"env": {"PW": "x"}}),
        ("run a:1 with restart policy always", "docker.run", {"restart": "always"}),
        ("replace the container web with b:2", "docker.run", {"image": "b:2", "name": "web", "replace": True}),
        ("push a:1 to registry.local:5000", "docker.push", {"target": "registry.local:5000/a:1"}),
        ("build the Dockerfile.x in ./a", "docker.build", {"context": "./a", "dockerfile": "Dockerfile.x"}),
        (
            "upgrade release shop to chart ./c with x.y=1 and x.z=on",
            "kubernetes.helm_upgrade",
            {"values": {"x": {"y": 1, "z": "on"}}},
        ),
        ("install chart ./c with values file ./v.yaml as mail", "kubernetes.helm_install", {"values": "./v.yaml"}),
        ("create a private repo acme/a", "github.create_repository", {"owner": "acme", "name": "a", "private": True}),
        ("run ./a.sh x --y with ENVIRONMENT=1", "bash.script", {"args": ["x", "--y"], "env": {"ENVIRONMENT": "1"}}),
        ("run make test in ./app with A=1", "bash.run", {"command": "make test", "cwd": "./app", "env": {"A": "1"}}),
        ("run ls -la | wc -l", "bash.run", {"command": "ls -la | wc -l"}),
        ("wait 30 seconds", "bash.run", {"command": "sleep 30"}),
        ("check http://a.org returns 204 within 5s", "validation.http", {"expect_status": 204, "within": 5}),
        ("check that the page on port 8080 answers", "validation.http", {"url": "http://127.0.0.1:8080/"}),
        ("wait for db.example.org:5432", "validation.tcp", {"host": "db.example.org", "port": 5432}),
        ("scan ports 8000 to 8010 on localhost", "validation.scan_ports", {"ports": ["8000-8010"]}),
        ("delete the deployment web", "kubernetes.delete", {"kind": "deployment", "name": "web"}),
        ("delete the shop namespace", "kubernetes.delete", {"kind": "namespace", "name": "shop"}),
        ("show the pods with label app=web", "kubernetes.pod_status", {"selector": "app=web"}),
        ("do a rolling restart of the web deployment", "kubernetes.rollout_restart", {"name": "web"}),
        ("make a copy of ./a to ./b", "bash.copy_file", {"source": "./a", "destination": "./b"}),
        ("add the labels bug and ui to issue 7 of acme/a", "github.add_labels", {"labels": ["bug", "ui"], "number": 7}),
    ],
)
def test_inputs(text: str, uses: str, expected: dict[str, Any]) -> None:
    operation, given = only(text)
    assert operation == uses
    assert {name: given.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        ("stop a1, b1 and c1", ["a1", "b1", "c1"]),
        ("stop containers a1 and b1", ["a1", "b1"]),
        ("stop the a1 and b1 containers", ["a1", "b1"]),
        ("stop the container a1 and the container b1", ["a1", "b1"]),
    ],
)
def test_lists_make_tasks(text: str, expected: list[str]) -> None:
    assert [given["name"] for _, given in tasks(text)] == expected


def test_one_verb_for_several() -> None:
    assert tasks("scale a1 to 1, b1 to 2 and c1 to 3")[2][1]["replicas"] == 3
    assert [uses for uses, _ in tasks("remove network a1 and volume b1")] == [
        "docker.remove_network",
        "docker.remove_volume",
    ]
    assert [i["kind"] for _, i in tasks("delete deployment a1 and service b1")] == ["deployment", "service"]
    assert [i["replicas"] for _, i in tasks("scale a1 and b1 to 5 and 3 replicas")] == [5, 3]
    assert refusal("scale a1, b1 and c1 to 5 and 3 replicas").details["question"] == "which of these go together?"


def test_checks_of_one_host_are_one() -> None:
    _, given = only("check that 22 is closed and 80 and 443 are open on 10.0.0.1")
    assert given == {"host": "10.0.0.1", "expect_closed": [22], "expect_open": [80, 443]}
    assert len(tasks("check that 22 is closed on 10.0.0.1 and 22 is closed on 10.0.0.2")) == 2


def test_assumptions_are_told() -> None:
    assert any("port 8080 leads to port 80" in line for line in propose("run a:1 on port 8080").warnings)
    assert any("secret://env/PASSWORD" in line for line in propose("run a:1 with PASSWORD=x").warnings)
    assert any("passed over" in line for line in propose("restart the web container for the demo").warnings)
    assert any("was read as" in line for line in propose("restrat web").warnings)
    assert any("'127.0.0.1'" in line for line in propose("make sure nothing listens on 8080").warnings)


def test_what_stands_behind_a_port_is_no_network() -> None:
    _, given = only("run nginx:1.27 as web on port 8080 xyz")
    assert "networks" not in given
    assert refusal("run nginx:1.27 as web on port 8080 v2")
