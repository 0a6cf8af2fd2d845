"""One task's hold on a configuration: a working copy, initialised in a data folder of its own, in one workspace."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reign.core.resource import digest
from reign.executor import Context, FailureKind, TaskFailed
from reign.executor.process import ToolResult
from workers.terraform import binary as binaries
from workers.terraform import configuration as configurations
from workers.terraform import prepared
from workers.terraform.binary import Binary
from workers.terraform.configuration import LOCK_FILE, OVERRIDE, Configuration
from workers.terraform.diagnostics import failure, from_text
from workers.terraform.files import write_private
from workers.terraform.inputs import SETTLED, Where
from workers.terraform.record import Init, Record, load_init
from workers.terraform.state import State, parse, read_file
from workers.terraform.stream import Stream
from workers.terraform.workfolder import WorkFolder, laid_out

_DOCUMENT = 256 * 1024 * 1024  # bytes of a JSON document (a plan, a state) that are read


def directory_of(ctx: Context, inputs: Where) -> Path:
    """The configuration's folder as an absolute path without ``..``."""
    return Path(os.path.normpath(ctx.path(inputs.directory)))


def workspace_of(inputs: Where) -> str:
    return str(getattr(inputs, "workspace", "default"))


def resource_of(ctx: Context, inputs: Where) -> str:
    """``terraform:dir/<directory>/<workspace>``: what changes, and what is locked."""
    return f"terraform:dir/{directory_of(ctx, inputs)}/{workspace_of(inputs)}"


@dataclass(frozen=True)
class Backend:
    """Where the state is. If it is local: ``path`` is the file of the workspace's state, ``folder`` holds those of the
    workspaces beside the default one."""

    kind: str
    path: Path | None = None
    folder: Path | None = None
    absent: tuple[Path, ...] = ()  # folders of local states that were not there at first


@dataclass
class Session:
    ctx: Context
    binary: Binary
    directory: Path
    workspace: str
    resource: str
    content: Configuration
    work: WorkFolder
    record: Record
    env: dict[str, str]
    lock_timeout: float
    data: Path
    key_for: Callable[[str | None], str]  # with a lock file: under which what init made may be kept for other tasks
    backend: Backend = Backend("none")
    lock_file: str | None = None  # what init settled on

    def run(
        self, command: str, *arguments: str, stream: Stream | None = None, quiet: bool = False, **options: Any
    ) -> ToolResult:
        """One command. Its lines go to ``stream``, or to the log; ``quiet``: nowhere, as they may hold secrets."""
        argv = binaries.words(self.binary, self.work.folder, command, *arguments, **options)
        env = binaries.environment(self.ctx, self.data, self.env)
        if self.workspace != "default" and command not in ("init", "validate") and "workspace" not in command:
            env["TF_WORKSPACE"] = self.workspace
        on_line = stream.line if stream is not None else _nowhere if quiet else self._say
        # path.cwd is where terraform was started: the real directory, not the copy that -chdir leads to.
        cwd = self.directory if self.directory.is_dir() else self.work.folder
        keep = _DOCUMENT if quiet else 1_000_000
        return binaries.run(self.ctx, argv, cwd=cwd, env=env, on_line=on_line, keep=keep)

    def _say(self, stream: str, line: str) -> None:
        self.ctx.log(line, stream)

    def need(self, result: ToolResult, what: str) -> ToolResult:
        """The result of a command without a JSON form, if it went well. Raises TaskFailed."""
        if result.exit_code == 0:
            return result
        found = from_text(result.stderr or result.stdout, self.ctx.masker)
        raise failure(what, found, exit_code=result.exit_code, last_words=self.ctx.masker.mask(result.tail()))

    def document(self, command: str, *arguments: str, what: str, **options: Any) -> dict[str, Any]:
        """A command's JSON document. It may hold secrets: never logged."""
        result = self.need(self.run(command, *arguments, quiet=True, json=True, **options), what)
        if result.truncated:
            raise TaskFailed(f"{what}: more than {_DOCUMENT // 1024 // 1024} MB", kind=FailureKind.WRONG_INPUT)
        found = json.loads(result.stdout[result.stdout.index("{") :])
        assert isinstance(found, dict)
        return found

    def state(self) -> State:
        """The workspace's state as it is now. Raises TaskFailed if it is damaged or out of reach."""
        if self.backend.path is None:
            return self._pulled()
        found = read_file(self.ctx, self.backend.path, self.record, self.resource)
        if found.raw and not found.content:  # of an older format, or encrypted: only the binary can read it
            return replace(found, content=self._pulled().content)
        return found

    def _pulled(self) -> State:
        what = f"the state of {self.resource.removeprefix('terraform:dir/')}"
        result = self.need(self.run("state pull", quiet=True), what)
        try:
            return parse(result.stdout.encode())
        except ValueError as error:
            raise TaskFailed(f"{what} is damaged ({error})", kind=FailureKind.CONFLICT) from None

    def workspaces(self) -> list[str]:
        """The names of the backend's workspaces."""
        if self.backend.folder is not None:  # what terraform goes by, too
            folder = self.backend.folder
            made = [path.name for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
            return sorted({"default", *made})
        result = self.need(self.run("workspace list", quiet=True), "terraform workspace list")
        return sorted(name for line in result.stdout.splitlines() if (name := line.lstrip("* ").strip()))

    def tidy(self) -> None:
        """Take away the empty folders that terraform makes for a workspace when it only looks."""
        for folder in self.backend.absent:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    # --- init ------------------------------------------------------------------------------------------------------

    def init(self, settings: Init, *, backend: bool, anew: bool = False) -> None:
        """Initialise, or take over what this attempt or (unless ``anew``) a task before it has initialised."""
        base = self.data.parent
        declared = configurations.declared_backend(self.content, self.directory) if backend else None
        ready = base / "ready.json"
        lock = self.work.folder / LOCK_FILE
        if not lock.exists() and settings.lock_file:
            lock.write_text(settings.lock_file)
        if ready.exists() or (not anew and prepared.take(self.ctx, base.name, base)):
            known = json.loads(ready.read_text())
            self._at(known["kind"], known["config"])
            self._check_local()
            if (base / "lock").exists():
                lock.write_bytes((base / "lock").read_bytes())
        else:
            base.mkdir(parents=True, exist_ok=True, mode=0o700)
            kind, config = self._initialise(settings, declared) if backend else ("none", {})
            if not backend:
                self._run_init(settings, backend=False)
            write_private(ready, json.dumps({"kind": kind, "config": config}).encode())
            if lock.exists():
                write_private(base / "lock", lock.read_bytes())
            if kind in ("local", "none"):
                # A saved plan brings the lock file along that this init has chosen.
                keys = {base.name, self.key_for(lock.read_text() if lock.exists() else None)}
                prepared.keep(self.ctx, keys, base, self.directory, self.content)
        self.lock_file = lock.read_text() if lock.exists() else None

    def _initialise(self, settings: Init, declared: str | None) -> tuple[str, dict[str, Any]]:
        config: dict[str, Any] = {}
        if declared is not None:
            self._run_init(settings, backend_config=self._backend_file(settings))
            try:
                found = json.loads((self.data / "terraform.tfstate").read_bytes())["backend"]
            except (OSError, ValueError, KeyError, TypeError):
                found = {"type": "local", "config": {}}
            if found["type"] != "local":
                self._at(found["type"], {})
                return str(found["type"]), {}
            config = {name: value for name, value in (found.get("config") or {}).items() if value}
        given = settings.backend or {}
        if unknown := sorted(set(given) - {"path", "workspace_dir"}):
            raise TaskFailed(
                f"{self.directory} has no backend block for the settings {', '.join(unknown)}",
                kind=FailureKind.WRONG_INPUT,
                hint='add it: terraform { backend "s3" {} }',
            )
        # The local state stays where it is without a copy: the copy's paths are tied to the directory.
        self._at("local", config | given)
        self._check_local()
        self._run_init(settings)
        return "local", config | given

    def _check_local(self) -> None:
        """Raises TaskFailed for a damaged local state: init reads it too, and says less of it."""
        if self.backend.path is not None:
            read_file(self.ctx, self.backend.path, self.record, self.resource)

    def _at(self, kind: str, config: Mapping[str, Any]) -> None:
        if kind != "local":
            self.backend = Backend(kind)
            return
        path = self.directory / str(config.get("path") or "terraform.tfstate")
        folder = self.directory / str(config.get("workspace_dir") or "terraform.tfstate.d")
        block = {"terraform": {"backend": {"local": {"path": str(path), "workspace_dir": str(folder)}}}}
        (self.work.folder / OVERRIDE).write_text(json.dumps(block))
        if self.workspace == "default":
            self.backend = Backend("local", path, folder)
            return
        own = folder / self.workspace
        absent = tuple(place for place in (own, folder) if not place.exists())
        self.backend = Backend("local", own / "terraform.tfstate", folder, absent)

    def _backend_file(self, settings: Init) -> str | None:
        if not settings.backend:
            return None
        # A file, because everybody on the machine can read a command line.
        lines = [f"{name} = {_hcl(value)}\n" for name, value in settings.backend.items()]
        file = self.data.parent / "backend.hcl"
        write_private(file, "".join(lines).encode())
        return str(file)

    def _run_init(self, settings: Init, **options: Any) -> None:
        self.ctx.progress("initialising")
        plugins = str(self.ctx.path(settings.plugin_dir)) if settings.plugin_dir else None
        if plugins and not Path(plugins).is_dir():
            raise TaskFailed(f"plugin_dir: there is no folder {plugins}", kind=FailureKind.WRONG_INPUT)
        with _cache_lock(self.ctx):
            result = self.run(
                "init", input=False, no_color=True, reconfigure=True, plugin_dir=plugins, quiet=True, **options
            )
        for line in result.stdout.splitlines():
            if line.startswith("- "):
                self.ctx.log(line)  # which providers and modules, and from where
        self.need(result, f"terraform init of {self.directory}")


def _nowhere(stream: str, line: str) -> None:
    """Keeps a line out of the log."""


def _hcl(value: Any) -> str:
    """A value in HCL: JSON, but for the two signs that begin a template."""
    return json.dumps(value).replace("${", "$${").replace("%{", "%%{")


@contextmanager
def _cache_lock(ctx: Context) -> Iterator[None]:
    """One init at a time on this machine: terraform's provider cache does not stand two."""
    handle = os.open(ctx.state_dir / "init.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def taken() -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    try:
        ctx.until(taken)
        yield
    finally:
        os.close(handle)


def settings_for(ctx: Context, inputs: Where) -> Init:
    """How to initialise: what this task says, else what ``terraform.init`` was told for the directory."""
    known = load_init(ctx, directory_of(ctx, inputs))
    given = {name: getattr(inputs, name) for name in SETTLED}
    return known.model_copy(update={name: value for name, value in given.items() if value is not None})


@contextmanager
def opened(
    ctx: Context,
    inputs: Where,
    *,
    configuration: Configuration | None = None,
    lock_file: str | None = None,
    backend: bool = True,
    anew: bool = False,
) -> Iterator[Session]:
    """A session on the directory's configuration, or on a former one laid over what is there now. ``anew``: initialised
    whatever a task before has initialised.

    Raises TaskFailed if there is no configuration, no binary, or it cannot be initialised.
    """
    binary = binaries.find(ctx)
    directory = directory_of(ctx, inputs)
    if configuration is None:
        content = configurations.read(directory, ctx.options)
    else:
        try:
            content = configuration.over(configurations.read(directory, ctx.options))
        except TaskFailed:
            content = configuration  # the directory is gone or empty by now: the former one is all there is
    settings = settings_for(ctx, inputs)
    if lock_file is not None:
        settings = settings.model_copy(update={"lock_file": lock_file})
    resource = resource_of(ctx, inputs)
    key_for = _keys(ctx, inputs, settings, [content.code_digest, backend, str(binary), str(directory)])
    # The values of a saved plan are its own: they may lead anywhere.
    given = (
        ".."
        if getattr(inputs, "plan_file", None)
        else json.dumps([inputs.model_dump(mode="json"), settings.model_dump()])
    )
    with laid_out(ctx, directory, content, given) as work:
        session = Session(
            ctx=ctx,
            binary=binary,
            directory=directory,
            workspace=workspace_of(inputs),
            resource=resource,
            content=content,
            work=work,
            record=Record.load(ctx, resource),
            env=_env(ctx, inputs, settings),
            lock_timeout=inputs.lock_timeout,
            data=ctx.scratch / "terraform" / key_for(settings.lock_file) / "data",
            key_for=key_for,
        )
        session.init(settings, backend=backend, anew=anew)
        try:
            yield session
        finally:
            session.tidy()


def _keys(ctx: Context, inputs: Where, settings: Init, about: list[Any]) -> Callable[[str | None], str]:
    """All that init goes by, the lock file aside: code, settings, binary, environment, and what local folders hold."""
    folders = [ctx.path(name) for name in (settings.plugin_dir, settings.mirror) if name and "://" not in name]
    if own := binaries.base(ctx).get("TF_CLI_CONFIG_FILE"):
        folders.append(Path(own).expanduser())
    with_ = settings.model_dump(exclude={"lock_file"})
    known = digest([*about, with_, inputs.env, binaries.base(ctx), prepared.mark(folders)])
    return lambda lock_file: digest([known, lock_file])[:32]


def _env(ctx: Context, inputs: Where, settings: Init) -> dict[str, str]:
    made = dict(inputs.env)
    if settings.mirror:
        mirror = settings.mirror
        if mirror.startswith("https://"):
            block = f"network_mirror {{\n    url = {_hcl(mirror.rstrip('/') + '/')}\n  }}"
        else:
            block = f"filesystem_mirror {{\n    path = {_hcl(str(ctx.path(mirror)))}\n  }}"
        file = ctx.scratch / "terraform" / "cli.tfrc"
        write_private(file, f"provider_installation {{\n  {block}\n}}\n".encode())
        made["TF_CLI_CONFIG_FILE"] = str(file)
    return made
