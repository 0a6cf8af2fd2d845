"""What of a container image is to be scanned: the text files of all its layers, and what its configuration says.

An image is read as ``docker save`` writes it, while it is written: a tar with a tar for each layer, in the layout of
OCI or in Docker's older one. A layer counts as it is: what a later one deletes or replaces is still in the image.
"""

from __future__ import annotations

import json
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import IO, Any, Protocol

from pathspec import GitIgnoreSpec

from workers.validation.secrets import tree
from workers.validation.secrets.tree import Skipped, TextFile

#: Where distributions, languages and their package managers put what others made: their tests and documents hold keys
#: that open nothing. After the built-in allow rules of Trivy's secret scanner.
EXCLUDE = (
    "/usr/share/*", "!/usr/share/nginx/", "/usr/include/", "/usr/lib/", "/usr/lib64/", "/lib/", "/lib64/",
    "/usr/local/share/", "/usr/local/lib/", "/usr/local/go/", "/usr/local/bundle/", "/usr/local/rustup/",
    "/usr/local/cargo/registry/", "/go/pkg/mod/", "/opt/yarn-v*/", "/opt/java/", "/opt/conda/pkgs/",
    "/root/.m2/repository/", "/var/lib/dpkg/", "/var/lib/apt/", "/var/lib/gems/", "/var/cache/", "/var/log/anaconda/",
    "/etc/ssl/certs/", "/etc/ssl/private/ssl-cert-snakeoil.key", "/etc/pki/ca-trust/", ".git/objects/", "node_modules/",
    "__pycache__/", ".venv/", "venv/", ".cache/", "site-packages/", "dist-packages/", ".wh.*",
)  # fmt: skip
_BLOCK = 512
_MAX_DOCUMENT = 8 << 20  # bytes of an image's configuration; Docker's own limit for it is 4 MiB
_COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ")  # gzip, bzip2, xz: what this Python can read
_MAGIC_AT = 257  # of "ustar" in the first block of a tar


class NotAnImage(ValueError):
    """What was read is no image, or is cut off."""


class Stream(Protocol):
    """Something that is read once, from its beginning to its end."""

    def read(self, size: int, /) -> bytes: ...


class Excluded:
    """Which files are left out: those that a pattern (as in .gitignore) matches, and all below a folder that one does.

    A layer holds tens of thousands of files, most of them below a few folders that are left out: each is asked once.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        self._spec = GitIgnoreSpec.from_lines(patterns)
        self._folders: dict[str, bool] = {"": False}

    def __call__(self, path: str) -> bool:
        return self._folder(path.rpartition("/")[0]) or self._spec.match_file(path)

    def _folder(self, path: str) -> bool:
        known = self._folders.get(path)
        if known is None:
            known = self._folder(path.rpartition("/")[0]) or self._spec.match_file(path + "/")
            self._folders[path] = known
        return known


def text_files(
    archive: Stream, excluded: Excluded, skipped: Skipped, pulse: Callable[[], None]
) -> Iterator[tuple[TextFile, str]]:
    """``(text, name)`` for each text file of a layer (paths from the image's root) and each part of a configuration.

    ``name`` is what the text is to be taken for: a list of variables for a file ``.env``. ``pulse`` is called for each
    member of a layer; what it raises ends the reading. Raises NotAnImage.
    """
    members = 0
    try:
        with tarfile.open(fileobj=_Whole(archive), mode="r|") as outer:  # type: ignore[call-overload]
            for member in outer:
                members += 1
                blob = outer.extractfile(member) if member.isreg() else None
                if blob is not None:
                    yield from _in_blob(member, blob, excluded, skipped, pulse)
    except (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        raise NotAnImage(str(error) or "it ends too early") from None
    if not members:
        raise NotAnImage("it is empty")


def _in_blob(
    member: tarfile.TarInfo, blob: IO[bytes], excluded: Excluded, skipped: Skipped, pulse: Callable[[], None]
) -> Iterator[tuple[TextFile, str]]:
    head = blob.read(_BLOCK)
    # A tar begins with the name of its first file, which may look like anything else.
    is_tar = head[_MAGIC_AT : _MAGIC_AT + 5] == b"ustar"
    if is_tar or head.startswith(_COMPRESSED):
        yield from ((file, file.path) for file in _in_layer(_Whole(blob, head), excluded, skipped, pulse))
    elif head.lstrip().startswith(b"{") and member.size <= _MAX_DOCUMENT:
        yield from _in_configuration(head + blob.read())
    elif member.size > _BLOCK:
        skipped.unreadable.append(member.name)


def _in_layer(layer: _Whole, excluded: Excluded, skipped: Skipped, pulse: Callable[[], None]) -> Iterator[TextFile]:
    with tarfile.open(fileobj=layer, mode="r|*") as files:  # type: ignore[call-overload]
        for member in files:
            pulse()
            path = member.name.removeprefix("./").lstrip("/")
            if member.isdir():
                continue
            if not member.isreg():
                skipped.links += 1
            elif excluded(path):
                skipped.ignored += 1
            else:
                content = files.extractfile(member)
                assert content is not None
                yield from tree.as_text(content.read(tree.MAX_FILE + 1), path, skipped)


def _in_configuration(document: bytes) -> Iterator[tuple[TextFile, str]]:
    try:
        read = json.loads(document)
    except ValueError:
        return
    if not isinstance(read, Mapping) or "rootfs" not in read:
        return  # an index, a manifest, an attestation
    config = read.get("config") or {}
    labels = config.get("Labels") or {}
    steps = [step.get("created_by") for step in read.get("history") or ()]
    commands = [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())]
    for path, name, lines in (
        ("(environment)", ".env", config.get("Env") or ()),
        ("(labels)", ".env", [f"{key}={value}" for key, value in labels.items()]),
        ("(command)", "command.sh", [" ".join(map(str, commands))] if commands else ()),
        ("(build history)", "Dockerfile", steps),
    ):
        if lines:
            yield TextFile(path, "\n".join(_on_one_line(line) for line in lines)), name


def _on_one_line(text: Any) -> str:
    return " ".join(str(text or "").splitlines())


class _Whole:
    """A stream whose ``read`` gives as much as is asked for, unless it ends, after what was already taken from it."""

    def __init__(self, stream: Stream, taken: bytes = b"") -> None:
        self._stream, self._taken = stream, taken

    def read(self, size: int) -> bytes:
        parts, self._taken = [self._taken[:size]], self._taken[size:]
        left = size - len(parts[0])
        while left > 0:
            part = self._stream.read(left)
            if not part:
                break
            parts.append(part)
            left -= len(part)
        return b"".join(parts)
