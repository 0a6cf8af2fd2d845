"""Lists and what they go with: things and places, nouns and names, ports, values side by side, one of two."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.planner.keyword.support import edges, only, plan, refusal, tasks


def named(text: str, *inputs: str) -> list[tuple[Any, ...]]:
    """Operation and these inputs of each task."""
    return [(uses.partition(".")[2], *(given.get(name) for name in inputs)) for uses, given in tasks(text)]


@pytest.mark.parametrize(
    "text, expected",
    [
        (
            "restart api and web in namespaces us and eu",
            [("rollout_restart", n, p) for n in ("api", "web") for p in ("us", "eu")],
        ),
        (
            "restart api and web in namespaces us and eu respectively",
            [("rollout_restart", "api", "us"), ("rollout_restart", "web", "eu")],
        ),
        (
            "scale the deployment api in namespaces eu and us to 6 replicas",
            [("scale", "api", "eu"), ("scale", "api", "us")],
        ),
        (
            "scale api to 2 and web to 3 replicas, both in namespace shop",
            [("scale", "api", "shop"), ("scale", "web", "shop")],
        ),
        (
            "show the pods of deployment api in namespace prod and the logs of the pod api-0 there",
            [("pod_status", "api", "prod"), ("logs", "api-0", "prod")],
        ),
        (
            "show the logs of the pods web-0 and web-1 in namespace shop, but only the last 5 lines",
            [("logs", "web-0", "shop"), ("logs", "web-1", "shop")],
        ),
        ("The deployment web is overloaded. Scale it to 8 replicas.", [("scale", "web", None)]),
    ],
)
def test_things_in_places(text: str, expected: list[tuple[Any, ...]]) -> None:
    assert named(text, "name", "namespace") == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        (
            "remove the networks edge and inner and the volumes a-data and b-data",
            [("remove_network", "edge"), ("remove_network", "inner"), ("remove_volume", "a-data")]
            + [("remove_volume", "b-data")],
        ),
        ("create two docker volumes, logs and data", [("create_volume", "logs"), ("create_volume", "data")]),
        ("create volume x1, then x2, then x3", [("create_volume", f"x{n}") for n in (1, 2, 3)]),
        (
            "remove the container old and, if that works, its network lan",
            [("remove", "old"), ("remove_network", "lan")],
        ),
        ("delete the volume v1 together with the container c1", [("remove", "c1"), ("remove_volume", "v1")]),
        ("containers web and db: restart web", [("restart", "web")]),
        ("rm containers a1 a2", [("remove", "a1"), ("remove", "a2")]),
        (
            "restart the containers api and cron, then show the last 9 log lines of each",
            [("restart", "api"), ("restart", "cron"), ("logs", "api"), ("logs", "cron")],
        ),
        ("run nginx:1.27 twice, as a1 on port 81 and as b1 on port 82", [("run", "a1"), ("run", "b1")]),
    ],
)
def test_names_go_with_their_noun(text: str, expected: list[tuple[Any, ...]]) -> None:
    assert named(text, "name") == expected


def test_what_a_container_holds_goes_after_it() -> None:
    assert edges("remove the container db and its volume db-data") == {("remove", "remove-volume")}


@pytest.mark.parametrize(
    "ports, image, expected",
    [
        ("80 and 443", "caddy:2.8", {"80": 80, "443": 443}),
        ("8080 and 8443", "nginx:1.27", {"8080": 80, "8443": 443}),
        ("5673 and 15672", "rabbitmq:3.13", {"5673": 5672, "15672": 15672}),
        ("8080 and 9090", "acme/app:1", {"8080": 8080, "9090": 9090}),
        ("8080", "nginx:1.27", {"8080": 80}),
    ],
)
def test_ports(ports: str, image: str, expected: dict[str, int]) -> None:
    assert only(f"run {image} as web on ports {ports}")[1]["ports"] == expected


def test_both_are_what_was_made() -> None:
    pushed = tasks("tag api:1 as r.io/api:1 and r.io/api:new, then push both")[2:]
    assert [given["target"] for _, given in pushed] == ["r.io/api:1", "r.io/api:new"]


def test_one_of_two() -> None:
    found = tasks("pull redis:7 and nginx:1.27, run the former as cache and the latter as web")
    assert [(given["image"], given["name"]) for _, given in found[2:]] == [("redis:7", "cache"), ("nginx:1.27", "web")]
    assert refusal("restart the former")
    assert refusal("the containers web and db: restart the first and stop the second")


def test_arguments_end_at_a_remark() -> None:
    assert only("run ./rotate.sh with --all, the certs expire tomorrow")[1]["args"] == ["--all"]


def test_a_moved_file_is_at_its_new_place() -> None:
    assert tasks("move a.jar to b.jar and delete that file")[1][1] == {"path": "b.jar"}
    assert tasks("move logs/a.log to old/ and delete it")[1][1] == {"path": "old/a.log"}
    released = tasks("move a.jar to b.jar and create the release v1 of acme/app with that file as an asset")
    assert released[1][1]["assets"] == ["b.jar"]


@pytest.mark.parametrize(
    "text",
    [
        "delete the container web and do not delete the container web",
        "run nginx:1.27 as web on port 80 and run httpd:2.4 as web on port 81",
        "build ./web as web:9 and ./api as api:9, run both on the network dev, web on port 81, api on port 82",
        "plan ./infra with terraform, with size=1 and with size=2",
        "create an internal tool repository",
        "create the release v1.0 of acme/app with that file as an asset",
        "push app:1 r.io/app:1 r.io/app:2",
        "delete the branch old in acme/web and the file notes.txt on branch main",
        "I would like a private repo acme/lab, with a branch called dev",
        "delete the deployment web from namespace dev, but leave the one in namespace dev alone",
        "stop web instead",
        "lint ./app, ./lib",
    ],
)
def test_what_could_be_meant_otherwise_is_asked(text: str) -> None:
    assert refusal(text).message


@pytest.mark.parametrize(
    "text, expected",
    [
        ("pull redis:7 postgres:16", ["pull", "pull"]),
        ("k8s scale api=3 worker=2 ns prod", ["scale", "scale"]),
        ("tf validate ./a ./b ./c", ["validate"] * 3),
        ("lint ./Dockerfile, ./run.sh", ["dockerfile", "script"]),
        ("make a backup with scripts/backup.sh first, then restart the container db", ["script", "restart"]),
        ("if make test fails, restart the container ci", ["run", "restart"]),
        ("run make release if make test passes", ["run", "run"]),
        ("run `make lint`; if ok `make test`", ["run", "run"]),
        ("only if ./deploy.sh passes the script check, run it", ["script", "script"]),
        ("scan ./app for secrets; should any turn up, restart the container ci", ["scan_secrets", "restart"]),
        ("build ./api with target rel and tag api:1, and scan ./api for secrets before", ["scan_secrets", "build"]),
        ("delete the deployment web in namespace test; don't touch the one in namespace prod", ["delete"]),
        ("give the container limits: run redis:7 as cache with 256m memory", ["run"]),
        ("could you maybe restart the container api? Can you do that?", ["restart"]),
        ("we just merged everything, so could you restart the container web", ["restart"]),
        ("before I go home, please stop the container gpu1", ["stop"]),
        ("I'd like to know if port 9200 on search.acme.io can be reached", ["tcp"]),
        ("restart the container api, we expect heavy traffic tonight", ["restart"]),
        ("run redis, version 7, as cache", ["run"]),
        ("stop the container web, remove it and run nginx:1.28 as web instead", ["stop", "remove", "run"]),
    ],
)
def test_operations(text: str, expected: list[str]) -> None:
    assert [task.uses.partition(".")[2] for task in plan(text).tasks.values()] == expected


def test_after_both() -> None:
    assert edges("run make lint and make test in parallel, and after both run make package") == {
        ("run", "run-make-package"),
        ("run-make-test", "run-make-package"),
    }
    assert edges("stop the containers a1 and a2 in parallel and remove the network lan afterwards") == {
        ("stop", "remove-network"),
        ("stop-a2", "remove-network"),
    }


def test_a_check_is_made_once() -> None:
    found = tasks("wait for the deployment api, and if it is not ready within 2 minutes, undo its rollout")
    assert [(uses, given.get("timeout")) for uses, given in found] == [
        ("kubernetes.rollout_status", 120),
        ("kubernetes.rollout_undo", None),
    ]
