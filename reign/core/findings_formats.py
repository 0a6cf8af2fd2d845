"""Findings in the formats that other tools read: SARIF 2.1.0 (code hosts, editors) and JUnit XML (CI servers). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from reign.core.findings import Finding, Severity, Threshold

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVEL = {
    Severity.INFO: "note",
    Severity.LOW: "note",
    Severity.MEDIUM: "warning",
    Severity.HIGH: "error",
    Severity.CRITICAL: "error",
}
#: GitHub shows alerts by this number: https://docs.github.com/code-security (support for SARIF, security-severity).
_SCORE = {
    Severity.INFO: "0.0",
    Severity.LOW: "3.0",
    Severity.MEDIUM: "5.5",
    Severity.HIGH: "8.0",
    Severity.CRITICAL: "9.5",
}
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def sarif(findings: Iterable[Finding], version: str = "0", plan: str = "plan.yaml") -> dict[str, Any]:
    """A SARIF log with one run. ``version`` is that of REIGN. Waived findings are there, as suppressed.

    ``plan``: the file that a finding which stands in none is shown at. GitHub refuses a whole log if one result has no
    file (rule GH1001 of Microsoft's SARIF validator).
    """
    listed = list(findings)
    rules = list({finding.rule: finding for finding in reversed(listed)}.values())[::-1]
    index = {finding.rule: number for number, finding in enumerate(rules)}
    return {
        "$schema": SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "reign",
                        "semanticVersion": _semantic(version),
                        "rules": [_rule(finding) for finding in rules],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding, index[finding.rule], plan) for finding in listed],
            }
        ],
    }


def _rule(finding: Finding) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": finding.rule,
        "shortDescription": {"text": finding.message},
        "defaultConfiguration": {"level": _LEVEL[finding.severity]},
        "properties": {"security-severity": _SCORE[finding.severity]},
    }
    if finding.remedy:
        rule["help"] = {"text": finding.remedy}
    return rule


def _result(finding: Finding, rule: int, plan: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": rule,
        "level": _LEVEL[finding.severity],
        "message": {"text": _message(finding)},
        "locations": [_location(finding, plan)],
        "partialFingerprints": {"reign/v1": finding.fingerprint},
        "properties": {"severity": finding.severity.value},
    }
    if finding.waived:
        until = f" (until {finding.waived.until.isoformat()})" if finding.waived.until else ""
        result["suppressions"] = [{"kind": "external", "justification": finding.waived.reason + until}]
    return result


def _message(finding: Finding) -> str:
    if not finding.remedy:
        return finding.message
    end = "" if finding.message.endswith((".", "!", "?")) else "."
    return f"{finding.message}{end} {finding.remedy}"


def _location(finding: Finding, plan: str) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": quote(finding.path or plan)}}
    if finding.path is not None and finding.line is not None:
        region = {"startLine": finding.line}
        physical["region"] = region | ({"startColumn": finding.column} if finding.column else {})
    location: dict[str, Any] = {"physicalLocation": physical}
    if finding.path is None and finding.address is not None:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.address, "kind": "resource"}]
    return location


def _semantic(version: str) -> str:
    numbers = [*re.findall(r"\d+", version), "0", "0", "0"][:3]
    return ".".join(str(int(number)) for number in numbers)


def junit(
    checks: Iterable[tuple[str, Sequence[Finding]]],
    fail_on: Threshold = Threshold.HIGH,
    own: Mapping[str, Threshold] = MappingProxyType({}),
) -> str:
    """JUnit XML: a test suite for each check (name, findings), a test case for each finding.

    A finding at or above the threshold (``own``: of single checks) fails its case, a waived one is skipped, the others
    pass with the finding as their output. A check without findings is one case that passes. Nothing stands in it that
    Jenkins's schema (junit-10.xsd of its xUnit plugin, which refuses a whole file for one attribute) does not know.
    """
    root = ElementTree.Element("testsuites", name="reign")
    for name, findings in checks:
        suite = ElementTree.SubElement(root, "testsuite", name=_xml(name))
        for finding in findings:
            _case(suite, name, finding, own.get(name, fail_on))
        if not findings:
            ElementTree.SubElement(suite, "testcase", classname=_xml(name), name="nothing found")
        suite.set("tests", str(len(suite)))
        suite.set("failures", str(len(suite.findall("testcase/failure"))))
        suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
        suite.set("errors", "0")
    for total in ("tests", "failures", "errors"):
        root.set(total, str(sum(int(suite.get(total, "0")) for suite in root)))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ElementTree.Element, check: str, finding: Finding, fail_on: Threshold) -> None:
    # The fingerprint keeps two findings of a rule at one place apart, and a finding's history together.
    title = f"{finding.rule} {finding.place} {finding.fingerprint}".replace("  ", " ")
    case = ElementTree.SubElement(suite, "testcase", classname=_xml(check), name=_xml(title))
    text = _xml(f"{finding}\n{finding.remedy}" if finding.remedy else str(finding))
    if finding.waived:
        ElementTree.SubElement(case, "skipped", message=_xml(f"waived: {finding.waived.reason}"))
    elif fail_on.reached_by(finding.severity):
        failure = ElementTree.SubElement(case, "failure", message=_xml(finding.message), type=finding.severity.value)
        failure.text = text
    else:
        ElementTree.SubElement(case, "system-out").text = text


def _xml(text: str) -> str:
    """The text without the characters that XML cannot hold at all."""
    return _NOT_XML.sub("\ufffd", text)
