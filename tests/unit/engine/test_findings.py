"""Findings of a run, gathered from its plan, its results and its errors, as they stand in the state."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient

from reign.api.findings import findings_routes
from reign.config import Settings
from reign.core.findings import Finding, Severity
from reign.core.plan import Plan
from reign.engine import findings
from reign.engine.compile import compile_plan
from reign.engine.runtime import Runtime
from reign.store import runs, schema
from reign.store.jsontext import dump
from reign.store.runs import NewRun
from reign.store.tables import tasks

THRESHOLDS = {"scan": "medium", "lint": "low"}
FOUND = Finding(rule="aws-access-key", severity=Severity.CRITICAL, message="a key", path="a.env", line=3)


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    made = Runtime(Settings(data_dir=tmp_path))
    tmp_path.mkdir(exist_ok=True)
    schema.upgrade(made.database)
    yield made
    made.close()


def record(runtime: Runtime, **results: Any) -> str:
    plan = Plan.model_validate(
        {
            "name": "p",
            "tasks": {
                "run": {"uses": "docker.run", "with": {"image": "web:1", "name": "w", "privileged": True}},
                "scan": {"uses": "validation.scan_secrets", "with": {"path": "."}},
                "lint": {"uses": "validation.dockerfile", "with": {"path": ".", "fail_on": "low"}},
            },
        }
    )
    new = NewRun(
        name="calm-fox-1", plan=plan.as_file(), plan_name="p", digest=plan.digest, environment="dev", workdir="/",
        source="file", requested_by="me", on_failure="stop",
    )  # fmt: skip
    with runtime.database.write() as tx:
        record, _ = runs.insert(tx, new, compile_plan(plan, segment_limit=8, approvals={}), time.time())
        run_id = record.id
        for name, columns in results.items():
            stored = {column: dump(value) for column, value in columns.items()}
            tx.execute(sa.update(tasks).where(tasks.c.run_id == run_id, tasks.c.name == name).values(**stored))
    return new.name


def test_they_come_from_the_plan_the_results_and_the_errors(runtime: Runtime) -> None:
    entry = FOUND.model_dump(mode="json")
    name = record(
        runtime,
        lint={"result": {"findings": [{**entry, "rule": "DL3007"}, "no finding", {"rule": 1}]}},
        scan={"error": {"message": "x", "details": {"findings": [entry]}}},
    )
    with runtime.database.read() as tx:
        found = findings.of_run(tx, runs.find(tx, name))
    assert [(one["task"], one["rule"]) for one in found] == [
        ("run", "docker.privileged"),
        ("scan", "aws-access-key"),
        ("lint", "DL3007"),
    ]
    assert found[1]["fingerprint"] == FOUND.fingerprint
    assert found[1]["place"] == "a.env:3"


def test_the_api_has_them_even_of_operations_that_are_gone(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    name = record(runtime)

    def gone(*_: Any) -> Any:
        raise ValueError("asks for other inputs by now")

    monkeypatch.setattr(findings, "assess", gone)
    api = FastAPI()
    findings_routes(api, runtime)
    answer = TestClient(api).get(f"/runs/{name}/findings").json()
    assert answer == {"run": name, "findings": [], "thresholds": THRESHOLDS}


def test_a_file_is_named_from_the_plan_s_folder_on() -> None:
    plan = Plan.model_validate(
        {
            "name": "p",
            "tasks": {
                "file": {"uses": "validation.dockerfile", "with": {"path": "./shop/Dockerfile"}},
                "folder": {"uses": "validation.scan_secrets", "with": {"path": "/plans/shop"}},
                "all": {"uses": "validation.scan_secrets", "with": {"path": "."}},
                "later": {"uses": "validation.script", "with": {"path": "${{ tasks.file.result.x }}"}},
                "outside": {"uses": "validation.script", "with": {"path": "../x"}},
                "text": {"uses": "validation.script", "with": {"text": "ls"}},
            },
        }
    )
    found = FOUND.model_copy(update={"path": "Dockerfile"})
    named = {
        name: findings._placed(found, findings._looked_at(plan, name, Path("/plans"))).path
        for name in (*plan.tasks, "no such task")
    }
    assert named == {
        "file": "shop/Dockerfile",
        "folder": "shop/Dockerfile",
        "all": "Dockerfile",
        **dict.fromkeys(("later", "outside", "text", "no such task"), "Dockerfile"),
    }
    nowhere = FOUND.model_copy(update={"path": None})
    assert findings._placed(nowhere, PurePosixPath("shop")).path is None
