"""GitHub's material is fetched by npm, and its absence is told."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.fakes.github.corrections import corrected
from tests.fakes.github.description import DESCRIPTION_MEMBER, MaterialMissing, fetch, pinned_version

PACKAGE = "@octokit/openapi"
NPM = """#!/bin/sh
[ "$1 $2 $3 $4" = "pack --silent --ignore-scripts @octokit/openapi@1.2.3" ] || exit 9
cp "$TARBALL" octokit-openapi-1.2.3.tgz
"""


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing but /bin and an npm of ours, if a test puts one there."""
    folder = tmp_path / "tools"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/bin")
    return folder


def put_npm(tools: Path, script: str) -> None:
    (tools / "npm").write_text(script)
    (tools / "npm").chmod(0o755)


def test_only_what_is_wanted_is_unpacked(tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tarfile.open(tmp_path / "made.tgz", "w:gz") as archive:
        for name in (DESCRIPTION_MEMBER, "package/generated/api.github.com.deref.json"):
            member = tarfile.TarInfo(name)
            member.size = 2
            archive.addfile(member, io.BytesIO(b"{}"))
    monkeypatch.setenv("TARBALL", str(tmp_path / "made.tgz"))
    put_npm(tools, NPM)
    into = tmp_path / "cache" / "openapi"
    fetch(PACKAGE, "1.2.3", into)
    assert [str(path.relative_to(into)) for path in into.rglob("*.json")] == [DESCRIPTION_MEMBER]
    fetch(PACKAGE, "1.2.3", into)
    assert [path.name for path in into.parent.iterdir()] == ["openapi"]


def test_no_npm_and_a_failing_one_are_told_apart(tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tools))
    with pytest.raises(MaterialMissing, match="npm is not on PATH"):
        fetch(PACKAGE, "1.2.3", tmp_path / "cache")
    monkeypatch.setenv("PATH", f"{tools}:/bin")
    put_npm(tools, "#!/bin/sh\necho 'npm error 404' >&2\nexit 1\n")
    with pytest.raises(MaterialMissing, match=r"@octokit/openapi 1\.2\.3: npm pack failed: npm error 404"):
        fetch(PACKAGE, "1.2.3", tmp_path / "cache")


def test_versions_are_pinned_exactly() -> None:
    for package in (PACKAGE, "@octokit/fixtures"):
        assert all(part.isdigit() for part in pinned_version(package).split("."))


def test_a_correction_of_a_place_that_is_gone_fails() -> None:
    with pytest.raises(KeyError):
        corrected({"components": {"schemas": {}}, "paths": {}})


@pytest.mark.parametrize(("required", "outcome"), [("", "1 skipped"), ("docker, github", "1 error")])
def test_without_the_material_its_tests_skip_or_fail(required: str, outcome: str, tools: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "proper_answer"]
    done = subprocess.run(
        [*command, str(Path(__file__).with_name("test_openapi.py"))],
        env={**os.environ, "PATH": str(tools), "REIGN_TEST_CACHE": str(tmp_path / "none"), "REIGN_REQUIRE": required},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert outcome in done.stdout
    assert "npm" in done.stdout
