"""Talk around a request: interjections, small talk, remarks by the way, figures of speech, and what is taken back."""

from __future__ import annotations

import pytest

from tests.unit.planner.keyword.support import only, plan, propose, refusal, tasks

RESTART = ("docker.restart", {"name": "web"})


@pytest.mark.parametrize(
    "text",
    [
        "umm, restart web",
        "ugh. restart web :(",
        "hello :) restart web",
        "sorry, me again. restart web",
        "anyone around? restart web. thanks a lot",
        "Right, restart web. Yes, I'm sure.",
        "restart web, yes please",
        "restart web, would you?",
        "when you have a minute: restart web",
        "it would be awesome if someone could restart web",
        "restart web 🙏",
    ],
)
def test_chatter_adds_nothing(text: str) -> None:
    assert only(text) == RESTART


@pytest.mark.parametrize(
    ("text", "aside"),
    [
        ("restart web, it's hanging again", "it's hanging again"),
        ("restart web, nobody uses it", "nobody uses it"),
        ("restart web, maintenance is over", "maintenance is over"),
        ("fyi staging is free now, so restart web", "staging is free"),
        ("we're done with the demo -> restart web", "we're done with the demo"),
    ],
)
def test_remarks_are_passed_over_and_told(text: str, aside: str) -> None:
    assert only(text) == RESTART
    assert any("taken as background" in line and aside[-8:-3] in line for line in propose(text).warnings)


@pytest.mark.parametrize(
    "text",
    [
        "restart web, it should be on port 8080",
        "run nginx:1.27, it is called web",
        "run nginx:1.27 as web, it is privileged",
        "open a pull request from x to main titled 'x' in acme/shop, it is a draft",
        "destroy ./infra, production is excluded",
        "destroy ./infra, staging is fine",
        "restart web, api and db are old",
        "check that port 22 on 10.0.0.5 is closed, it is open",
    ],
)
def test_what_could_change_a_task_is_never_passed_over(text: str) -> None:
    refusal(text)


@pytest.mark.parametrize(
    "text", ["restart web, no wait, api", "delete the file ./a.txt, sorry, ./b.txt", "stop web. Never mind."]
)
def test_what_is_taken_back_is_asked_about(text: str) -> None:
    assert "takes something back" in str(refusal(text))


def test_to_watch_in_other_words() -> None:
    found = tasks("kick off ci.yml on main in acme/cli and keep an eye on it")
    assert [uses for uses, _ in found] == ["github.dispatch_workflow", "github.watch_workflow"]
    found = tasks("bounce the deployment api in namespace infra, and let me know when the rollout is done")
    assert [uses for uses, _ in found] == ["kubernetes.rollout_restart", "kubernetes.rollout_status"]
    assert only("run `make test` and tell me when it is finished")[0] == "bash.run"


def test_the_same_in_other_words_is_done_once() -> None:
    assert only("I'm trying to get rid of the helm release mail in namespace ops, can you uninstall it?")
    assert only("is process smtp still running? check its status pls")
    assert len(tasks("run `make` and run `make`")) == 2


@pytest.mark.parametrize("text", ["have when it is over", "umm", "no wait", "(a)", ":)"])
def test_scraps_are_asked_about(text: str) -> None:
    refusal(text)


def test_next_is_no_name_by_itself() -> None:
    assert only("restart web and next") == RESTART


def test_how_many_are_enough() -> None:
    uses, given = only("deploy nginx:1.27 to kubernetes in namespace edge, 2 replicas should be enough")
    assert (uses, given["replicas"]) == ("kubernetes.create_deployment", 2)


@pytest.mark.parametrize("text", ["stop worrying", "start dreaming"])
def test_what_somebody_does_is_no_container(text: str) -> None:
    refusal(text)


def test_services_are_called_like_doings() -> None:
    assert only("stop billing") == ("docker.stop", {"name": "billing"})
    assert only("stop the container worrying") == ("docker.stop", {"name": "worrying"})


def test_two_numbers_for_one_thing_are_asked_about() -> None:
    assert "replicas" in refusal("scale the deployment web to 3 replicas and to 5 replicas").details["question"]


def test_lists_of_places_and_names() -> None:
    found = tasks("create a branch rc-1 from main in acme/app and in acme/lib")
    assert [(i["repo"], i["from"]) for _, i in found] == [("acme/app", "main"), ("acme/lib", "main")]
    found = tasks("dispatch e2e.yml in acme/app on the branches main and next")
    assert [i["ref"] for _, i in found] == ["main", "next"]
    found = tasks("run nginx as a on 81 and as b on 82")
    assert [i["name"] for _, i in found] == ["a", "b"]
    found = tasks("scale deployment web in namespace eu and deployment web in namespace us to 5 replicas each")
    assert [(i["namespace"], i["replicas"]) for _, i in found] == [("eu", 5), ("us", 5)]
    found = tasks("fetch the logs of the pod api-1 in namespace prod and the logs of the container proxy")
    assert [uses for uses, _ in found] == ["kubernetes.logs", "docker.logs"]
    assert [i["name"] for _, i in tasks("create two docker volumes called v1 and v2")] == ["v1", "v2"]


def test_labels_that_are_nouns() -> None:
    assert only("create an issue 'x' in acme/ops with labels urgent and bug")[1]["labels"] == ["urgent", "bug"]
    assert only("issue acme/ops 'x' with label bug")[1]["labels"] == ["bug"]
    assert only("create an issue titled 'x' in acme/ops labelled bug")[1]["labels"] == ["bug"]


def test_fields_behind_a_colon() -> None:
    uses, given = only("helm upgrade pls: release search, namespace prod, chart ./charts/search")
    assert (uses, given["release"]) == ("kubernetes.helm_upgrade", "search")
    uses, given = only("new release for acme/cli: tag v1.4.0, name 'Spring'")
    assert (uses, given["tag"]) == ("github.create_release", "v1.4.0")


def test_an_image_and_how_it_runs() -> None:
    uses, given = only("redis:7 container named sessions, port 6380 on the host to 6379 inside")
    assert (uses, given["name"], given["ports"]) == ("docker.run", "sessions", {"6380": 6379})
    assert only("need mysql:8.4 up as container db on port 3307")[1]["ports"] == {"3307": 3306}


def test_the_rollout_of_what_was_applied_is_checked() -> None:
    text = "apply k8s/app.yaml, and undo the rollout of deployment app if the rollout does not become ready"
    found = plan(text).tasks
    assert [task.uses for task in found.values()] == [
        "kubernetes.apply",
        "kubernetes.rollout_status",
        "kubernetes.rollout_undo",
    ]
    assert list(found["rollout-undo"].needs) == ["rollout-status"]
    assert list(found["rollout-status"].needs) == ["apply"]


def test_times_of_day_and_files_are_no_targets() -> None:
    found = tasks("plan for tonight:\n- stop web\n- afterwards run `make backup`")
    assert [uses for uses, _ in found] == ["docker.stop", "bash.run"]
    assert only("check .github/workflows/ci.yml for mistakes")[0] == "validation.workflow"


def test_several_deeds_before_one() -> None:
    found = plan("after scanning ./app for secrets and linting ./app/Dockerfile, build ./app as app:3").tasks
    assert [task.uses for task in found.values()] == [
        "validation.scan_secrets",
        "validation.dockerfile",
        "docker.build",
    ]
    assert all(task.needs for task in list(found.values())[1:])
    assert [i["project"] for _, i in tasks("take the compose project shop in shop.yml down and then bring it up")] == [
        "shop",
        "shop",
    ]


def test_numbered_by_letters() -> None:
    found = tasks("Two things:\n(a) start container reports\n(b) stop container reports-old")
    assert [uses for uses, _ in found] == ["docker.start", "docker.stop"]


def test_open_and_closed_as_fields() -> None:
    _, given = only("scan ports on 10.1.1.4: open 22 and 443, closed 21 and 3389")
    assert (given["expect_open"], given["expect_closed"]) == ([22, 443], [21, 3389])
