"""Plans moved into a scope, and rehearsals on real files; other agents by what becomes of inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from reign.core.check import checked, parse_plan
from reign.core.errors import InvalidInput, NotFound, Refused
from reign.core.states import RunState
from reign.engine import rehearse
from reign.engine.general import Submission
from reign.engine.rehearse import Rehearsals, move
from reign.executor import registry
from reign.executor.scope import Scope
from reign.store import history, rehearsals, runs
from tests.engines.inline import Inline


@pytest.fixture
def scope(tmp_path: Path) -> Scope:
    return Scope("rehearse-1", tmp_path, tmp_path / "copy")


def moved(scope: Scope, **tasks: Any) -> dict[str, Any]:
    """Inputs of the tasks of a plan in the scope."""
    plan = checked(parse_plan({"name": "x", "tasks": tasks}), registry.catalog())
    found = move(plan, scope)
    checked(found, registry.catalog())
    return {name: task.with_ for name, task in found.tasks.items()}


def refused(scope: Scope, **task: Any) -> str:
    with pytest.raises(Refused) as told:
        moved(scope, it=task)
    return str(told.value.details["it"])


def rehearsed(inline: Inline, plan: dict[str, Any]) -> dict[str, Any]:
    """The report of a rehearsal that was brought to its end."""
    service = Rehearsals(inline.runtime, inline.general)
    run = inline.finish(service.start(Submission(plan=plan, workdir=str(inline.folder), requested_by="me")))
    assert run.kind == "rehearsal"
    service.proceed()
    assert service.report(run.name)["came_back"] is None or not inline.messages.waiting
    inline.finish(run)
    service.proceed()
    return service.report(run.name)


WRITE = {"uses": "bash.write_file", "with": {"path": "d/a", "content": "new"}}


def test_files_are_written_in_a_copy_and_come_back(inline: Inline) -> None:
    (inline.folder / "d").mkdir()
    (inline.folder / "d/a").write_text("old")
    (inline.folder / "terraform.tfstate").write_text("{}")
    (inline.folder / ".git").mkdir()
    absolute = {"uses": "bash.copy_file", "with": {"source": f"{inline.folder}/d/a", "destination": "b"}}
    look = {"uses": "bash.run", "needs": ["a"], "with": {"command": "cat d/a; ls -a"}}
    plan = {"name": "x", "tasks": {"a": WRITE, "b": absolute, "look": look}}
    report = rehearsed(inline, plan)
    assert (report["state"], report["came_back"]) == ("succeeded", True)
    with inline.runtime.database.read() as tx:
        assert rehearsals.proven(tx, report["plan_digest"]) == report["run"]
    assert report["undone_by"]
    assert [(item["task"], item["before"], item["applied"]) for item in report["proof"]["resources"]] == [
        ("a", "there", "changed"),
        ("b", "absent", "there"),
    ]
    with inline.runtime.database.read() as tx:
        run = runs.find(tx, report["run"])
    said = inline.tasks(run)["look"].result["stdout"]
    assert said.startswith("new")
    assert "tfstate" not in said
    assert ".git" not in said
    assert sorted(path.name for path in inline.folder.iterdir()) == [".git", "d", "terraform.tfstate"]
    assert (inline.folder / "d/a").read_text() == "old"
    with inline.runtime.database.read() as tx:
        assert history.listing(tx, removed=True) == []


def test_a_rehearsal_that_fails_is_undone_too(inline: Inline) -> None:
    fails = {"uses": "bash.copy_file", "needs": ["a"], "with": {"source": "nothing", "destination": "b"}}
    report = rehearsed(inline, {"name": "x", "tasks": {"a": WRITE, "b": fails}})
    assert (report["state"], report["came_back"]) == ("failed", True)
    assert "nothing is not there" in report["cause"]
    with inline.runtime.database.read() as tx:
        assert rehearsals.proven(tx, report["plan_digest"]) is None


def test_what_does_not_come_back_is_shown(inline: Inline, monkeypatch: pytest.MonkeyPatch) -> None:
    operation = registry.operation("bash.write_file")
    monkeypatch.setattr(operation, "restore", lambda *_: None, raising=False)
    report = rehearsed(inline, {"name": "x", "tasks": {"a": WRITE}})
    assert report["came_back"] is False
    assert [(item["came_back"], item["why"]) for item in report["proof"]["resources"]] == [
        (False, "it is not as it was")
    ]
    assert list(inline.folder.glob(f"{rehearse.FOLDER}*/d/a")), "what is left can be looked at"


def test_a_plan_that_only_reads_has_nothing_to_undo(inline: Inline) -> None:
    (inline.folder / "a").write_text("x")
    report = rehearsed(inline, {"name": "x", "tasks": {"a": {"uses": "bash.run", "with": {"command": "cat a"}}}})
    assert (report["came_back"], report["proof"]["resources"]) == (True, [])


def test_every_task_that_cannot_be_rehearsed_is_named(inline: Inline) -> None:
    tasks = {
        "out": {"uses": "bash.write_file", "with": {"path": "/etc/motd", "content": "x"}},
        "up": {"uses": "bash.delete_file", "with": {"path": "../x"}},
        "home": {"uses": "bash.delete_file", "with": {"path": "~/x"}},
        "net": {"uses": "bash.run", "with": {"command": "curl x", "sandbox": "network"}},
        "push": {"uses": "docker.push", "with": {"image": "x:1", "target": "y/x:1"}},
        "fine": WRITE,
    }
    with pytest.raises(Refused, match="5 of 6 tasks cannot be rehearsed") as told:
        rehearsed(inline, {"name": "x", "tasks": tasks})
    assert set(told.value.details) == {"out", "up", "home", "net", "push"}
    assert "nobody has said" in told.value.details["push"]


def test_a_large_work_folder_is_not_copied(inline: Inline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearse, "MOST_FILES", 1)
    (inline.folder / "a").touch()
    (inline.folder / "b").touch()
    with pytest.raises(InvalidInput, match="too large"):
        rehearsed(inline, {"name": "x", "tasks": {"a": WRITE}})
    assert list(inline.folder.glob(f"{rehearse.FOLDER}*")) == []


def test_only_rehearsals_have_a_report(inline: Inline) -> None:
    run = inline.run({"name": "x", "tasks": {"a": WRITE}})
    assert run.state is RunState.SUCCEEDED
    with pytest.raises(NotFound, match="is no rehearsal"):
        Rehearsals(inline.runtime, inline.general).report(run.name)


# --- other engines ---------------------------------------------------------------------------------------------------


def test_containers_get_other_names_and_ports_and_still_find_each_other(scope: Scope) -> None:
    found = moved(
        scope,
        build={"uses": "docker.build", "with": {"context": "./web", "tag": "localhost:5000/web:1"}},
        net={"uses": "docker.create_network", "with": {"name": "front"}},
        vol={"uses": "docker.create_volume", "with": {"name": "data"}},
        web={
            "uses": "docker.run",
            "needs": ["build", "net", "vol"],
            "with": {
                "image": "localhost:5000/web:1",
                "name": "web",
                "networks": {"front": ["www"]},
                "ports": {"8080": 80, "0.0.0.0:8081": "53/udp"},
                "volumes": {"data": "/data", "./site": "/www:ro", "/etc/hosts": "/hosts:ro"},
            },
        },
        other={"uses": "docker.run", "with": {"image": "busybox:1.36", "name": "o", "networks": "host"}},
        check={"uses": "validation.http", "needs": ["web"], "with": {"url": "http://127.0.0.1:8080/x"}},
        tcp={"uses": "validation.tcp", "needs": ["web"], "with": {"host": "127.0.0.1", "port": 8080}},
        far={"uses": "validation.tcp", "with": {"host": "example.org", "port": 8080}},
        stop={"uses": "docker.stop", "needs": ["web"], "with": {"name": "web"}},
    )
    port = scope.port(8080)
    assert port != 8080
    assert found["build"] == {"context": "./web", "tag": "localhost:5000/rehearse-1-web:1"}
    assert found["net"] == {"name": "rehearse-1-front"}
    assert found["web"] == {
        "image": "localhost:5000/rehearse-1-web:1",
        "name": "rehearse-1-web",
        "networks": {"rehearse-1-front": {"aliases": ["www", "web"]}},
        "ports": [f"127.0.0.1:{port}:80/tcp", f"0.0.0.0:{scope.port(8081)}:53/udp"],
        "volumes": ["rehearse-1-data:/data", "./site:/www:ro", "/etc/hosts:/hosts:ro"],
    }
    assert found["other"]["image"] == "busybox:1.36"
    assert found["other"]["networks"] == {"host": {"aliases": []}}
    assert found["check"]["url"] == f"http://127.0.0.1:{port}/x"
    assert found["tcp"]["port"] == port
    assert found["far"]["port"] == 8080
    assert found["stop"] == {"name": "rehearse-1-web"}


def test_names_made_for_each_item_are_known_by_their_pattern(scope: Scope) -> None:
    found = moved(
        scope,
        build={"uses": "docker.build", "for_each": ["a"], "with": {"context": ".", "tag": "x-${{ item }}:1"}},
        run={"uses": "docker.run", "needs": ["build"], "with": {"image": "x-a:1", "name": "x"}},
        again={"uses": "docker.logs", "with": {"name": "${{ tasks.run.result.name }}"}},
    )
    assert found["build"]["tag"] == "rehearse-1-x-${{ item }}:1"
    assert found["run"]["image"] == "rehearse-1-x-a:1"
    assert found["again"]["name"] == "${{ tasks.run.result.name }}"


@pytest.mark.parametrize(
    ("uses", "inputs", "why"),
    [
        ("docker.stop", {"name": "web"}, "container web is not made by this plan"),
        ("docker.run", {"image": "x", "name": "x", "networks": ["front"]}, "network front is not made"),
        ("docker.run", {"image": "x", "name": "x", "volumes": {"data": "/data"}}, "volume data is not made"),
        ("docker.run", {"image": "x", "name": "x", "volumes": {"/srv": "/srv"}}, "/srv is outside"),
        ("docker.create_network", {"name": "x", "subnet": "10.9.0.0/24"}, "subnet"),
        ("docker.remove_volume", {"name": "x"}, "volume x is not made"),
        ("docker.compose_down", {"file": "c.yaml", "project": "x"}, "compose project x is not made"),
        ("docker.compose_up", {"file": "c.yaml", "project": "x"}, "cannot be read beforehand"),
        ("terraform.apply", {"directory": "infra", "backend": {"bucket": "b"}}, "backend"),
        ("terraform.apply", {"directory": "infra", "plan_file": "p"}, "saved plan"),
        ("terraform.apply", {"directory": "/srv/infra"}, "outside"),
        ("kubernetes.apply", {"manifest": "deploy"}, "is no file that could be read"),
    ],
)
def test_what_belongs_to_others_is_left_alone(scope: Scope, uses: str, inputs: dict[str, Any], why: str) -> None:
    assert why in refused(scope, uses=uses, **{"with": inputs})


def test_a_compose_file_is_rewritten_in_the_copy(scope: Scope) -> None:
    service = {
        "image": "web:1",
        "build": ".",
        "container_name": "web",
        "ports": ["${PORT:-9}:80", "${OTHER:-8081}:81"],
        "volumes": ["./site:/www", "data:/data"],
    }
    (scope.workdir / "app").mkdir()
    file = scope.workdir / "app/compose.yaml"
    file.write_text(yaml.safe_dump({"services": {"web": service}, "volumes": {"data": None}}))
    found = moved(
        scope,
        up={"uses": "docker.compose_up", "with": {"file": "app", "project": "shop", "env": {"PORT": 8080}}},
        down={"uses": "docker.compose_down", "needs": ["up"], "with": {"file": "app", "project": "shop"}},
    )
    assert found["up"] == {"file": "app/compose.yaml", "project": "rehearse-1-shop", "env": {"PORT": 8080}}
    assert found["down"]["project"] == "rehearse-1-shop"
    written = yaml.safe_load(scope.rewritten["app/compose.yaml"])["services"]["web"]
    assert written["ports"] == [f"127.0.0.1:{scope.port(8080)}:80/tcp", f"127.0.0.1:{scope.port(8081)}:81/tcp"]
    assert "container_name" not in written
    assert written["image"] == "rehearse-1-web:1"
    for bad, why in (
        ({"services": {}, "volumes": {"data": {"external": True}}}, "a name of its own"),
        ({"services": {"web": {"volumes": ["/srv:/srv"]}}}, "mounts /srv"),
        ({"services": {"web": {"network_mode": "host"}}}, "on the host itself"),
        ({"services": {"web": {"ports": ["8000-8010:80"]}}}, "cannot be moved"),
        ({"services": {"web": {"ports": ["$UNKNOWN:80"]}}}, "cannot be moved"),
        ({"include": ["other.yaml"]}, "not one whole compose file"),
    ):
        file.write_text(yaml.safe_dump(bad))
        told = refused(scope, uses="docker.compose_up", **{"with": {"file": "app/compose.yaml", "project": "x"}})
        assert why in told


def test_objects_go_to_a_namespace_of_the_rehearsal(scope: Scope) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {}}
    (scope.workdir / "a.yaml").write_text(yaml.safe_dump(body))
    found = moved(
        scope,
        ns={"uses": "kubernetes.create_namespace", "with": {"name": "shop"}},
        web={
            "uses": "kubernetes.create_deployment",
            "needs": ["ns"],
            "with": {"name": "web", "image": "x", "namespace": "shop"},
        },
        other={"uses": "kubernetes.apply", "with": {"manifest": "a.yaml", "context": "kind"}},
        pods={"uses": "kubernetes.pod_status", "needs": ["other"], "with": {"name": "x", "namespace": "team"}},
    )
    assert found["ns"] == {"name": "rehearse-1-shop"}
    assert found["web"]["namespace"] == "rehearse-1-shop"
    assert found["other"]["namespace"] == "rehearse-1"
    assert found["rehearse-1-namespace"] == {"context": "kind", "name": "rehearse-1"}
    assert found["pods"]["namespace"] == "team", "what the plan does not make is looked at where it is"


APPLY = {"uses": "kubernetes.apply", "with": {"manifest": "deploy", "namespace": "shop"}}
CHART = {"uses": "kubernetes.helm_install", "with": {"release": "shop", "chart": "./shop", "namespace": "shop"}}


@pytest.mark.parametrize(
    ("first", "uses", "inputs"),
    [
        (APPLY, "kubernetes.scale", {"name": "web", "replicas": 2}),
        (APPLY, "kubernetes.rollout_restart", {"name": "web"}),
        (APPLY, "kubernetes.rollout_status", {"name": "web"}),
        (APPLY, "kubernetes.expose", {"name": "web", "port": 80}),
        (APPLY, "kubernetes.pod_status", {"name": "web"}),
        (APPLY, "kubernetes.logs", {"selector": "app=web"}),
        (APPLY, "kubernetes.delete", {"kind": "deploy", "name": "web"}),
        (APPLY, "kubernetes.delete", {"manifest": "deploy"}),
        (CHART, "kubernetes.scale", {"name": "anything", "replicas": 2}),
        (CHART, "kubernetes.helm_upgrade", {"release": "shop", "chart": "./shop"}),
        (CHART, "kubernetes.helm_status", {"release": "shop"}),
        (WRITE, "kubernetes.helm_upgrade", {"release": "new", "chart": "./shop", "install": True}),
        (WRITE, "kubernetes.apply", {"manifest": "${{ params.given }}"}),
    ],
)
def test_what_the_plan_made_is_found_in_its_new_namespace(
    scope: Scope, first: dict[str, Any], uses: str, inputs: dict[str, Any]
) -> None:
    (scope.workdir / "deploy").mkdir()
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {}}
    (scope.workdir / "deploy" / "web.yaml").write_text(yaml.safe_dump(body))
    plan = parse_plan(
        {
            "name": "x",
            "params": {"given": "m"},
            "tasks": {"a": first, "b": {"uses": uses, "needs": ["a"], "with": {**inputs, "namespace": "shop"}}},
        }
    )
    assert move(plan, scope).tasks["b"].with_["namespace"] == "rehearse-1-shop"


@pytest.mark.parametrize(
    ("uses", "inputs", "why"),
    [
        ("kubernetes.scale", {"name": "web", "replicas": 2}, "deployment/web is not made by this plan"),
        ("kubernetes.rollout_undo", {"name": "db", "kind": "sts"}, "statefulset/db is not made by this plan"),
        ("kubernetes.expose", {"name": "web", "port": 80}, "deployment/web is not made by this plan"),
        ("kubernetes.delete", {"kind": "svc", "name": "web"}, "service/web is not made by this plan"),
        ("kubernetes.delete", {"kind": "namespace", "name": "shop"}, "namespace shop is not made by this plan"),
        ("kubernetes.delete", {"kind": "pv", "name": "disk"}, "belongs to the whole cluster"),
        ("kubernetes.delete", {"kind": "widget", "name": "w"}, "whether widget w belongs to a namespace"),
        ("kubernetes.helm_uninstall", {"release": "shop"}, "release/shop is not made by this plan"),
        ("kubernetes.apply", {"manifest": "overlay"}, "is a kustomization"),
        ("kubernetes.apply", {"manifest": "kind: {"}, "cannot be read beforehand"),
    ],
)
def test_a_cluster_is_left_alone_where_the_plan_made_nothing(
    scope: Scope, uses: str, inputs: dict[str, Any], why: str
) -> None:
    (scope.workdir / "overlay").mkdir()
    (scope.workdir / "overlay" / "kustomization.yaml").touch()
    assert why in refused(scope, uses=uses, **{"with": inputs})


def test_a_namespace_that_the_plan_made_is_deleted_under_its_new_name(scope: Scope) -> None:
    found = moved(
        scope,
        a={"uses": "kubernetes.create_namespace", "with": {"name": "shop"}},
        b={"uses": "kubernetes.delete", "needs": ["a"], "with": {"kind": "ns", "name": "shop"}},
        c={"uses": "kubernetes.scale", "needs": ["a"], "with": {"name": "x", "replicas": 1, "namespace": "shop"}},
    )
    assert found["b"] == {"kind": "ns", "name": "rehearse-1-shop"}
    assert found["c"]["namespace"] == "rehearse-1-shop", "nothing of others is in there"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"kind": "Namespace", "metadata": {"name": "x"}}, "belongs to the whole cluster"),
        ({"kind": "ConfigMap", "metadata": {"name": "x", "namespace": "prod"}}, "names its namespace itself"),
        ({"kind": "List", "items": [{"kind": "Node", "metadata": {"name": "x"}}]}, "belongs to the whole cluster"),
    ],
)
def test_objects_that_would_land_elsewhere_are_refused(scope: Scope, body: dict[str, Any], why: str) -> None:
    for manifest in (body, [body], yaml.safe_dump(body)):
        assert why in refused(scope, uses="kubernetes.apply", **{"with": {"manifest": manifest}})


def test_terraform_gets_a_copy_unless_its_state_is_elsewhere(scope: Scope) -> None:
    folder = scope.workdir / "infra"
    folder.mkdir()
    (folder / "main.tf").write_text('terraform {\n  backend "local" {}\n}\n')
    assert moved(scope, a={"uses": "terraform.apply", "with": {"directory": "infra"}})["a"] == {"directory": "infra"}
    absolute = moved(scope, a={"uses": "terraform.apply", "with": {"directory": str(folder)}})["a"]
    assert absolute == {"directory": f"{scope.folder}/infra"}
    (folder / "main.tf").write_text('terraform {\n  backend "s3" {\n  }\n}\n')
    assert "where the real one is" in refused(scope, uses="terraform.apply", **{"with": {"directory": "infra"}})
