"""What is said about things beside what is to be done with them: needed no longer, solved, to stay, not now."""

from __future__ import annotations

from typing import Any

import pytest

from reign.core.plan import OnFailure
from tests.unit.planner.keyword.support import edges, only, plan, refusal, tasks


@pytest.mark.parametrize(
    "text, uses, expected",
    [
        ("Nobody uses the network legacy any more, so remove it.", "docker.remove_network", {"name": "legacy"}),
        (
            "We no longer need the helm release demo in the namespace dev, so please uninstall it.",
            "kubernetes.helm_uninstall",
            {"release": "demo", "namespace": "dev"},
        ),
        (
            "Issue 51 in acme/app is solved, so please close it",
            "github.close_issue",
            {"number": 51, "repo": "acme/app"},
        ),
        ("Remove the network legacy. The volume data must stay.", "docker.remove_network", {"name": "legacy"}),
        ("Stop the container web. Don't remove it, we still need it.", "docker.stop", {"name": "web"}),
        ("Validate ./vpn with terraform; no plan is needed.", "terraform.validate", {"directory": "./vpn"}),
        ("don't delete a/x.zip; move it to b/x.zip instead", "bash.move_file", {"source": "a/x.zip"}),
        ("start a new one called imp from the image imp:4", "docker.run", {"name": "imp", "image": "imp:4"}),
    ],
)
def test_only_the_order_is_carried_out(text: str, uses: str, expected: dict[str, Any]) -> None:
    operation, given = only(text)
    assert operation == uses
    assert {name: given.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    "text",
    [
        "remove the volume data. It must stay.",
        "remove the container web. The container web must stay.",
        "delete namespace y, we still need namespace x",
        "container web is no longer needed",
        "stop web instead",
        "remove all three",
    ],
)
def test_what_contradicts_or_asks_for_nothing_is_asked_about(text: str) -> None:
    assert refusal(text)


def test_both_and_all_of_a_number() -> None:
    assert [i["name"] for _, i in tasks("stop the containers a1 and b1, start both containers again")] == [
        "a1",
        "b1",
    ] * 2
    text = "restart the deployments a1, b1 and c1 in namespace n, wait for the rollout of all three"
    assert [i["name"] for u, i in tasks(text) if u == "kubernetes.rollout_status"] == ["a1", "b1", "c1"]


def test_each_of_several_keeps_its_own_place() -> None:
    text = "run workflow t.yml of acme/a on main and workflow t.yml of acme/b on main, wait for both"
    assert [i["repo"] for u, i in tasks(text) if u == "github.watch_workflow"] == ["acme/a", "acme/b"]


def test_one_task_waits_for_all_of_several_before_it() -> None:
    text = (
        "add a branch c to acme/a, delete x.html and y.css from that branch, "
        "and open a pull request from it to main titled 'C'"
    )
    assert {need for need, name in edges(text) if name == "open-pull-request"} == {"delete-file", "delete-file-y-css"}


def test_what_has_been_done_is_done_first() -> None:
    text = "After you have applied terraform in ./infra, install the chart ./charts/a as the helm release a"
    assert edges(text) == {("apply", "helm-install")}
    assert edges("once you've stopped web, start api") == {("stop", "start")}


def test_wait_alone_waits_for_what_was_said() -> None:
    assert edges("restart the deployment api and wait") == {("rollout-restart", "rollout-status")}
    assert refusal("wait")


def test_undo_of_what_was_only_looked_at_is_a_task() -> None:
    found = plan("wait for the rollout of deployment web, and if it does not become ready, undo it")
    assert found.tasks["rollout-undo"].if_ == "failure()"
    assert plan("restart the deployment web, and if that fails undo it").on_failure is OnFailure.ROLLBACK


def test_values_after_a_list_of_names_for_what_they_are() -> None:
    text = "open a pull request in acme/s from fix to main titled 'A' with ann and bob as reviewers"
    assert only(text)[1]["reviewers"] == ["ann", "bob"]


def test_a_state_said_once_holds_for_the_other_part() -> None:
    given = only("be sure that on 10.0.0.12 port 443 is open while ports 21 and 23 are not")[1]
    assert (given["expect_open"], given["expect_closed"]) == ([443], [21, 23])
    given = only("scan ports on db.acme.io: 5432 open, 22 closed")[1]
    assert (given["expect_open"], given["expect_closed"]) == ([5432], [22])


def test_what_is_reachable() -> None:
    assert only("make sure that port 5432 on db.internal is reachable")[0] == "validation.tcp"
    assert only("check that https://a.acme.io is reachable")[0] == "validation.http"
    assert only("check that http://a.acme.io/v answers 200 and contains 2.4.1")[1]["expect_body"] == "2.4.1"


def test_a_plan_is_checked_against_the_policy_as_it_is() -> None:
    assert tasks("verify this plan against the policy, then scale web to 3")[0] == ("validation.policy", {})


def test_a_manifest_is_no_terraform_folder() -> None:
    assert refusal("apply k8s/cm.yaml with a=b")


@pytest.mark.parametrize(
    "text, expected",
    [
        ("run make test now", [{"command": "make test"}]),
        ("bring a1 and b1 back up now", [{"name": "a1"}, {"name": "b1"}]),
        ("is the process api still running? now", [{"name": "api"}]),
        ("run nginx:1.27 as now", [{"image": "nginx:1.27", "name": "now"}]),
    ],
)
def test_haste_is_no_value(text: str, expected: list[dict[str, Any]]) -> None:
    assert [given for _, given in tasks(text)] == expected


def test_a_folder_may_be_called_one() -> None:
    assert only("scan the terraform code in the folder ./infra for problems") == (
        "validation.terraform",
        {"path": "./infra"},
    )
