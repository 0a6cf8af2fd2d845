"""Idioms, and clauses that say more about what was just made."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.planner.keyword.support import edges, only, propose, refusal, tasks


@pytest.mark.parametrize(
    "text, uses, inputs",
    [
        ("build the image shop:1 from the current directory", "docker.build", {"context": ".", "tag": "shop:1"}),
        ("build shop:1 from the folder ./shop", "docker.build", {"context": "./shop"}),
        ("scan this repo for secrets", "validation.scan_secrets", {"path": "."}),
        ("lint the workflow .github/workflows/ci.yml in this repo", "validation.workflow", {}),
        ("build ./app as app:2 without any cache", "docker.build", {"no_cache": True}),
        ("build ./app as app:2 with no cache", "docker.build", {"no_cache": True}),
        ("run postgres 16 as db", "docker.run", {"image": "postgres:16", "name": "db"}),
        ("run redis:7 as cache with data mounted at /data", "docker.run", {"volumes": ["data:/data"]}),
        ("run redis:7 as cache, mount data at /data", "docker.run", {"volumes": ["data:/data"]}),
        ("scale the api deployment back down to 2", "kubernetes.scale", {"name": "api", "replicas": 2}),
        ("close issue number 12 on acme/shop", "github.close_issue", {"number": 12}),
        ("merge acme/shop#15", "github.merge_pull_request", {"repo": "acme/shop", "number": 15}),
        ("scale api to a single replica", "kubernetes.scale", {"replicas": 1}),
        ("could you, if possible, pull redis:7?", "docker.pull", {"image": "redis:7"}),
        ("scan ports between 1 and 1000 of 10.0.0.9", "validation.scan_ports", {"ports": ["1-1000"]}),
        ("port scan 10.0.0.9 from 20 to 30", "validation.scan_ports", {"ports": ["20-30"]}),
        ("use the container db to run `pg_dumpall`", "docker.exec", {"name": "db", "command": "pg_dumpall"}),
        ("docker exec db psql -l", "docker.exec", {"name": "db", "command": "psql -l"}),
        ("terraform -chdir=./infra apply", "terraform.apply", {"directory": "./infra"}),
        ("new issue in acme/shop: 'Totals are wrong'", "github.create_issue", {"title": "Totals are wrong"}),
        ("creation of a network called lab", "docker.create_network", {"name": "lab"}),
        ("container api: restart it", "docker.restart", {"name": "api"}),
        ("terraform: plan ./infra", "terraform.plan", {"directory": "./infra"}),
        ("open an isue on acme/shop titled 'x'", "github.create_issue", {"title": "x"}),
        ("write 'x' to the file VERSION", "bash.write_file", {"path": "VERSION"}),
        ("drop the cronjob nightly from namespace jobs", "kubernetes.delete", {"namespace": "jobs", "kind": "cronjob"}),
        ("leave a comment on issue 5 in acme/shop saying 'x'", "github.comment_issue", {"number": 5, "body": "x"}),
        ("check ./infra with terraform validate", "terraform.validate", {"directory": "./infra"}),
        ("start the stopped container db", "docker.start", {"name": "db"}),
        ("update the deployment web to nginx:1.28", "kubernetes.create_deployment", {"image": "nginx:1.28"}),
        ("six replicas of the deployment web please", "kubernetes.scale", {"name": "web", "replicas": 6}),
        ("run the tests with `make test`", "bash.run", {"command": "make test"}),
        ("start a postgres database container called pg", "docker.run", {"image": "postgres", "name": "pg"}),
        ("fetch postgres:16 so that we have it here", "docker.pull", {"image": "postgres:16"}),
    ],
)
def test_said_otherwise(text: str, uses: str, inputs: dict[str, Any]) -> None:
    found, given = only(text)
    assert found == uses
    assert {name: given.get(name) for name in inputs} == inputs


@pytest.mark.parametrize(
    "text, inputs",
    [
        ("run nginx:1.27 as web, publish port 8080 to 80", {"ports": {"8080": 80}}),
        ("run nginx:1.27 as web and put it on port 8080", {"ports": {"8080": 80}}),
        ("run nginx:1.27 as web, exposed on port 8080", {"ports": {"8080": 80}}),
        ("run nginx:1.27 as web and attach it to the network edge", {"networks": ["edge"]}),
        ("run nginx:1.27. Call it web", {"name": "web"}),
        ("run nginx:1.27 as web, restart always", {"restart": "always"}),
        ("run nginx:1.27 as web with env A=1, no ports", {"env": {"A": "1"}}),
    ],
)
def test_more_about_the_step_before(text: str, inputs: dict[str, Any]) -> None:
    uses, given = only(text)
    assert uses == "docker.run"
    assert {name: given.get(name) for name in inputs} == inputs


def test_a_network_that_is_new_is_made_for_what_joins_it_afterwards() -> None:
    assert [uses for uses, _ in tasks("run nginx:1.27 as web and attach it to a network called edge")] == [
        "docker.create_network",
        "docker.run",
    ]


def test_a_name_given_afterwards_names_what_was_built() -> None:
    assert only("build ./api and tag it api:2")[1] == {"context": "./api", "tag": "api:2"}
    assert [uses for uses, _ in tasks("build ./api as api:1 and tag it api:2")] == ["docker.build", "docker.tag"]


def test_two_clauses_are_one_check_only_if_they_agree() -> None:
    assert only("open http://x.org/ and make sure it returns 200")[1] == {"url": "http://x.org/", "expect_status": 200}
    two = tasks("check that http://x.org/ returns 200 and check that http://x.org/ returns 301")
    assert [given["expect_status"] for _, given in two] == [200, 301]


def test_what_is_done_beside_something_is_done() -> None:
    assert tasks("while pulling redis:7, build ./api as api:4") == [
        ("docker.pull", {"image": "redis:7"}),
        ("docker.build", {"context": "./api", "tag": "api:4"}),
    ]
    assert edges("while pulling redis:7, build ./api as api:4") == set()


def test_lists_end_in_words_that_are_verbs_elsewhere() -> None:
    assert [given["name"] for _, given in tasks("create the namespaces dev and test")] == ["dev", "test"]
    assert [given["name"] for _, given in tasks("stop the containers a, b and c")] == ["a", "b", "c"]


def test_several_verbs_behind_one_auxiliary() -> None:
    assert tasks("the container 'old' must be stopped and removed") == [
        ("docker.stop", {"name": "old"}),
        ("docker.remove", {"name": "old"}),
    ]
    assert [uses for uses, _ in tasks("web must be stopped, then restarted")] == ["docker.stop", "docker.restart"]


def test_values_of_each_and_of_another() -> None:
    both = tasks("deploy nginx:1.27 as a and httpd:2.4 as b to kubernetes with 2 replicas each")
    assert [given["replicas"] for _, given in both] == [2, 2]
    assert [g["ports"] for _, g in tasks("run nginx:1.27 as web1 on port 8081 and as web2 on port 8082")] == [
        {"8081": 80},
        {"8082": 80},
    ]
    shared = tasks("create the network n, then run nginx:1.27 as a and redis:7 as b on it")
    assert [given["networks"] for _, given in shared[1:]] == [["n"], ["n"]]


def test_a_value_behind_a_condition_has_the_verb_before_it() -> None:
    assert [given["command"] for _, given in tasks("run `make a` and, if it succeeds, `make b`")] == [
        "make a",
        "make b",
    ]


def test_a_tool_named_twice_shares_its_place() -> None:
    assert tasks("run terraform init and terraform plan in ./infra") == [
        ("terraform.init", {"directory": "./infra"}),
        ("terraform.plan", {"directory": "./infra"}),
    ]


def test_what_is_not_to_be_done_tells_what_is_meant() -> None:
    assert tasks("please plan but don't apply the terraform in ./infra") == [
        ("terraform.plan", {"directory": "./infra"})
    ]
    assert refusal("stop, but don't stop web")


def test_waiting_for_what_waits_anyway_is_no_task() -> None:
    text = "install ./charts/shop as shop, wait for it and check its status"
    assert [uses for uses, _ in tasks(text)] == ["kubernetes.helm_install", "kubernetes.helm_status"]
    assert refusal("scale checkout to 0, wait for nothing else")


@pytest.mark.parametrize(
    "text",
    [
        "what do you think about kubernetes?",
        "start the process",
        "attach it to the network edge",
        "run nginx:1.27 as web and attach it to the moon landing of 1969",
        "wait for it",
    ],
)
def test_what_names_nothing_is_asked(text: str) -> None:
    assert refusal(text)


def test_what_is_passed_over_is_told() -> None:
    assert any("database" in warning for warning in propose("start a postgres database container called pg").warnings)


def test_a_restart_policy_in_words() -> None:
    for said, policy in (("unless stopped", "unless-stopped"), ("on failure", "on-failure")):
        tasks = propose(f"run nginx:1.27 as web, restart {said}").plan.tasks
        assert [(t.uses, t.with_["restart"]) for t in tasks.values()] == [("docker.run", policy)]


def test_a_size_is_no_count() -> None:
    assert refusal("resize the VM to 8 cores")


@pytest.mark.parametrize(
    "text, uses, inputs",
    [
        ("run `touch a` in ./w, undone by `rm a`", "bash.run", {"command": "touch a", "undo": "rm a", "cwd": "./w"}),
        ("run nginx as a with half a cpu", "docker.run", {"resources": {"cpus": 0.5}}),
        (
            "run nginx as a with at most 2 cpus and 256 MB of memory",
            "docker.run",
            {"resources": {"cpus": 2, "memory": "256m"}},
        ),
        ("run nginx as a with labels x=1 and y=2", "docker.run", {"labels": {"x": "1", "y": "2"}}),
        ("run postgres:16 as db, DB_PASS from secret://env/P", "docker.run", {"env": {"DB_PASS": "secret://env/P"}}),
        ("run postgres:16 as db, password via DB_PASS=x", "docker.run", {"env": {"DB_PASS": "x"}}),
        ("run postgres:16 as db with DEBUG_MODE set to 1", "docker.run", {"env": {"DEBUG_MODE": "1"}}),
        ("wait for http://localhost:80/ to be 200", "validation.http", {"expect_status": 200}),
        ("create name space billing", "kubernetes.create_namespace", {"name": "billing"}),
        ("our team needs a container web from nginx:1.27", "docker.run", {"name": "web"}),
        ("take down the compose project m which is in ./m.yml", "docker.compose_down", {"file": "./m.yml"}),
        ("remove the container x off this machine", "docker.remove", {"name": "x"}),
        ("kubectl expose deployment web --port=80 --type=LoadBalancer", "kubernetes.expose", {"type": "LoadBalancer"}),
        ("terraform -chdir=./i workspace new blue", "terraform.create_workspace", {"workspace": "blue"}),
        ("gh release create v1.1.0 -R acme/web", "github.create_release", {"tag": "v1.1.0"}),
        ("write 'x' to ./a.ini with mode 0600", "bash.write_file", {"mode": "0600"}),
        ("run a:1 as t with user 1000", "docker.run", {"user": "1000"}),
        ("RESTART THE WEB CONTAINER", "docker.restart", {"name": "web"}),
        ("check it ansers at http://localhost:1/x", "validation.http", {"url": "http://localhost:1/x"}),
    ],
)
def test_more_ways_of_saying_it(text: str, uses: str, inputs: dict[str, Any]) -> None:
    found, given = only(text)
    assert found == uses
    assert given.items() >= inputs.items()


def test_outcomes_are_conditions() -> None:
    text = "run `make`; on success build . as app:1, on failure open an issue in acme/app titled 'Bad'"
    found = propose(text).plan.tasks
    assert {task.uses: task.if_ for task in found.values()} == {
        "bash.run": None,
        "docker.build": None,
        "github.create_issue": "failure()",
    }


def test_do_it_in_this_order_is_about_what_was_said() -> None:
    assert len(edges("restart a, restart b, restart c. Do it in this order.")) == 2
    assert len(tasks("stop a and b, then start them again one by one")) == 4


def test_a_list_with_a_place_of_its_own_each() -> None:
    found = tasks("run nginx:1.27 as web1 on 8081, web2 on 8082")
    assert [(i["name"], i["ports"]) for _, i in found] == [("web1", {"8081": 80}), ("web2", {"8082": 80})]
    assert all("networks" not in inputs for _, inputs in found)


def test_an_arrow_is_a_step_or_a_goal() -> None:
    assert only("tag app:1 -> app:2") == ("docker.tag", {"image": "app:1", "target": "app:2"})
    assert edges("pull redis:7 -> run redis:7 as cache") == {("pull", "run")}


@pytest.mark.parametrize(
    "text",
    [
        "Restart the monitoring stack: restart the container web",
        "rebuild and restart: restart the container web",
        "Today\n- restart the container web",
    ],
)
def test_a_heading_holds_nothing_to_be_done(text: str) -> None:
    assert only(text) == ("docker.restart", {"name": "web"})
    assert any("heading" in warning for warning in propose(text).warnings) or text.startswith("Today")


@pytest.mark.parametrize(
    "text",
    [
        "shut down the data center",
        "who deleted the container web?",
        "how do I delete the namespace shop?",
        "destroy ./infra but not the database",
        "remove web and its volume",
        "stop the last two containers",
        "remove unused images",
        "delete pods that crash in namespace shop",
        "get the release out",
        "frobnicate db2: restart web",
        "delete nothing: restart web",
        "run nginx as web on port 80, db on port 81x",
    ],
)
def test_what_may_mean_something_else_is_asked(text: str) -> None:
    refusal(text)


def test_a_command_goes_on_where_the_one_before_it_ran() -> None:
    found = tasks("execute `nginx -t` in container web and, if that works, `nginx -s reload`")
    assert found == [
        ("docker.exec", {"command": "nginx -t", "name": "web"}),
        ("docker.exec", {"command": "nginx -s reload", "name": "web"}),
    ]


def test_a_place_is_made_first() -> None:
    found = edges("install ./charts/web as web in namespace mon, creating the namespace first")
    assert found == {("create-namespace", "helm-install")}
