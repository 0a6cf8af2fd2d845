"""Secrets that stand in a plan are sealed before it is shown or stored, wherever in the plan they come from."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from reign.core.errors import InvalidInput
from reign.engine import sealing
from reign.engine.general import Submission
from reign.engine.schedules import checked_body
from reign.security import secrets
from reign.security.masking import Masker
from reign.store import runs
from tests.engines.inline import Inline

PASSWORD = "hunter2-in-clear"
ENCODED = base64.b64encode(PASSWORD.encode()).decode()


def secret(part: str = "stringData", **values: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, part: values}


def plan(manifest: Any, **more: Any) -> dict[str, Any]:
    task = {"uses": "kubernetes.apply", "with": {"manifest": manifest, "context": "nowhere"}}
    params = {"params": more.pop("params")} if "params" in more else {}
    return {"name": "one", **params, "tasks": {"a": {**task, **more}}}


def recorded(inline: Inline, given: dict[str, Any], **submission: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The plan and the template of its run, after a look at the files of the state."""
    run = inline.general.submit(Submission(plan=given, workdir="/", approve=None, pins={}, **submission))
    with inline.runtime.database.read() as tx:
        found = runs.plan_of(tx, run.id), runs.template_of(tx, run.id)
    inline.runtime.database.close()
    for file in inline.runtime.settings.data_dir.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert PASSWORD.encode() not in content, file
            assert ENCODED.encode() not in content, file
    return found


def resolved(given: Any) -> Any:
    return secrets.resolve(given, Masker())


@pytest.mark.parametrize(
    ("manifest", "more"),
    [
        (secret(p=PASSWORD), {}),
        (secret("data", p=ENCODED), {}),
        ([{"kind": "List", "items": [secret(p=PASSWORD)]}], {}),
        (json.dumps(secret(p=PASSWORD)), {}),
        (f"kind: Secret\nmetadata: {{name: db}}\nstringData:\n  p: {PASSWORD}\n", {}),
        (secret(p="${{ params.pw }}"), {"params": {"pw": PASSWORD}}),
        (secret(p="postgres://u:${{ params.pw }}@db"), {"params": {"pw": PASSWORD}}),
        (secret(p=f"postgres://u:{PASSWORD}@${{{{ params.host }}}}"), {"params": {"host": "db"}}),
        (secret(p="${{ params.pw ?? '" + PASSWORD + "' }}"), {"params": {"pw": ""}}),
        (secret(p="${{ params.all.db[0] }}"), {"params": {"all": {"db": [PASSWORD], "other": "x"}}}),
        (secret("data", p="${{ params.pw }}"), {"params": {"pw": ENCODED}}),
        (secret(p=f"$${{{{ {PASSWORD}"), {}),
        (secret(p="${{ params.all.none ?? '' }}", q=PASSWORD), {"params": {"all": {"db": "x"}}}),
        ("${{ params.made }}", {"params": {"made": secret(p=PASSWORD)}}),
        ({**secret(), "stringData": "${{ params.made }}"}, {"params": {"made": {"p": PASSWORD}}}),
        ("${{ item }}", {"for_each": [secret(p=PASSWORD)]}),
        (secret(p="${{ item.pw }}"), {"for_each": [{"name": "a", "pw": PASSWORD}]}),
        (secret(p="${{ item.pw }}"), {"for_each": "${{ params.list }}", "params": {"list": [{"pw": PASSWORD}]}}),
        (secret(p="${{ item.value }}"), {"for_each": "${{ params.map }}", "params": {"map": {"a": PASSWORD}}}),
        (secret(p="${{ toJSON(params.made) }}"), {"params": {"made": {"p": PASSWORD, "n": 1, "l": [PASSWORD]}}}),
        ("kind: Secret\nmetadata: {name: db}\nstringData:\n  p: ${{ params.pw }}\n", {"params": {"pw": PASSWORD}}),
        (
            "kind: Secret\nmetadata: {name: db}\n${{ params.rest }}",
            {"params": {"rest": f"stringData: {{p: {PASSWORD}}}"}},
        ),
    ],
)
def test_nothing_of_it_is_stored(inline: Inline, manifest: Any, more: dict[str, Any]) -> None:
    kept, template = recorded(inline, plan(manifest, **more))
    told = json.dumps([kept, template])
    assert PASSWORD not in told
    assert ENCODED not in told
    assert "secret://sealed/" in told
    opened = json.dumps(resolved(kept))
    assert PASSWORD in opened or ENCODED in opened


def test_given_parameters_and_those_of_the_environment(tmp_path: Path) -> None:
    (tmp_path / "world").mkdir()
    inline = Inline(tmp_path / "world", environments={"prod": {"params": {"other": PASSWORD}}})
    given = plan(secret(p="${{ params.pw }}", q="${{ params.other }}"), params={"pw": None, "other": "x"})
    kept, template = recorded(inline, given, params={"pw": PASSWORD}, environment="prod")
    values = kept["tasks"]["a"]["with"]["manifest"]["stringData"]
    assert resolved(values) == {"p": PASSWORD, "q": PASSWORD}
    assert template["params"] == {"pw": values["p"]}, "a promotion takes the value that was given along"
    inline.close()


def test_the_same_key_and_plan_give_the_same_run(inline: Inline) -> None:
    asked = Submission(plan=plan(secret(p=PASSWORD)), approve=None, pins={}, idempotency_key="once")
    assert inline.general.submit(asked).name == inline.general.submit(asked).name


def test_a_shown_plan_is_sealed_too_and_says_so(inline: Inline) -> None:
    shown, about = inline.general.plan(Submission(plan=plan(secret(p=PASSWORD))))
    told = json.dumps([shown.as_dict(), about])
    assert PASSWORD not in told
    assert "1 secret value of the plan will be kept sealed" in about["warnings"][0]
    assert "secret-in-clear" not in told
    assert sealing.opened(shown.full).tasks["a"].with_["manifest"]["stringData"] == {"p": PASSWORD}


def test_a_schedule_keeps_it_sealed(inline: Inline) -> None:
    body = {"plan": plan(secret(p="${{ params.pw }}"), params={"pw": None}), "params": {"pw": PASSWORD}}
    kept = checked_body(inline.general, body)
    assert PASSWORD not in json.dumps(kept)
    assert resolved(kept["params"]) == {"pw": PASSWORD}


def test_a_schedule_keeps_the_plan_of_words_that_hold_a_secret(inline: Inline) -> None:
    words = f"run postgres:16 as db with DB_PASSWORD={PASSWORD}"
    kept = checked_body(inline.general, {"request": words, "plan": None, "workdir": str(inline.folder)})
    assert PASSWORD not in json.dumps(kept)
    assert kept["request"] == "run postgres:16 as db with DB_PASSWORD=***"
    task = next(iter(kept["plan"]["tasks"].values()))
    assert resolved(task["with"]["env"])["DB_PASSWORD"] == PASSWORD
    plain = {"request": "check that http://127.0.0.1:1 answers", "plan": None, "workdir": str(inline.folder)}
    assert checked_body(inline.general, plain) == plain


def test_other_plans_are_left_alone(inline: Inline) -> None:
    given = {"name": "one", "tasks": {"a": {"uses": "probe.noop"}, "b": "?"}}
    assert not sealing.concerns(given)
    assert not any(map(sealing.concerns, (None, {}, {"tasks": []})))
    asked = Submission(plan=plan({"kind": "ConfigMap", "data": {"a": "b"}}))
    assert inline.general.sealed(asked) is asked


def test_a_sealed_plan_is_sealed_once(inline: Inline) -> None:
    once = inline.general.sealed(Submission(plan=plan(secret(p=PASSWORD))))
    assert inline.general.sealed(once) is once


def test_a_secret_that_cannot_be_read_is_refused(inline: Inline) -> None:
    with pytest.raises(InvalidInput, match="holds a Secret is no YAML"):
        inline.general.submit(Submission(plan=plan("kind: Secret\nstringData: {a: [}\n")))


def variables(uses: str, more: dict[str, Any], **fields: Any) -> dict[str, Any]:
    params = {"params": fields.pop("params")} if "params" in fields else {}
    return {"name": "one", **params, "tasks": {"a": {"uses": uses, "with": more, **fields}}}


def container(env: Any, **fields: Any) -> dict[str, Any]:
    return variables("docker.run", {"image": "shop:1", "name": "shop", "env": env}, **fields)


@pytest.mark.parametrize(
    "given",
    [
        container({"DB_PASSWORD": PASSWORD, "COLOUR": "green"}),
        container([f"DB_PASSWORD={PASSWORD}", "COLOUR=green"]),
        container({"URL": f"postgres://u:{PASSWORD}@db/x"}),
        container({"DB_PASSWORD": "${{ params.pw }}"}, params={"pw": PASSWORD}),
        container({"DB_PASSWORD": "${{ item }}"}, for_each=[PASSWORD]),
        variables("docker.exec", {"name": "a", "command": ["true"], "env": {"TOKEN": PASSWORD}}),
        variables("docker.build", {"context": ".", "tag": "a:1", "build_args": {"TOKEN": PASSWORD}}),
        variables("docker.build", {"context": ".", "tag": "a:1", "secrets": {"npm": PASSWORD}}),
        variables("docker.push", {"image": "a:1", "target": "r.example/a:1", "password": PASSWORD}),
        variables("docker.compose_up", {"file": "c.yaml", "project": "p", "env": {"PASSWORD": PASSWORD}}),
        variables("bash.run", {"command": "true", "env": {"API_KEY": PASSWORD}}),
        variables("bash.start_process", {"name": "p", "command": "sleep 9", "env": {"API_KEY": PASSWORD}}),
        variables("kubernetes.create_deployment", {"name": "a", "image": "a:1", "env": {"API_KEY": PASSWORD}}),
        variables("terraform.apply", {"directory": ".", "variables": {"db_password": PASSWORD}}),
        variables("validation.http", {"url": "http://127.0.0.1", "headers": {"Authorization": PASSWORD}}),
    ],
)
def test_variables_that_look_like_secrets_are_sealed(inline: Inline, given: dict[str, Any]) -> None:
    kept, template = recorded(inline, given)
    told = json.dumps([kept, template])
    assert PASSWORD not in told
    assert "secret://sealed/" in told
    assert PASSWORD in json.dumps(resolved(kept))


def test_other_variables_stay_as_they_are(inline: Inline) -> None:
    env = {
        "COLOUR": "green",
        "MAX_TOKENS": "4096",
        "POSTGRES_PASSWORD": "postgres",
        "SECRET_KEY_FILE": "/run/secrets/key",
        "DB_PASSWORD": "secret://env/DB_PASSWORD",
        "API_TOKEN": "${{ params.project }}-token",
    }
    given = container(env, params={"project": "shop"})
    assert inline.general.sealed(Submission(plan=given)).plan == given
    assert not sealing.concerns(variables("bash.run", {"command": "true"}))


def test_a_sealed_variable_is_still_one_that_stood_in_the_plan_in_clear(inline: Inline) -> None:
    shown, _ = inline.general.plan(Submission(plan=container({"DB_PASSWORD": PASSWORD})))
    assert [finding["rule"] for finding in shown.as_dict()["findings"]] == ["docker.secret-in-clear"]
    assert PASSWORD not in json.dumps(shown.as_dict())


def test_the_words_of_a_request_are_kept_without_it(tmp_path: Path) -> None:
    (tmp_path / "world").mkdir()
    inline = Inline(tmp_path / "world")
    words = f"run shop:1 as shop with DB_PASSWORD={PASSWORD}"
    _, about = inline.general.plan(Submission(request=words))
    assert PASSWORD not in json.dumps(about)
    run = inline.general.submit(Submission(request=words, workdir="/", approve=None, pins={}))
    assert run.request == "run shop:1 as shop with DB_PASSWORD=***"
    inline.runtime.database.close()
    for file in inline.runtime.settings.data_dir.rglob("*"):
        assert not file.is_file() or PASSWORD.encode() not in file.read_bytes(), file
    inline.close()


def beside(env: dict[str, Any], *others: dict[str, Any], **more: Any) -> dict[str, Any]:
    tasks = {f"t{number}": other for number, other in enumerate(others)}
    first = {"uses": "docker.run", "with": {"image": "shop:1", "name": "shop", "env": env}}
    return {"name": "one", **more, "tasks": {"a": first, **tasks}}


#: Tasks that repeat the secret of another one.
REPEATING: list[dict[str, Any]] = [
    {"uses": "bash.run", "with": {"command": f"mysql -p{PASSWORD} -e 'select 1'"}},
    {"uses": "bash.run", "with": {"command": f"export P={PASSWORD}; true ${{{{ run.name }}}} {PASSWORD}"}},
    {"uses": "bash.script", "with": {"script": "echo $1", "args": [PASSWORD]}},
    {"uses": "bash.write_file", "with": {"path": "a.env", "content": f"P='{PASSWORD}'\n"}},
    {"uses": "validation.http", "with": {"url": "http://127.0.0.1", "headers": {"X-Shop": f"key {PASSWORD}"}}},
    {"uses": "validation.http", "with": {"url": f"http://127.0.0.1/?key={PASSWORD}&a=b"}},
    {"uses": "docker.exec", "with": {"name": "shop", "command": ["login", f"--key={PASSWORD}"]}},
    {"uses": "bash.run", "with": {"command": "echo ${{ item }}"}, "for_each": [f"a {PASSWORD}", "b"]},
    {"uses": "bash.run", "with": {"command": f"echo ${{{{ params.none ?? '{PASSWORD}' }}}}"}},
    {"uses": "probe.noop", "if": f"run.name != '{PASSWORD}'", "locks": [f"at-{PASSWORD}"], "name": PASSWORD},
    {"uses": "probe.noop", "with": {"value": f"$${{{{ {PASSWORD} }}}}"}},
    {"uses": "probe.noop", "with": {"value": f"${{{{ params.other }}}} {PASSWORD}"}},
]


def test_what_is_secret_in_one_place_is_sealed_in_all(inline: Inline) -> None:
    params = {"other": f"and {PASSWORD}", "none": ""}
    kept, template = recorded(
        inline, beside({"DB_PASSWORD": PASSWORD}, *REPEATING, params=params) | {"name": f"a {PASSWORD}"}
    )
    assert PASSWORD not in json.dumps([kept, template])
    assert resolved(template["plan"]["params"]) == params
    for number, given in enumerate(REPEATING):
        task = template["plan"]["tasks"][f"t{number}"]
        same = set(given) & {"uses", "with", "for_each", "if", "locks"}
        assert {key: resolved(task[key]) for key in same} == {key: given[key] for key in same}


def test_what_a_manifest_holds_encoded_is_sealed_where_it_stands_plainly(inline: Inline) -> None:
    given = plan(secret("data", p=ENCODED))
    given["tasks"]["b"] = {"uses": "bash.run", "with": {"command": f"echo {PASSWORD}"}}
    kept, _ = recorded(inline, given)
    assert resolved(kept["tasks"]["b"]["with"]["command"]) == f"echo {PASSWORD}"


def test_a_value_that_names_something_stays_where_it_does(inline: Inline) -> None:
    env = {"DB_PASSWORD": "wordpress", "TOKEN": "sHort1", "KEY_SECRET": "shopsecret"}
    given = beside(
        env,
        {"uses": "docker.run", "with": {"image": "wordpress:6", "name": "blog", "networks": {"wordpress": ["w"]}}},
        {"uses": "bash.run", "with": {"command": "echo wordpress sHort1 shopsecrets secret://env/shopsecret"}},
    )
    shown, about = inline.general.plan(Submission(plan=given))
    tasks = shown.full.tasks
    assert tasks["t0"].with_["image"] == "wordpress:6"
    assert tasks["t1"].with_["command"] == given["tasks"]["t1"]["with"]["command"]
    assert "wordpress" not in tasks["a"].with_["env"].values()
    assert any("1 secret value of the plan also names something" in text for text in about["warnings"])
