"""Where file operations may act: below the allowed roots, reached folder by folder without following a link."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reign.executor import Context, FailureKind, TaskFailed
from workers.bash.hidden import hidden_places
from workers.bash.sandbox import private_places

_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Place:
    """A path below an allowed root; ``parts`` are the names from the root to it."""

    root: Path
    parts: tuple[str, ...]

    @property
    def path(self) -> Path:
        return self.root.joinpath(*self.parts)

    @property
    def name(self) -> str:
        return self.parts[-1]

    @property
    def resource(self) -> str:
        return f"bash:file/{self.path}"

    def missing(self) -> list[str]:
        """The folders on the way that are not there, outermost first. Raises TaskFailed for a link on the way."""
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(_opened(os.open(self.root, _OPEN_FOLDER)))
            for depth, part in enumerate(self.parts[:-1]):
                step = self._step(folder, depth)
                if step is None:
                    return [str(self.root.joinpath(*self.parts[:n])) for n in range(depth + 1, len(self.parts))]
                folder = stack.enter_context(_opened(step))
                del part
        return []

    @contextlib.contextmanager
    def folder(self, *, create: bool = False) -> Iterator[int]:
        """A descriptor of the folder that it lies in. Raises FileNotFoundError, or TaskFailed for a link on the way."""
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(_opened(os.open(self.root, _OPEN_FOLDER)))
            for depth, part in enumerate(self.parts[:-1]):
                if create:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(part, dir_fd=folder)
                step = self._step(folder, depth)
                if step is None:
                    raise FileNotFoundError(str(self.root.joinpath(*self.parts[: depth + 1])))
                folder = stack.enter_context(_opened(step))
            yield folder

    def _step(self, folder: int, depth: int) -> int | None:
        try:
            return os.open(self.parts[depth], _OPEN_FOLDER, dir_fd=folder)
        except FileNotFoundError:
            return None
        except NotADirectoryError:
            there = self.root.joinpath(*self.parts[: depth + 1])
            link = stat.S_ISLNK(os.lstat(self.parts[depth], dir_fd=folder).st_mode)
            raise TaskFailed(
                f"{there} is a symbolic link, and links are not followed" if link else f"{there} is no folder",
                kind=FailureKind.PERMISSION if link else FailureKind.WRONG_INPUT,
                hint="name the place that it points to" if link else None,
            ) from None

    def status(self) -> os.stat_result | None:
        """What lies there (the link itself, if it is one); None if nothing does."""
        try:
            with self.folder() as folder:
                return os.stat(self.name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def chunks(self) -> Iterator[bytes]:
        """The content of the regular file there. Raises FileNotFoundError, TaskFailed."""
        with self.folder() as folder, _opened(self._open(folder)) as handle:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise TaskFailed(f"{self.path} is no ordinary file", kind=FailureKind.WRONG_INPUT)
            while data := os.read(handle, _CHUNK):
                yield data

    def _open(self, folder: int) -> int:
        try:
            return os.open(self.name, _OPEN_FILE, dir_fd=folder)
        except OSError as error:
            if isinstance(error, FileNotFoundError):
                raise
            raise TaskFailed(f"{self.path} cannot be read: {error.strerror}", kind=FailureKind.PERMISSION) from None

    def replace(self, content: Iterator[bytes], *, mode: int | None, owner: tuple[int, int] | None) -> None:
        """Put a file there whole or not at all, and on the disk before this returns.

        ``mode`` None: as new files get it. Makes folders on the way. Raises TaskFailed.
        """
        draft = f".{self.name[:200]}.{secrets.token_hex(6)}"
        with in_words(self.path), self.folder(create=True) as folder:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with _opened(os.open(draft, flags, 0o666 if mode is None else 0o600, dir_fd=folder)) as handle:
                try:
                    for data in content:
                        _write_all(handle, data)
                    made = os.fstat(handle)
                    if owner and owner != (made.st_uid, made.st_gid):
                        os.fchown(handle, *owner)
                    if mode is not None:
                        os.fchmod(handle, mode)
                    os.fsync(handle)
                    os.rename(draft, self.name, src_dir_fd=folder, dst_dir_fd=folder)
                except BaseException:
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(draft, dir_fd=folder)
                    raise
            os.fsync(folder)

    def set_mode(self, mode: int, owner: tuple[int, int]) -> None:
        """Mode and owner of the file there. Raises TaskFailed."""
        with in_words(self.path), self.folder() as folder, _opened(self._open(folder)) as handle:
            status = os.fstat(handle)
            if owner != (status.st_uid, status.st_gid):
                os.fchown(handle, *owner)
            os.fchmod(handle, mode)

    def remove(self) -> None:
        """Take the file away; nothing happens if there is none. Raises TaskFailed."""
        with in_words(self.path), contextlib.suppress(FileNotFoundError), self.folder() as folder:
            os.unlink(self.name, dir_fd=folder)
            os.fsync(folder)

    def move_to(self, target: Place) -> None:
        """Rename. Raises OSError with EXDEV across file systems, TaskFailed."""
        with self.folder() as source, target.folder(create=True) as destination:
            os.rename(self.name, target.name, src_dir_fd=source, dst_dir_fd=destination)
            os.fsync(source)
            os.fsync(destination)

    def make_folder(self, mode: int | None) -> None:
        """Make the folder, and those on the way. Raises TaskFailed."""
        with in_words(self.path), self.folder(create=True) as folder:
            with contextlib.suppress(FileExistsError):
                os.mkdir(self.name, dir_fd=folder)
            with _opened(os.open(self.name, _OPEN_FOLDER, dir_fd=folder)) as made:
                if mode is not None:
                    os.fchmod(made, mode)

    def remove_folder(self) -> bool:
        """Take an empty folder away. False if something is in it."""
        try:
            with self.folder() as folder:
                os.rmdir(self.name, dir_fd=folder)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True


_LONGEST_NAME = 255  # bytes, NAME_MAX of the kernel's include/uapi/linux/limits.h


def locate(ctx: Context, text: str) -> Place:
    """The place that a path of the plan means. Raises TaskFailed if it is outside the allowed roots, or hidden."""
    if "\0" in text:
        raise TaskFailed("a path cannot hold a NUL character", kind=FailureKind.WRONG_INPUT)
    path = Path(os.path.normpath(ctx.path(text)))
    if long := next((part for part in path.parts if len(os.fsencode(part)) > _LONGEST_NAME), None):
        raise TaskFailed(
            f"the name {long[:20]}... is longer than the {_LONGEST_NAME} bytes that a file system takes; shorten it",
            kind=FailureKind.WRONG_INPUT,
        )
    named = [ctx.workdir, *(ctx.workdir / Path(root).expanduser() for root in ctx.options.get("roots", ()))]
    for root in named:
        for form in (Path(os.path.normpath(root)), root.resolve()):
            if path.is_relative_to(form):
                return _checked(ctx, Place(root.resolve(), path.relative_to(form).parts))
    raise TaskFailed(
        f"{path} is outside the work folder {ctx.workdir}",
        kind=FailureKind.PERMISSION,
        hint="use a path below it, or let the operator add the folder to `roots` of the bash agent",
    )


def _checked(ctx: Context, place: Place) -> Place:
    if not place.parts:
        raise TaskFailed(f"{place.path} is the work folder itself", kind=FailureKind.WRONG_INPUT)
    for secret in hidden_places(private_places(ctx)):
        if place.path.is_relative_to(secret) and not place.root.is_relative_to(secret):
            raise TaskFailed(
                f"{place.path} belongs to {secret}, which plans may not touch", kind=FailureKind.PERMISSION
            )
    return place


@contextlib.contextmanager
def in_words(path: Path, *, but: int | None = None) -> Iterator[None]:
    """What the system says, as a failure for a person; the error number ``but`` stays what it is."""
    try:
        yield
    except OSError as error:
        if error.errno == but:
            raise
        if isinstance(error, PermissionError):
            raise TaskFailed(f"{path}: {error.strerror}", kind=FailureKind.PERMISSION) from None
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            kind = FailureKind.MISSING_PREREQUISITE
            raise TaskFailed(f"{path}: {error.strerror}", kind=kind, hint="make room on its disk") from None
        raise TaskFailed(f"{path}: {error.strerror}", retryable=True) from None


@contextlib.contextmanager
def _opened(handle: int) -> Iterator[int]:
    try:
        yield handle
    finally:
        os.close(handle)


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
