"""validation.scan_secrets over folders: what is read, ignored, known and waived."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reign.executor import Cancelled, FailureKind, TaskFailed
from reign.executor.testing import make_context, run_operation
from tests.unit.workers.validation.keys import AWS, GITHUB, LINES
from workers.validation import ScanSecrets
from workers.validation.secrets import tree


def scan(folder: Path, **inputs: Any) -> ScanSecrets.Result:
    given = {"path": ".", **inputs} if "text" not in inputs else inputs
    work = folder / "work"
    work.mkdir(exist_ok=True)
    context = make_context(folder, workdir=work)
    result = run_operation(ScanSecrets(), context, ScanSecrets.Inputs.model_validate(given))
    assert isinstance(result, ScanSecrets.Result)
    return result


def failure(folder: Path, **inputs: Any) -> TaskFailed:
    with pytest.raises(TaskFailed) as caught:
        scan(folder, **inputs)
    return caught.value


def places(folder: Path, **inputs: Any) -> list[str]:
    return sorted(finding.place for finding in scan(folder, fail_on="never", **inputs).findings)


def put(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / "work" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_a_clean_folder_passes(tmp_path: Path) -> None:
    put(tmp_path, "app.py", "print('hello')\n")
    put(tmp_path, "logo.png", b"\x89PNG\0\0")
    result = scan(tmp_path)
    assert result.files == 1
    assert result.summary == "nothing found"
    assert result.skipped == {"binary": 1, "links": 0, "ignored": 0}


def test_a_secret_fails_the_task_and_says_where(tmp_path: Path) -> None:
    put(tmp_path, "src/settings.py", f"\nKEY = '{AWS}'\n")
    failed = failure(tmp_path)
    assert failed.kind is FailureKind.CHECK_FAILED
    assert not failed.retryable
    assert failed.message == ".: AWS access key id at src/settings.py:2:8"
    assert failed.hint is not None
    assert "revoke" in failed.hint
    finding = failed.details["findings"][0]
    assert (finding["path"], finding["line"], finding["severity"]) == ("src/settings.py", 2, "critical")
    assert AWS not in json.dumps(failed.as_dict())


def test_the_threshold_decides(tmp_path: Path) -> None:
    put(tmp_path, "a.py", LINES["high-entropy"])
    assert failure(tmp_path).kind is FailureKind.CHECK_FAILED
    assert len(scan(tmp_path, fail_on="high").findings) == 1


def test_a_text_is_scanned_like_a_file_of_its_name(tmp_path: Path) -> None:
    assert failure(tmp_path, text=LINES["assigned-secret"], filename=".env").details["counts"] == {"high": 1}
    assert scan(tmp_path, text="hello").files == 0


def test_ignored_files_are_left_out_unless_asked_for(tmp_path: Path) -> None:
    put(tmp_path, ".gitignore", "*.local\n/build/\n!keep.local\n")
    for name in ("a.local", "keep.local", "build/x.py", "src/build/y.py", "sub/b.local"):
        put(tmp_path, name, f"key = '{AWS}'")
    put(tmp_path, "sub/.gitignore", "c.py\n")
    put(tmp_path, "sub/c.py", f"key = '{AWS}'")
    assert places(tmp_path) == ["keep.local:1:8", "src/build/y.py:1:8"]
    everything = places(tmp_path, include_ignored=True)
    assert {place.partition(":")[0] for place in everything} == {
        "a.local", "keep.local", "build/x.py", "src/build/y.py", "sub/b.local", "sub/c.py",
    }  # fmt: skip


def test_an_inner_exception_brings_a_file_back(tmp_path: Path) -> None:
    put(tmp_path, ".gitignore", "*.env\n")
    put(tmp_path, "a/.gitignore", "!b.env\n")
    put(tmp_path, "a/b.env", f"K={AWS}")
    put(tmp_path, "c.env", f"K={AWS}")
    assert places(tmp_path) == ["a/b.env:1:3"]


def test_a_build_context_is_what_dockerignore_lets_through(tmp_path: Path) -> None:
    put(tmp_path, ".gitignore", ".env\n")
    put(tmp_path, ".dockerignore", "# no docs\ndocs\n*.md\n!docs/keep.txt\n./tmp/\n")
    for name in (".env", "docs/a.txt", "docs/keep.txt", "README.md", "sub/README.md", "tmp/x", "sub/docs/b.txt"):
        put(tmp_path, name, f"K={AWS}")
    found = places(tmp_path, ignore_files=[".dockerignore"])
    assert {place.partition(":")[0] for place in found} == {
        ".env", "docs/keep.txt", "sub/README.md", "sub/docs/b.txt",
    }  # fmt: skip


def test_what_tools_fetch_is_excluded_by_default(tmp_path: Path) -> None:
    put(tmp_path, "node_modules/x/a.js", f"'{AWS}'")
    put(tmp_path, "sub/.git/config", f"'{AWS}'")
    assert places(tmp_path) == []
    assert places(tmp_path, exclude=["*.md"]) == ["node_modules/x/a.js:1:2", "sub/.git/config:1:2"]


def test_links_are_not_followed_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.env").write_text(f"K={AWS}")
    put(tmp_path, "a.txt", "hello")
    (tmp_path / "work" / "link").symlink_to(tmp_path / "outside")
    (tmp_path / "work" / "file.env").symlink_to(tmp_path / "outside" / "secret.env")
    result = scan(tmp_path)
    assert result.findings == []
    assert result.skipped["links"] == 2


def test_pipes_and_unreadable_files_do_not_stop_it(tmp_path: Path) -> None:
    put(tmp_path, "a.txt", "hello")
    os.mkfifo(tmp_path / "work" / "pipe")
    locked = put(tmp_path, "locked.txt", "hello")
    locked.chmod(0)
    result = scan(tmp_path)
    if os.geteuid() != 0:
        assert [finding.rule for finding in result.findings] == ["scan-unreadable"]
    assert result.files >= 1


def test_a_file_exchanged_for_a_pipe_or_link_is_told(tmp_path: Path) -> None:
    skipped = tree.Skipped()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/etc/hostname")
    assert list(tree._read(tmp_path / "pipe", "pipe", skipped)) == []
    assert list(tree._read(tmp_path / "link", "link", skipped)) == []
    assert skipped.unreadable == ["pipe", "link"]


def test_a_folder_that_cannot_be_listed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    skipped = tree.Skipped()
    assert list(tree.text_files(tmp_path, (), (), skipped)) == []
    assert skipped.unreadable == ["."]


def test_a_large_file_is_read_in_part(tmp_path: Path) -> None:
    put(tmp_path, "data.txt", f"K={AWS}\n" + "x = 1\n" * (tree.MAX_FILE // 6 + 1000) + f"K={GITHUB}\n")
    findings = scan(tmp_path, fail_on="never").findings
    assert [finding.rule for finding in findings] == ["aws-access-key", "scan-partial"]


def test_utf16_is_read(tmp_path: Path) -> None:
    put(tmp_path, "a.ps1", f"$key = '{AWS}'".encode("utf-16"))
    assert failure(tmp_path).details["counts"] == {"critical": 1}


def test_a_single_file_is_scanned_whatever_its_name(tmp_path: Path) -> None:
    put(tmp_path, "app.lock", f"K={AWS}")
    assert "app.lock:1:3" in failure(tmp_path, path="app.lock").message


def test_nothing_there_is_said(tmp_path: Path) -> None:
    failed = failure(tmp_path, path="nowhere")
    assert failed.kind is FailureKind.WRONG_INPUT
    assert failed.message == "nowhere is not there"


def test_a_baseline_of_detect_secrets_is_honoured(tmp_path: Path) -> None:
    put(tmp_path, "a.env", f"{LINES['assigned-secret']}\n")
    assert failure(tmp_path).kind is FailureKind.CHECK_FAILED
    program = Path(sys.executable).with_name("detect-secrets")
    put(tmp_path, "b.json", '{"password": "9f!kQ2-vv8Lm"}')
    made = subprocess.run(
        [program, "scan", "--all-files", "b.json"], cwd=tmp_path / "work", capture_output=True, text=True, check=True
    )
    assert json.loads(made.stdout)["results"]
    (tmp_path / "work" / "a.env").unlink()
    put(tmp_path, ".secrets.baseline", made.stdout)
    result = scan(tmp_path)
    assert [finding.waived and finding.waived.reason for finding in result.findings] == ["known in .secrets.baseline"]
    audited = json.loads(made.stdout)
    audited["results"]["b.json"][0]["is_secret"] = True
    put(tmp_path, "known.json", json.dumps(audited))
    assert failure(tmp_path, baseline="known.json").kind is FailureKind.CHECK_FAILED


@pytest.mark.parametrize("content", ["[]", "{", '{"results": {"a": 3}}', None])
def test_a_baseline_that_is_none_is_said(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        put(tmp_path, "known.json", content)
    failed = failure(tmp_path, baseline="known.json")
    assert failed.kind is FailureKind.WRONG_INPUT
    assert "known.json" in failed.message


def test_waivers_beside_the_code_count_till_their_date(tmp_path: Path) -> None:
    put(tmp_path, "tests/data.env", f"K={AWS}")
    valid = "- {rule: aws-access-key, path: 'tests/*', reason: made up for tests, until: 2999-01-01}\n"
    put(tmp_path, ".reign-waivers.yaml", valid)
    waived = scan(tmp_path).findings[0].waived
    assert waived is not None
    assert waived.reason == "made up for tests"
    put(tmp_path, ".reign-waivers.yaml", "waivers:\n" + valid.replace("2999", "2020"))
    failed = failure(tmp_path)
    assert [finding["rule"] for finding in failed.details["findings"]] == ["aws-access-key", "waiver-expired"]


@pytest.mark.parametrize("path", ["shop", "shop/a.env"])
def test_a_waiver_names_a_file_from_the_plan_s_folder_on(tmp_path: Path, path: str) -> None:
    put(tmp_path, "shop/a.env", f"KEY={AWS}\n")
    for pattern, counts in (("shop/*", True), ("a.env", True), ("other/*", False)):
        rule = f"- {{rule: aws-*, path: '{pattern}', reason: made up, until: 2999-01-01}}\n"
        put(tmp_path, ".reign-waivers.yaml", rule)
        assert (scan(tmp_path, path=path, fail_on="never").findings[0].waived is not None) is counts


def test_waivers_of_the_work_folder_count_below_it(tmp_path: Path) -> None:
    put(tmp_path, "deep/down/data.env", f"K={AWS}")
    put(tmp_path, ".reign-waivers.yaml", "- {rule: aws-*, reason: made up, until: 2999-01-01}\n")
    assert scan(tmp_path, path="deep/down").summary == "1 waived"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("- {rule: x, reason: because}", "waiver 1: `until`: field required"),
        ("- {reason: because, until: 2999-01-01}", "names a `rule`"),
        ("- [", "flow"),
        ("3", "the waivers are no list"),
    ],
)
def test_wrong_waivers_are_said(tmp_path: Path, content: str, said: str) -> None:
    put(tmp_path, "a.txt", "hello")
    put(tmp_path, ".reign-waivers.yaml", content)
    failed = failure(tmp_path)
    assert failed.kind is FailureKind.WRONG_INPUT
    assert said in failed.message


def test_too_many_findings_end_the_scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.validation.scan_secrets.MAX_FINDINGS", 3)
    put(tmp_path, "a.env", f"K={AWS}\n" * 5)
    put(tmp_path, "b.env", f"K={AWS}\n" * 5)
    failed = failure(tmp_path)
    rules = {finding["rule"] for finding in failed.details["findings"]}
    assert rules == {"aws-access-key", "scan-stopped"}
    assert {finding["path"] for finding in failed.details["findings"]} == {"a.env"}
    marks = [finding["fingerprint"] for finding in failed.details["findings"]]
    assert len(set(marks)) == len(marks)


def test_it_ends_at_once_when_cancelled(tmp_path: Path) -> None:
    put(tmp_path, "a.txt", "hello\n" * 10)
    context = make_context(tmp_path, workdir=tmp_path / "work")
    context.cancelled.set()
    with pytest.raises(Cancelled):
        run_operation(ScanSecrets(), context, ScanSecrets.Inputs.model_validate({"path": "."}))


def test_it_reports_where_it_is(tmp_path: Path) -> None:
    for number in range(401):
        put(tmp_path, f"{number}.txt", "hello")
    context = make_context(tmp_path, workdir=tmp_path / "work")
    run_operation(ScanSecrets(), context, ScanSecrets.Inputs.model_validate({"path": "."}))
    assert [report["message"].partition(",")[0] for report in context.reports] == [
        "200 files",
        "400 files",
        "401 files",
    ]


@pytest.mark.parametrize("inputs", [{}, {"path": "a", "text": "b"}])
def test_it_takes_a_path_or_a_text(inputs: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="one of `path`, `text` and `image`"):
        ScanSecrets.Inputs.model_validate(inputs)
