"""One of several things that were named together: ``the latter``, ``the last one``, ``the other``; and their places."""

from __future__ import annotations

import pytest

from tests.unit.planner.keyword.support import only, refusal, tasks


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("the first one", "a1"),
        ("only the second one", "a2"),
        ("the third one", "a3"),
        ("the last one again", "a3"),
        ("the last one only", "a3"),
    ],
)
def test_one_of_several(said: str, name: str) -> None:
    assert tasks(f"stop a1, a2 and a3, then start {said}")[-1] == ("docker.start", {"name": name})


def test_two_are_told_apart_however_far_back() -> None:
    found = tasks("Stop web and worker. Remove the former, and start the latter again.")
    assert found[2:] == [("docker.remove", {"name": "web"}), ("docker.start", {"name": "worker"})]
    checked = tasks("check the scripts ./up.sh and ./down.sh, run the first one and then the other")
    assert [given["script"] for _, given in checked[2:]] == ["./up.sh", "./down.sh"]
    assert refusal("stop a1, a2 and a3, then start the latter")
    assert refusal("stop a1 and a2, then start the third one")


def test_what_is_picked_brings_its_own_place() -> None:
    found = tasks("bring up ./db.yml as data, then ./app.yml as app; take the first one down")
    assert found[-1] == ("docker.compose_down", {"project": "data", "file": "./db.yml"})


def test_the_namespace_itself_is_no_workload() -> None:
    found = tasks("delete the deployment old in namespace legacy, and then the namespace itself")
    assert (found[1][1]["kind"], found[1][1]["name"]) == ("namespace", "legacy")


def test_each_of_a_list() -> None:
    assert [given["name"] for _, given in tasks("stop every one of web1, web2 and web3")] == ["web1", "web2", "web3"]


def test_names_that_are_labels_elsewhere() -> None:
    assert only("run nginx:1.27 as mem")[1]["name"] == "mem"
    assert only("deploy nginx:1.27 to kubernetes, 2 replicas, and call it front")[1]["name"] == "front"
    assert "template" not in only("create a private repo, acme/fraud")[1]
    assert refusal("we need a private repo for the fraud team, acme/fraud")
