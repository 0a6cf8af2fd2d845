"""A configuration as content: the root module's folder and the local modules that it uses, to be kept and laid out."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reign.core.errors import did_you_mean
from reign.executor import FailureKind, TaskFailed

#: Not part of a configuration: what version control, terraform itself and this agent keep beside it.
_NOT_CONTENT = frozenset(
    {".git", ".hg", ".svn", ".terraform", "terraform.tfstate.d", ".terraform.tfstate.lock.info", "crash.log"}
)
_STATE = re.compile(r"terraform\.tfstate(\..*)?|\.terraform\.tfstate.*")
#: Larger files are linked into the working copy and not kept for an undo.
LARGE = 16 * 1024 * 1024
#: What a configuration may hold in all (``max_configuration_mb``); kept content is bounded by the state's blobs.
LIMIT_MB = 50
LOCK_FILE = ".terraform.lock.hcl"
OVERRIDE = "zz_reign_override.tf.json"
_SUFFIXES = (".tf", ".tf.json", ".tofu", ".tofu.json")
_LOCAL_SOURCE = re.compile(r'(?m)^\s*source\s*=\s*"(\.\.?/[^"]*)"')
_BACKEND = re.compile(r'(?m)^\s*(?:backend\s+"([^"]+)"|(cloud))\s*\{')


def is_content(name: str) -> bool:
    """Whether a file or folder of that name belongs to a configuration."""
    return name not in _NOT_CONTENT and not _STATE.fullmatch(name) and name != OVERRIDE


def is_code(name: str) -> bool:
    """Whether terraform reads a file of that name as configuration or values by itself."""
    return name.endswith((*_SUFFIXES, ".auto.tfvars", ".auto.tfvars.json")) or name in (
        "terraform.tfvars",
        "terraform.tfvars.json",
        LOCK_FILE,
    )


@dataclass(frozen=True)
class File:
    content: bytes
    executable: bool = False


@dataclass
class Configuration:
    """Files and links by their absolute paths; ``folders`` are those that belong to it in full."""

    folders: tuple[str, ...]
    files: dict[str, File] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    large: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of all that it holds."""
        made = hashlib.sha256()
        for path, file in sorted(self.files.items()):
            made.update(f"{path}\0{file.executable}\0{len(file.content)}\0".encode() + file.content)
        made.update(json.dumps([sorted(self.links.items()), self.folders, self.large]).encode())
        return made.hexdigest()

    @property
    def code_digest(self) -> str:
        """The same of what terraform reads as configuration: what decides about providers and modules."""
        code = {path: file for path, file in self.files.items() if is_code(Path(path).name)}
        return Configuration(self.folders, code, self.links).digest

    def pack(self) -> bytes:
        """As a tar; the same content gives the same bytes."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
            _add(tar, "folders", json.dumps([self.folders, self.large]).encode(), False)
            for path, file in sorted(self.files.items()):
                _add(tar, "tree" + path, file.content, file.executable)
            for path, target in sorted(self.links.items()):
                member = tarfile.TarInfo("tree" + path)
                member.type, member.linkname = tarfile.SYMTYPE, target
                tar.addfile(member)
        return buffer.getvalue()

    @classmethod
    def unpack(cls, packed: bytes) -> Configuration:
        made = cls(())
        with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
            for member in tar:
                path = member.name.removeprefix("tree")
                if member.issym():
                    made.links[path] = member.linkname
                    continue
                stream = tar.extractfile(member)
                content = stream.read() if stream else b""
                if member.name == "folders":
                    folders, large = json.loads(content)
                    made.folders, made.large = tuple(folders), tuple(large)
                else:
                    made.files[path] = File(content, bool(member.mode & 0o100))
        return made

    def over(self, present: Configuration) -> Configuration:
        """This one's code with what lies beside the code at present (files that an apply wrote, for one)."""
        beside = {p: f for p, f in present.files.items() if not is_code(Path(p).name)}
        return Configuration(
            tuple(sorted({*self.folders, *present.folders})),
            beside | self.files,
            present.links | self.links,
            tuple(sorted({*self.large, *present.large})),
        )


def _add(tar: tarfile.TarFile, name: str, content: bytes, executable: bool) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o700 if executable else 0o600
    tar.addfile(member, io.BytesIO(content))


def read(directory: Path, options: Mapping[str, Any]) -> Configuration:
    """The configuration of a root module. Raises TaskFailed if there is none, or more than is to be copied."""
    if not directory.is_dir():
        beside = [p.name for p in directory.parent.iterdir() if p.is_dir()] if directory.parent.is_dir() else []
        raise TaskFailed(
            f"there is no folder {directory}",
            kind=FailureKind.WRONG_INPUT,
            hint=did_you_mean(directory.name, beside) or "give the folder that holds the .tf files",
        )
    if not any(path.name.endswith(_SUFFIXES) for path in directory.iterdir()):
        below = sorted({str(p.parent.relative_to(directory)) for p in directory.glob("*/*.tf")})
        raise TaskFailed(
            f"{directory} holds no terraform configuration",
            kind=FailureKind.WRONG_INPUT,
            hint=f"there is one in {', '.join(below[:3])}" if below else "give the folder that holds the .tf files",
        )
    limit = int(options.get("max_configuration_mb", LIMIT_MB)) * 1024 * 1024
    made = Configuration(())
    large: list[str] = []
    waiting, folders, size = [directory], list[Path](), 0
    while waiting:
        folder = waiting.pop()
        if any(folder == known or known in folder.parents for known in folders) or not folder.is_dir():
            continue
        folders.append(folder)
        for path in _walk(folder):
            if path.is_symlink():
                made.links[str(path)] = str(path.readlink())
            elif path.stat().st_size > LARGE:
                large.append(str(path))
            else:
                content = path.read_bytes()
                size += len(content)
                if size > limit:
                    raise _too_large(directory, limit)
                made.files[str(path)] = File(content, bool(path.stat().st_mode & 0o100))
                waiting += [_normal(path.parent / source) for source in _sources(path.name, content)]
    made.folders, made.large = tuple(sorted(map(str, folders))), tuple(sorted(large))
    return made


def _too_large(directory: Path, limit: int) -> TaskFailed:
    return TaskFailed(
        f"{directory} holds more than {limit // 1024 // 1024} MB, which would be copied for every task",
        kind=FailureKind.WRONG_INPUT,
        hint="keep data out of the configuration's folder, or raise agents.terraform.max_configuration_mb",
    )


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if not is_content(path.name):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)
        elif path.is_symlink() or path.is_file():
            yield path


def _normal(path: Path) -> Path:
    """Without ``..``, and without following links: terraform, too, goes by the text."""
    parts: list[str] = []
    for part in path.parts[1:]:
        if part == "..":
            parts[-1:] = []
        elif part != ".":
            parts.append(part)
    return Path("/", *parts)


def _sources(name: str, content: bytes) -> Iterable[str]:
    """Local modules that a file uses. Too many would do no harm, and one missed is still found through its link."""
    if name.endswith((".tf.json", ".tofu.json")):
        return re.findall(r'"source"\s*:\s*"(\.\.?/[^"]*)"', content.decode(errors="replace"))
    if name.endswith(_SUFFIXES):
        return _LOCAL_SOURCE.findall(content.decode(errors="replace"))
    return ()


def declared_backend(configuration: Configuration, directory: Path) -> str | None:
    """The backend type that the root module's text names, ``cloud``, or None. Comments may name one wrongly."""
    for path, file in sorted(configuration.files.items()):
        if Path(path).parent != directory or not path.endswith(_SUFFIXES):
            continue
        text = file.content.decode(errors="replace")
        if path.endswith(".json"):
            found = re.search(r'"backend"\s*:\s*\{\s*"([^"]+)"|"(cloud)"\s*:\s*\{', text)
        else:
            found = _BACKEND.search(text)
        if found:
            return str(found.group(1) or found.group(2))
    return None
