"""Gates, policy, thresholds and findings, from the command line and the API to the end of the run."""

from __future__ import annotations

import json

import pytest

from reign.client import Client
from reign.core.errors import Conflict
from tests.engines.installation import until
from tests.integration.surfaces.conftest import Up

EVIL = """\
name: late
tasks:
  say: {uses: probe.noop, with: {value: "evil words"}}
  write: {uses: probe.append, with: {ledger: ledger, line: "${{ tasks.say.result.value }}"}}
"""
THRESHOLD = """\
name: strict
fail_on: low
tasks:
  lint: {uses: validation.dockerfile, with: {path: strict/Dockerfile}}
  after: {uses: probe.noop, needs: [lint]}
"""


def test_a_gate_stops_what_it_guards(up: Up) -> None:
    (up.folder / "shop").mkdir()
    (up.folder / "shop" / "Dockerfile").write_text("FROM busybox:1.36\nCOPY . /app\n")
    key = "AKIA" + "Q3EGRIRVW7NBZ2XA"  # the shape of a key, and of nobody
    (up.folder / "shop" / "settings.py").write_text(f'AWS_ACCESS_KEY_ID = "{key}"\n')
    shown = up.json("plan", "build ./shop as shop:1")
    assert [task["uses"] for task in shown["tasks"]] == ["docker.build"]
    assert "gate" in up.reign("plan", "build ./shop as shop:1").stdout
    done = up.reign("run", "build ./shop as shop:1", "--yes")
    assert done.returncode == 1
    with Client(up.url) as client:
        tasks = client.run().tasks
        assert tasks["scan-build"].state == "failed"
        assert tasks["build"].state == "skipped"
        assert tasks["build"].attempts == 0
    found = up.json("findings", "@latest")
    leak = next(entry for entry in found if entry["task"] == "scan-build")
    assert leak["path"] == "shop/settings.py"
    assert key not in json.dumps(found)
    assert json.loads(up.reign("findings", "-o", "sarif").stdout)["runs"][0]["results"]

    told = up.reign("waive", leak["fingerprint"], "--why", "a key of nobody", "--until", "2999-01-01")
    assert told.returncode == 0, told.stderr
    with Client(up.url) as client:
        again = client.submit("build ./shop as shop:1", workdir=str(up.folder), approve="all")
        until(lambda: again.tasks["build"].attempts > 0)  # whether there is an engine that builds it is not asked here
        assert again.tasks["scan-build"].state == "succeeded"
        again.cancel().wait(30)
    (up.folder / ".reign-waivers.yaml").unlink()


def test_the_plans_threshold_stops_dependents(up: Up) -> None:
    (up.folder / "strict").mkdir()
    (up.folder / "strict" / "Dockerfile").write_text("FROM debian:latest\nRUN cd /tmp\n")
    (up.folder / "strict.yaml").write_text(THRESHOLD)
    assert up.reign("run", "strict.yaml", "--yes").returncode == 1
    with Client(up.url) as client:
        tasks = client.run().tasks
    assert (tasks["lint"].state, tasks["after"].state) == ("failed", "skipped")
    (up.folder / "strict.yaml").write_text(THRESHOLD.replace("low", "never"))
    assert up.reign("run", "strict.yaml", "--yes").returncode == 0


def test_a_policy_refuses_and_asks_before_the_run_and_in_it(up: Up) -> None:
    plan = {"name": "p", "tasks": {"a": {"uses": "probe.append", "with": {"ledger": "l", "line": "evil"}}}}
    (up.folder / "evil.json").write_text(json.dumps(plan))
    refused = up.reign("run", "evil.json", "--yes")
    assert refused.returncode == 4
    assert "it is evil (no-evil)" in refused.stderr
    (up.folder / "late.yaml").write_text(EVIL)
    late = up.reign("run", "late.yaml", "--yes", "--detach")
    assert late.returncode == 0, late.stderr
    with Client(up.url) as client:
        run = client.run()
        # What depends on a result is asked about first, even of who said yes to the whole plan ...
        until(lambda: run.tasks["write"].state == "awaiting_approval")
        assert "1 to approve" in up.reign("runs").stdout
        assert up.reign("approve", run.name, "write").returncode == 0
        # ... and refused for all that when the result is there.
        ended = run.wait(30)
        assert ended.state == "failed"
        assert "it is evil" in (ended.tasks["write"].error or {})["message"]
    assert not (up.folder / "ledger").exists()


def test_the_api_shows_what_the_command_line_shows(up: Up) -> None:
    container = {"image": "web:latest", "name": "web", "privileged": True}
    plan = {"name": "p", "tasks": {"run": {"uses": "docker.run", "with": container}}}
    with Client(up.url) as client:
        shown = client.plan(plan, environment="dev")
        with pytest.raises(Conflict, match="not the one that was shown"):
            client.submit(plan, pins={"gone": {"context": "dev"}})
        pinned = {"name": "p", "tasks": {"say": {"uses": "probe.noop"}}}
        said = client.submit(pinned, pins={"say": {"value": "as shown"}}).wait(30)
        assert said.result == {"say": {"value": "as shown"}}
    assert shown["findings"][0]["rule"] == "docker.privileged"
    assert shown["tasks"][0]["policy"]["decision"] == "ask"
    (up.folder / "p.json").write_text(json.dumps(plan))
    text = up.reign("plan", "p.json").stdout
    assert "critical" in text
    assert "docker.privileged" in text
