"""``reign waive``, ``waivers`` and ``findings``: a file beside the plan, and formats that other tools read."""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any, ClassVar
from xml.etree import ElementTree

import pytest

from reign.cli import findings, main
from reign.core.errors import InvalidInput
from reign.core.findings import EXPIRED, Finding, Severity, waive
from reign.core.waivers import WAIVERS_FILE, parse

ONE = Finding(rule="DL3007", severity=Severity.MEDIUM, message="latest [bold] is", path="Dockerfile", line=1)
BAD = Finding(rule="aws-access-key", severity=Severity.CRITICAL, message="a key", remedy="take it out", path="a.env")


class Served:
    """In the place of the client: what the API would answer."""

    found: tuple[tuple[str, Finding], ...] = (("lint", ONE), ("scan", BAD))
    thresholds: ClassVar[dict[str, str]] = {}

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def get(self, path: str) -> Any:
        assert path == "/runs/@latest/findings"
        found = [{"task": task, "uses": "x.y", **one.model_dump(mode="json")} for task, one in self.found]
        return {"findings": found, "thresholds": self.thresholds}


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(findings, "Client", Served)
    monkeypatch.setattr(findings.console, "width", 200)

    def reign(*argv: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["reign", *argv])
        with pytest.raises(SystemExit) as ended:
            main.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return reign


def test_a_waiver_is_made_shown_replaced_and_taken_back(run: Any) -> None:
    assert run("waivers")[1] == f"no waivers in {WAIVERS_FILE}\n"
    assert run("waive", ONE.fingerprint, "--why", "rebuilt every night", "--until", "2999-01-01")[0] == 0
    assert run("waive", "DL3*", "--why", "tools only", "--until", "2999-01-01", "--path", "tools/*")[0] == 0
    assert run("waive", ONE.fingerprint, "--why", "still rebuilt", "--until", "2999-02-01")[0] == 0
    known = parse(Path(WAIVERS_FILE).read_text())
    assert [(w.fingerprint, w.rule, w.path, w.reason) for w in known] == [
        (None, "DL3*", "tools/*", "tools only"),
        (ONE.fingerprint, None, None, "still rebuilt"),
    ]
    listed = json.loads(run("waivers", "-o", "json")[1])
    assert [entry["over"] for entry in listed] == [False, False]
    assert "still rebuilt" in run("waivers")[1]
    code, out, _ = run("waive", ONE.fingerprint, "--remove", "-o", "json")
    assert (code, json.loads(out)[0]["reason"]) == (0, "still rebuilt")
    assert len(parse(Path(WAIVERS_FILE).read_text())) == 1
    code, _, err = run("waive", "DL4*", "--remove")
    assert code == 5
    assert "did you mean 'DL3*'" in err


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["x"], "a reason and an end"),
        (["x", "--why", "because"], "a reason and an end"),
        (["x", "--why", "because", "--until", "soon"], "is no date"),
        (["x", "--why", "because", "--until", "2020-01-01"], "is over"),
        (["x", "--why", " a ", "--until", "2999-01-01"], "in words"),
    ],
)
def test_a_waiver_without_reason_or_end_is_none(run: Any, argv: list[str], said: str) -> None:
    code, _, err = run("waive", *argv)
    assert code == 2
    assert said in err


def test_a_file_that_is_none_is_said(run: Any) -> None:
    Path(WAIVERS_FILE).write_text("waivers: [")
    assert run("waivers")[0] == 2
    Path("folder").mkdir()
    assert run("waivers", "--file", "folder")[0] == 2
    code, _, err = run("waive", "x", "--why", "because", "--until", "2999-01-01", "--file", "no/such/file")
    assert code == 2
    assert "cannot be written" in err
    with pytest.raises(InvalidInput):
        parse("[1, 2]")
    with pytest.raises(InvalidInput):
        parse(b"\xff")


def test_findings_for_people(run: Any) -> None:
    code, out, _ = run("findings")
    assert code == 0
    assert "aws-access-key" in out
    assert "latest [bold] is" in out
    assert "1 critical, 1 medium" in out


def test_findings_for_programs(run: Any) -> None:
    run("waive", "DL3007", "--why", "rebuilt every night", "--until", "2999-01-01")
    entries = json.loads(run("findings", "-o", "json")[1])
    assert [(entry["task"], entry["rule"], bool(entry["waived"])) for entry in entries] == [
        ("lint", "DL3007", True),
        ("scan", "aws-access-key", False),
    ]
    log = json.loads(run("findings", "-o", "sarif")[1])
    assert log["version"] == "2.1.0"
    assert [result["ruleId"] for result in log["runs"][0]["results"]] == ["DL3007", "aws-access-key"]
    assert "suppressions" in log["runs"][0]["results"][0]
    root = ElementTree.fromstring(run("findings", "-o", "junit")[1])
    assert (root.get("tests"), root.get("failures"), len(root.findall(".//skipped"))) == ("2", "1", 1)


def test_a_waiver_names_something(run: Any) -> None:
    for nothing in ("", "  "):
        code, _, err = run("waive", nothing, "--why", "it is fine", "--until", "2999-01-01")
        assert code == 2
        assert "which finding" in err
    assert run("waivers")[1].startswith("no waivers")


def test_a_threshold_gives_an_exit_code(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("findings", "--fail-on", "critical")[0] == 1
    assert run("findings", "--fail-on", "critical", "-o", "json")[0] == 1
    run("waive", BAD.fingerprint, "--why", "revoked long ago", "--until", "2999-01-01")
    assert run("findings", "--fail-on", "critical")[0] == 0
    assert run("findings", "--fail-on", "medium")[0] == 1
    monkeypatch.setattr(Served, "found", ())
    assert run("findings", "--fail-on", "info")[1] == "nothing found\n"


def test_a_waiver_that_is_over_is_told_once(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [f"{{rule: 'DL3*', path: '{path}', reason: was known, until: 2020-01-01}}" for path in ("*", "a/*")]
    Path(WAIVERS_FILE).write_text(f"waivers: [{', '.join(entries)}]")
    other = ONE.model_copy(update={"rule": "DL3008", "line": 2, "fingerprint": "b" * 16})
    seen = waive([ONE, other], parse(Path(WAIVERS_FILE).read_text()), date(2021, 1, 1))  # as the check recorded them
    monkeypatch.setattr(Served, "found", tuple(("lint", finding) for finding in (*seen, *seen)))
    rules = [entry["rule"] for entry in json.loads(run("findings", "-o", "json")[1])]
    assert rules.count(EXPIRED) == 1


@pytest.mark.parametrize(("own", "failures"), [({}, "1"), ({"lint": "low"}, "2"), ({"scan": "never"}, "0")])
def test_junit_fails_what_failed_the_check(
    run: Any, monkeypatch: pytest.MonkeyPatch, own: dict[str, str], failures: str
) -> None:
    monkeypatch.setattr(Served, "thresholds", own)
    assert ElementTree.fromstring(run("findings", "-o", "junit")[1]).get("failures") == failures


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("waivers: 5", "the waivers are no list"),
        (
            "- {rule: a, reason: because, until: 2030-01-01}\n- {rule: b, until: 2030-01-01}",
            "waiver 2: `reason`: field",
        ),
        ("waivers: [{rule: a, reason: because, until: soon}]", "waiver 1: `until`: input should be a valid date"),
        ("waivers: [{reason: because, until: 2030-01-01}]", "waiver 1: a waiver names a `rule` or a `fingerprint`"),
        ("waivers: [{rule: a, reason: because, until: 2030-01-01, more: 1}]", "waiver 1: `more`: extra"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(text: str, said: str) -> None:
    with pytest.raises(InvalidInput) as told:
        parse(text)
    assert f"{WAIVERS_FILE}: {said}" in told.value.message
