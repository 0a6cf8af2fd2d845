"""validation.scan_secrets over images: all layers as they are, the configuration, and what the docker command says."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from reign.core.findings import Severity
from reign.executor import Cancelled, FailureKind, TaskFailed
from reign.executor.scope import Scope
from reign.executor.testing import make_context, run_operation
from tests.unit.workers.validation.keys import AWS, GITHUB, LINES
from workers.validation import ScanSecrets, saving
from workers.validation.secrets import image, tree

PASSWORD = "k7Rw-2pQz9!vLm4"


def packed(files: dict[str, bytes | str | None]) -> bytes:
    """A tar; None is a folder, and a text that begins with "-> " a link."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            if content is None:
                member.type = tarfile.DIRTYPE
            elif isinstance(content, str) and content.startswith("-> "):
                member.type, member.linkname = tarfile.SYMTYPE, content[3:]
            body = content.encode() if isinstance(content, str) else content or b""
            member.size = len(body) if member.isreg() else 0
            archive.addfile(member, io.BytesIO(body))
    return made.getvalue()


def saved(*layers: dict[str, bytes | str | None], squeeze: bool = False, **config: Any) -> bytes:
    """An image as the engine writes it out."""
    document = {"architecture": "amd64", "rootfs": {"type": "layers"}, "config": config, "history": []}
    document["history"] = config.pop("history", [])
    files: dict[str, bytes | str | None] = {"blobs/": None, "blobs/sha256/c0": json.dumps(document)}
    for number, layer in enumerate(layers):
        files[f"blobs/sha256/{number}"] = gzip.compress(packed(layer)) if squeeze else packed(layer)
    return packed(
        files | {"manifest.json": '[{"Config": "blobs/sha256/c0"}]', "oci-layout": '{"imageLayoutVersion": "1"}'}
    )


class Engine:
    """A docker command that writes out what it is told to, and notes how it was called."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.program = folder, folder / "docker"
        self.answer(b"")

    def answer(self, archive: bytes, said: str = "", code: int = 0) -> None:
        (self.folder / "archive").write_bytes(archive)
        (self.folder / "said").write_text(said)
        self.program.write_text(
            f'#!/bin/sh\ncd {self.folder}\necho "$@" >called\nenv >env\ncat archive\ncat said >&2\nexit {code}\n'
        )
        self.program.chmod(0o755)

    @property
    def called(self) -> str:
        return (self.folder / "called").read_text().strip()


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    folder = tmp_path / "engine"
    folder.mkdir()
    return Engine(folder)


def scan(
    engine: Engine, name: str = "app:1", options: dict[str, Any] | None = None, **inputs: Any
) -> ScanSecrets.Result:
    work = engine.folder / "work"
    work.mkdir(exist_ok=True)
    context = make_context(engine.folder, workdir=work, options={"docker": str(engine.program), **(options or {})})
    given = ScanSecrets.Inputs.model_validate({"image": name, **inputs})
    result = run_operation(ScanSecrets(), context, given)
    assert isinstance(result, ScanSecrets.Result)
    return result


def failure(engine: Engine, name: str = "app:1", **inputs: Any) -> TaskFailed:
    with pytest.raises(TaskFailed) as caught:
        scan(engine, name, **inputs)
    return caught.value


def places(engine: Engine, **inputs: Any) -> list[str]:
    return sorted(finding.place for finding in scan(engine, fail_on="never", **inputs).findings)


def test_an_image_without_secrets_passes(engine: Engine) -> None:
    engine.answer(saved({"app/": None, "app/main.py": "print('hello')\n", "bin/sh": b"\x7fELF\0", "lib": "-> usr/lib"}))
    result = scan(engine)
    assert (result.files, result.findings) == (1, [])
    assert result.skipped == {"binary": 1, "links": 1, "ignored": 0}
    assert engine.called == "save -- app:1"


@pytest.mark.parametrize("squeeze", [False, True])
def test_a_layer_counts_though_a_later_one_deletes_the_file(engine: Engine, squeeze: bool) -> None:
    layers = ({"app/.env": f"AWS={AWS}\n"}, {"app/.wh..env": "", "./srv/key": LINES["github-token"]})
    engine.answer(saved(*layers, squeeze=squeeze))
    failed = failure(engine, fail_on="high")
    assert failed.kind is FailureKind.CHECK_FAILED
    assert failed.message == "image app:1: AWS access key id at app/.env:1:5 (and 1 more)"
    assert failed.hint is not None
    assert "a later layer does not take it out" in failed.hint
    assert sorted(found["place"] for found in failed.details["findings"]) == ["app/.env:1:5", "srv/key:1:16"]
    assert AWS not in json.dumps(failed.details)


def test_a_file_that_two_layers_hold_is_told_once(engine: Engine) -> None:
    engine.answer(saved({"app/.env": f"AWS={AWS}\n"}, {"app/.env": f"AWS={AWS}\nMODE=prod\n"}))
    assert places(engine) == ["app/.env:1:5"]


def test_variables_labels_commands_and_build_arguments_are_looked_at(engine: Engine) -> None:
    engine.answer(
        saved(
            Env=["PATH=/bin", f"DB_PASSWORD={PASSWORD}"],
            Labels={"a": "b", "token": GITHUB},
            Entrypoint=["serve"],
            Cmd=[f"--password={PASSWORD}"],
            history=[{"created_by": "COPY . ."}, {"created_by": f"RUN |1 TOKEN={GITHUB} /bin/sh -c make\nall"}, {}],
        )
    )
    assert places(engine) == [
        "(build history):2:14", "(command):1:18", "(environment):2:13", "(labels):2:7",
    ]  # fmt: skip


def test_what_distributions_bring_is_left_out_unless_asked_for(engine: Engine) -> None:
    files = dict.fromkeys(
        ("usr/lib/python3/test/keycert.pem", "opt/app/site-packages/x.py", "etc/app.conf"), f"x={AWS}"
    )
    engine.answer(saved(files))
    assert places(engine) == ["etc/app.conf:1:3"]
    assert len(places(engine, exclude=["/etc/"])) == 2


@pytest.mark.parametrize(
    ("path", "left_out"),
    [
        ("usr/lib/a/b", True), ("usr/libexec/a", False), ("opt/usr/lib/a", False), ("a/site-packages/b/c", True),
        ("lib", False), ("deep/a.log", True), ("deep/keep.log", False), ("made/keep.log", True), ("a/.wh.b", True),
        ("app/.git/config", False), ("usr/share/nginx/html/.env", False), ("usr/share/perl/a", True),
    ],
)  # fmt: skip
def test_what_is_left_out(path: str, left_out: bool) -> None:
    excluded = image.Excluded((*image.EXCLUDE, "*.log", "!keep.log", "made/"))
    assert [excluded(path), excluded(path)] == [left_out, left_out]


def test_a_baseline_counts_where_it_is_named(engine: Engine) -> None:
    engine.answer(saved({"app/.env": f"AWS={AWS}\n"}))
    known = [{"hashed_secret": hashlib.sha1(AWS.encode()).hexdigest(), "line_number": 1}]
    (engine.folder / "work").mkdir()
    (engine.folder / "work" / "known.json").write_text(json.dumps({"results": {"app/.env": known}}))
    [found] = scan(engine, baseline="known.json").findings
    assert found.waived is not None


def test_too_much_ends_the_scan(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.validation.scan_secrets.MAX_FINDINGS", 2)
    engine.answer(saved({f"{number}.txt": f"{AWS}\n" for number in range(50)}))
    rules = [finding.rule for finding in scan(engine, fail_on="never").findings]
    assert sorted(rules) == ["aws-access-key", "aws-access-key", "scan-stopped"]


def test_what_cannot_be_read_is_told(engine: Engine) -> None:
    engine.answer(packed({"blobs/sha256/z": b"\x28\xb5\x2f\xfd" + b"x" * 600, "VERSION": "1.0", "broken": "{" * 9}))
    [found] = scan(engine).findings
    assert (found.rule, found.path, found.severity) == ("scan-unreadable", "blobs/sha256/z", Severity.LOW)


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        ("Error response from daemon: No such image: app:1", FailureKind.WRONG_INPUT, "there is no image app:1"),
        ("Error response from daemon: reference does not exist", FailureKind.WRONG_INPUT, "there is no image app:1"),
        ("Cannot connect to the Docker daemon at unix:///x.", FailureKind.MISSING_PREREQUISITE, "reaches no engine"),
        ("write /dev/stdout: no space left on device", FailureKind.UNKNOWN, "no space left on device"),
        ("", FailureKind.UNKNOWN, "it says nothing"),
    ],
)
def test_what_the_docker_command_objects_to(engine: Engine, said: str, kind: FailureKind, words: str) -> None:
    for archive in (b"", saved({"a": "b"})):
        engine.answer(archive, said, 1)
        failed = failure(engine)
        assert failed.kind is kind
        assert words in failed.message


@pytest.mark.parametrize("archive", [b"", b"no archive at all", saved({"a": "b" * 5000})[:4000]])
def test_what_is_no_image_is_said(engine: Engine, archive: bytes) -> None:
    engine.answer(archive)
    assert failure(engine).message.startswith("image app:1 cannot be read: ")


def test_damaged_layers_are_said() -> None:
    broken = gzip.compress(packed({"a": "b" * 5000}))
    for layer in (broken[:40], broken[:12] + b"\xff" * 40):
        with pytest.raises(image.NotAnImage):
            list(image.text_files(io.BytesIO(packed({"l": layer})), image.Excluded(()), tree.Skipped(), lambda: None))


def test_without_a_docker_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TaskFailed) as caught:
        run_operation(ScanSecrets(), make_context(tmp_path), ScanSecrets.Inputs(image="app:1"))
    assert caught.value.kind is FailureKind.MISSING_PREREQUISITE
    assert caught.value.hint is not None
    assert "the folder that the image was built from" in caught.value.hint


def test_which_engine_is_asked(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.answer(saved({"a": "b"}))
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    scan(engine)
    seen = (engine.folder / "env").read_text()
    assert "DOCKER_HOST=tcp://127.0.0.1:1" in seen
    assert "AWS_SECRET" not in seen
    scan(engine, options={"docker_context": "far"})
    assert engine.called == "--context far save -- app:1"
    assert "DOCKER_HOST" not in (engine.folder / "env").read_text()
    scan(engine, options={"docker_host": "unix:///x.sock"})
    assert engine.called == "--host unix:///x.sock save -- app:1"


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("app", "app:latest"),
        ("localhost:5000/app", "localhost:5000/app:latest"),
        ("localhost:5000/app:1", "localhost:5000/app:1"),
        ("app@sha256:" + "a" * 64, "app@sha256:" + "a" * 64),
        ("a" * 64, "a" * 64),
    ],
)
def test_a_name_without_a_tag_means_latest(given: str, wanted: str) -> None:
    assert saving.tagged(given) == wanted


@pytest.mark.parametrize("inputs", [{"image": "--all"}, {"image": "a b"}, {"image": "a", "path": "b"}])
def test_what_names_no_image_is_refused(inputs: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="image|one of"):
        ScanSecrets.Inputs.model_validate(inputs)


def test_it_ends_at_once_when_cancelled(engine: Engine) -> None:
    engine.answer(saved(*({f"{number}": "x\n" * 1000} for number in range(20))))
    context = make_context(engine.folder, options={"docker": str(engine.program)})
    context.cancelled.set()
    with pytest.raises(Cancelled):
        run_operation(ScanSecrets(), context, ScanSecrets.Inputs(image="app:1"))


def test_a_rehearsal_scans_its_own_image(tmp_path: Path) -> None:
    scope = Scope("try", tmp_path, tmp_path)
    mine = scope.own("image", "app:1")
    assert ScanSecrets().rehearsed({"image": "app:1"}, scope) == {"image": mine}
    assert ScanSecrets().rehearsed({"image": "other:1"}, scope) == {"image": "other:1"}
    assert ScanSecrets().rehearsed({"path": "."}, scope) == {"path": "."}
