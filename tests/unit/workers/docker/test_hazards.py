from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from reign.core.findings import Severity
from reign.executor import NeedsApproval
from reign.executor.assessing import partial_inputs
from reign.executor.testing import make_context
from reign.security.secretlike import looks_secret
from workers.docker import AGENT
from workers.docker.compose import ComposeUp, hazards_of
from workers.docker.hazards import hazards

OPERATIONS = {operation.name: operation() for operation in AGENT.operations}
WORK = Path("/srv/plan")


def found(workdir: Path | None = WORK, **given: Any) -> list[tuple[str, str]]:
    return [(finding.rule, finding.severity.value) for finding in hazards({"image": "app:1", **given}, workdir)]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"privileged": True}, ("docker.privileged", "critical")),
        ({"networks": "host"}, ("docker.host-network", "high")),
        ({"networks": ["host"]}, ("docker.host-network", "high")),
        ({"volumes": ["/var/run/docker.sock:/var/run/docker.sock"]}, ("docker.socket", "critical")),
        ({"volumes": {"/run/docker.sock": "/s:ro"}}, ("docker.socket", "critical")),
        ({"volumes": ["/home/me/docker.sock:/s"]}, ("docker.socket", "critical")),
        ({"volumes": ["/data:/data"]}, ("docker.host-path", "high")),
        ({"volumes": ["/etc/ssl:/x:ro"]}, ("docker.host-path", "critical")),
        ({"volumes": ["/usr:/host"]}, ("docker.host-path", "critical")),
        ({"volumes": ["../other:/x"]}, ("docker.host-path", "high")),
        ({"volumes": ["./../../../etc:/x"]}, ("docker.host-path", "critical")),
        ({"volumes": ["~/x:/x"]}, ("docker.host-path", "critical")),  # tests run as root: below /root
        ({"cap_add": ["sys_admin"]}, ("docker.capability", "high")),
        ({"cap_add": ["CAP_SYS_PTRACE"]}, ("docker.capability", "high")),
        ({"devices": ["/dev/sda:/dev/x"]}, ("docker.device", "high")),
        ({"ports": {"0.0.0.0:80": 80}}, ("docker.public-port", "medium")),
        ({"ports": ["[::]:80:80"]}, ("docker.public-port", "medium")),
        ({"image": "nginx"}, ("docker.latest", "low")),
        ({"command": ["echo", "a", ">", "/x"]}, ("docker.no-shell", "medium")),
        ({"command": ["echo", "a;", "ls", "|", "wc"]}, ("docker.no-shell", "medium")),
        ({"image": "nginx:latest"}, ("docker.latest", "low")),
        ({"env": {"DB_PASSWORD": "hunter2"}}, ("docker.secret-in-clear", "high")),
        ({"env": ["GITHUB=ghp_" + "a" * 36]}, ("docker.secret-in-clear", "high")),
        ({"build_args": {"TOKEN": "abc"}}, ("docker.secret-in-clear", "high")),
        ({"secrets": {"npm": "abc"}}, ("docker.secret-in-clear", "high")),
        ({"password": "open sesame"}, ("docker.secret-in-clear", "high")),
        ({"build_args": {"TOKEN": "secret://env/TOKEN"}}, ("docker.secret-in-clear", "high")),
    ],
)
def test_a_hazard(given: dict[str, Any], expected: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/root")
    assert found(**given) == [expected]


@pytest.mark.parametrize("folder", ["/", "/run", "/var/run", "/var/run/", "/run/podman"])
def test_a_folder_that_holds_a_socket_is_both(folder: str) -> None:
    assert {rule for rule, _ in found(volumes=[f"{folder}:/x:ro"])} == {"docker.socket", "docker.host-path"}


def test_a_link_in_the_work_folder_leads_where_it_leads(tmp_path: Path) -> None:
    work = tmp_path / "work"
    (work / "data").mkdir(parents=True)
    (work / "own").symlink_to("data")
    (work / "out").symlink_to("/etc")
    (work / "up").symlink_to("..")
    volumes = {"./own": "/a", "./data": "/b", "named": "/c", str(work / "data"): "/d", "${{ params.x }}": "/e"}
    assert found(work, volumes=volumes) == []
    assert found(work, volumes={"out": "/x"}) == []  # a volume of that name
    assert found(work, volumes={"./out/ssl": "/x"}) == [("docker.host-path", "critical")]
    assert found(work, volumes={"./up": "/x"}) == [("docker.host-path", "high")]
    run, inputs = OPERATIONS["docker.run"], {"image": "app:1", "name": "app", "volumes": {"./out": "/x"}}
    assessed = run.assess_in(run.Inputs.model_validate(inputs), work)
    assert "/etc of the host" in (assessed.asks or "")
    assert run.assess_in(run.Inputs.model_validate({**inputs, "volumes": {"./own": "/x"}}), work).asks is None
    ctx = make_context(work, options={"host": "unix:///none"})
    with pytest.raises(NeedsApproval, match="/etc of the host"):
        run.done(dataclasses.replace(ctx, approved=False), run.Inputs.model_validate(inputs), ())


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"privileged": False},
        {"privileged": "${{ params.privileged }}"},
        {"volumes": ["./data:/data", "data:/data", "/srv/plan/x:/x", "./a/../b:/b"]},
        {"volumes": {"${{ params.where }}": "/data"}},
        {"volumes": "${{ params.volumes }}"},
        {"ports": {"8088": 80}, "networks": ["backend"]},
        {"ports": {"${{ params.port }}": 80}},
        {"env": {"DB_PASSWORD": "secret://env/DB", "TOKEN_FILE": "/run/x", "PASSWORD": "", "DEBUG": "1"}},
        {"env": {"DB_PASSWORD": "${{ params.password }}"}},
        {"env": "${{ params.env }}"},
        {"secrets": {"npm": "secret://env/NPM", "other": "${{ params.x }}"}},
        {"password": "secret://env/REGISTRY_PASSWORD"},
        {"image": "${{ tasks.build.result.image }}"},
        {"image": "nginx:1.27"},
        {"command": ["sh", "-c", "echo a > /x; ls | wc"]},
        {"command": ["find", "/", "-exec", "ls", "{}", ";"]},
        {"command": ["test", "a", ">", "b"]},
        {"command": "echo ${{ params.x }} > /x"},
        {"command": ["psql", "-c", "SELECT 1;"]},
        {"image": "nginx@sha256:" + "a" * 64},
        {"image": "sha256:" + "a" * 64},
        {"cap_add": ["NET_BIND_SERVICE"], "devices": None},
    ],
)
def test_what_is_no_hazard(given: dict[str, Any]) -> None:
    assert found(**given) == []


def test_without_a_work_folder_only_relative_paths_are_inside() -> None:
    assert found(None, volumes=["./data:/data", "x/y:/z"]) == []
    assert found(None, volumes=["/srv/plan/data:/data"]) == [("docker.host-path", "high")]
    assert found(None, volumes=["./../x:/data"]) == [("docker.host-path", "high")]


def test_the_worst_comes_first_and_ids_are_stable() -> None:
    first = hazards({"image": "nginx", "privileged": True, "ports": ["0.0.0.0:80:80"]})
    assert [finding.severity for finding in first] == [Severity.CRITICAL, Severity.MEDIUM, Severity.LOW]
    again = hazards({"ports": ["0.0.0.0:80:80"], "privileged": True, "image": "nginx"})
    assert [finding.fingerprint for finding in again] == [finding.fingerprint for finding in first]


def assessed(name: str, /, **given: Any) -> Any:
    operation = OPERATIONS[name]
    return operation.assess(partial_inputs(operation.Inputs, given))


def test_grave_hazards_ask_a_person() -> None:
    asked = assessed("docker.run", image="nginx:1", name="web", privileged=True, ports={"${{ params.p }}": 80})
    assert asked.asks == "container web: it is privileged: it may do all that root on the host may"
    assert [finding.rule for finding in asked.findings] == ["docker.privileged"]
    light = assessed("docker.run", image="nginx", name="web", env={"TOKEN": "resolved by now"})
    assert light.asks is None
    assert [finding.rule for finding in light.findings] == ["docker.secret-in-clear", "docker.latest"]
    assert assessed("docker.exec", name="web", command="id", privileged=True).asks
    assert assessed("docker.exec", name="web", command="id").asks is None
    assert assessed("docker.build", context=".", tag="x:1", network="host").asks
    assert assessed("docker.build", context=".", tag="x:1").asks is None


def test_what_destroys_or_cannot_be_taken_back_asks() -> None:
    given = {"name": "x", "image": "x:1", "target": "y:1", "project": "x", "file": "x"}
    asks = {
        name
        for name, operation in OPERATIONS.items()
        if assessed(name, **{key: value for key, value in given.items() if key in operation.Inputs.model_fields}).asks
    }
    assert asks == {
        "docker.push",
        "docker.remove",
        "docker.remove_image",
        "docker.remove_network",
        "docker.remove_volume",
        "docker.compose_down",
    }
    assert assessed("docker.compose_down", file="x", project="x", volumes=True).undo.value == "compensating"


def test_a_compose_file_is_judged_service_by_service(tmp_path: Path) -> None:
    file = tmp_path / "app" / "compose.yaml"
    file.parent.mkdir()
    file.write_text(
        """
services:
  good:
    image: nginx:1.27
    ports: ["127.0.0.1:80:80", {target: 80, published: 80, host_ip: 127.0.0.1}]
    volumes: [data:/data, ./x:/x, {type: volume, source: data, target: /d}]
    environment: {DB_PASSWORD: "${DB_PASSWORD}"}
  bad:
    image: nginx
    privileged: true
    network_mode: host
    ports: ["80:80", "81", {target: 82}]
    volumes: [/var/run/docker.sock:/s, {type: bind, source: ../../x, target: /x, read_only: true}]
    environment: [API_TOKEN=abc]
    devices: [/dev/kvm]
  odd: nothing
"""
    )
    rules = [finding.rule.removeprefix("docker.") for finding in hazards_of(file, tmp_path)]
    assert sorted(rules) == sorted(
        [
            "privileged",
            "host-network",
            "socket",
            "host-path",
            "device",
            *["public-port"] * 3,
            "latest",
            "secret-in-clear",
        ]
    )
    assert {finding.path for finding in hazards_of(file, tmp_path)} == {"app/compose.yaml"}
    assert all("service bad" in finding.message for finding in hazards_of(file, None))
    resolved = {"services": {"worse": {"pid": "host", "privileged": True, "environment": {"API_TOKEN": "xyz"}}}}
    assert {finding.message for finding in hazards_of(file, tmp_path, resolved)} == {
        "service worse: it is privileged: it may do all that root on the host may",
        "service worse: it shares the host's namespace: pid: host",
        "service bad: env.API_TOKEN looks like a secret given in clear",
    }
    for content in ("[", "- a", "services: []", "services: {a: {ports: }}"):
        file.write_text(content)
        assert hazards_of(file, tmp_path) == []
    assert hazards_of(tmp_path / "none.yaml", tmp_path) == []


@pytest.mark.parametrize(
    "name", ["DB_PASSWORD", "token", "AWS_SECRET_ACCESS_KEY", "api-key", "MYSQL_PWD", "--password"]
)
def test_names_of_secrets(name: str) -> None:
    assert looks_secret(name, "x1y2z3")


@pytest.mark.parametrize(
    "value",
    ["AKIA" + "A" * 16, "postgres://u:pw@db/x", "-----BEGIN RSA PRIVATE KEY-----", "eyJhbGciOiJI.eyJzdWIiOiIx.c2ln"],
)
def test_shapes_of_secrets(value: str) -> None:
    assert looks_secret("ANY", value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("PASSWORD_FILE", "/x"), ("TOKEN_URL", "https://x/t"), ("PATH", "/bin"), ("PASSWORD", "***"), ("X", "")],
)
def test_what_is_no_secret(name: str, value: str) -> None:
    assert not looks_secret(name, value)


def test_a_compose_file_is_judged_before_the_run_if_it_is_there(tmp_path: Path) -> None:
    operation = ComposeUp()
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "compose.yaml").write_text(
        "services: {a: {image: 'x:1', security_opt: ['seccomp:unconfined']}}"
    )
    inputs = ComposeUp.Inputs.model_validate({"file": "./app", "project": "p"})
    found = operation.assess_in(inputs, tmp_path)
    assert [finding.rule for finding in found.findings] == ["docker.unconfined"]
    assert found.asks == "compose project p: service a: seccomp:unconfined takes its confinement away"
    for unknown in ("./none.yaml", "${{ tasks.a.result.path }}"):
        later = inputs.model_copy(update={"file": unknown})
        assert operation.assess_in(later, tmp_path) == operation.assess(later)


@pytest.mark.parametrize("operation", [OPERATIONS["docker.pull"], OPERATIONS["docker.push"]])
def test_a_registrys_password_in_a_plan_is_shown(operation: Any) -> None:
    given = {"image": "a:1", "target": "r.example/a:1", "username": "u"}
    known = {name: value for name, value in given.items() if name in operation.Inputs.model_fields}
    clear = operation.assess(operation.Inputs(**known, password="open sesame"))
    assert [finding.rule for finding in clear.findings] == ["docker.secret-in-clear"]
    assert operation.assess(operation.Inputs(**known)).findings == ()
