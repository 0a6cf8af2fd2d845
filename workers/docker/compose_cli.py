"""Docker Compose through its command line: which one there is, and one project's file with its variables."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reign.executor import Context, FailureKind, TaskFailed
from reign.executor.process import ToolResult, safe_environment
from workers.docker import kept
from workers.docker.engine import engine
from workers.docker.errors import in_plain

_OLDEST = (2, 17)  # `up --wait --wait-timeout`
_VERSION = re.compile(r"(\d+)\.(\d+)")
HOW = "install Docker's compose plugin (docker-compose-plugin, docker-compose-v2), or run deploy/compose/fetch"


def find(options: Mapping[str, Any]) -> list[list[str]]:
    """The command lines that may be Compose, the likeliest first: the option ``compose``, the plugin of docker, and
    ``docker-compose`` beside this Python or on PATH."""
    if options.get("compose"):
        return [[str(options["compose"])]]
    beside = Path(sys.executable).with_name("docker-compose")
    found = [["docker", "compose"]] if shutil.which("docker") else []
    if beside.exists():
        found.append([str(beside)])
    if on_path := shutil.which("docker-compose"):
        found.append([on_path])
    return found


def is_recent(version: str) -> bool:
    match = _VERSION.search(version)
    return match is not None and (int(match[1]), int(match[2])) >= _OLDEST


def program(ctx: Context) -> list[str]:
    """How Compose is started here. Raises TaskFailed if there is none, or only one that is too old."""
    old = None
    for command in find(ctx.options):
        asked = ctx.tool([*command, "version", "--short"], env=environment(ctx), on_line=lambda *_: None, timeout=20)
        if asked.exit_code == 0:
            if is_recent(asked.stdout):
                return command
            old = asked.stdout.strip()
    what = f"Docker Compose {old} is too old" if old else "Docker Compose is not installed"
    raise TaskFailed(what, kind=FailureKind.MISSING_PREREQUISITE, hint=HOW)


def environment(ctx: Context, variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """What Compose sees: the scrubbed environment, the way to the engine, and the variables of its file."""
    way = {name: os.environ[name] for name in os.environ if name.startswith("DOCKER_")}
    kept_config = {name: way[name] for name in way if name == "DOCKER_CONFIG"}  # logins, contexts, plugins
    if ctx.options.get("host"):
        way = kept_config | {"DOCKER_HOST": str(ctx.options["host"])}
        if ctx.options.get("cert_path"):
            trusted = "DOCKER_TLS_VERIFY" if ctx.options.get("tls_verify", True) else "DOCKER_TLS"
            way |= {"DOCKER_CERT_PATH": str(ctx.options["cert_path"]), trusted: "1"}
    elif ctx.options.get("context"):
        way = kept_config | {"DOCKER_CONTEXT": str(ctx.options["context"])}
    return safe_environment({**way, **(variables or {})})


@dataclass
class Project:
    """A compose file under a project name."""

    ctx: Context
    command: list[str]
    name: str
    file: Path
    variables: Mapping[str, str]
    resolved: Mapping[str, Any] = field(default_factory=dict)  # the file as Compose reads it

    def call(self, *arguments: str, quiet: bool = False) -> ToolResult:
        """Run Compose on the project; raises TaskFailed in words if it fails."""
        argv = [
            *self.command,
            *("--ansi", "never", "--progress", "plain", "--project-name", self.name),
            *("--project-directory", str(self.file.parent), "--file", str(self.file)),
            *self._labels(),
            *arguments,
        ]
        silent = {"on_line": lambda *_: None} if quiet else {"on_line": self._line}
        ended = self.ctx.tool(argv, env=environment(self.ctx, self.variables), **silent)
        if ended.exit_code != 0:
            raise self._failed(_verb(arguments), ended)
        return ended

    def _line(self, stream: str, line: str) -> None:
        if re.match(r"\s*(Container|Network|Volume|Image) \S+\s+\w+$", line):
            self.ctx.progress(" ".join(line.split()))  # which the log holds, too
        else:
            self.ctx.log(line.strip(), stream)

    def config(self) -> dict[str, Any]:
        """The file with variables filled in and short forms written out."""
        found: dict[str, Any] = json.loads(self.call("config", "--format", "json", quiet=True).stdout)
        return found

    def profiles(self) -> list[str]:
        """All profiles of the file."""
        return self.call("config", "--profiles", quiet=True).stdout.split()

    def hashes(self) -> dict[str, str]:
        """What Compose labels each service's containers with, so that a change of its settings is seen."""
        lines = self.call("config", "--hash", "*", quiet=True).stdout.splitlines()
        return {service: digest for service, _, digest in (line.partition(" ") for line in lines) if digest}

    def _labels(self) -> list[str]:
        """A further file that says which variables of containers are secrets, so that records keep references."""
        path = self.ctx.scratch / "secrets.compose.json"
        if not path.exists():
            return []
        return ["--file", str(path)]

    def label_secrets(self) -> None:
        """Find the secrets of this attempt in the services' variables and commands, and label the services."""
        services = {}
        self.resolved = self.config()
        for name, service in self.resolved.get("services", {}).items():
            # Compose doubles a dollar sign when it prints a file, and reads two as one.
            env = {
                key: _single(value) for key, value in (service.get("environment") or {}).items() if value is not None
            }
            config = {
                "Cmd": [_single(text) for text in service.get("command") or ()],
                "Entrypoint": [_single(text) for text in service.get("entrypoint") or ()],
            }
            if labels := kept.label(self.ctx, env, config):
                services[name] = {"labels": {key: text.replace("$", "$$") for key, text in labels.items()}}
        if services:
            path = self.ctx.scratch / "secrets.compose.json"
            path.write_text(json.dumps({"services": services}))

    def _failed(self, verb: str, ended: ToolResult) -> TaskFailed:
        text = ended.tail(20)
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        told = next((line for line in reversed(lines) if not re.match(r"(Container|Network|Volume) ", line)), text)
        told = re.sub(r"^.*?level=\w+ msg=\"?", "", told).strip('"')
        with engine(self.ctx, f"compose {verb} {self.name}") as client:
            failure = in_plain(told, f"compose {verb} of {self.name}", client)
        if verb == "config":  # the file itself is wrong, nothing has been done
            failure.kind = FailureKind.WRONG_INPUT
        failure.message = self.ctx.masker.mask(failure.message)
        failure.details |= {"exit_code": ended.exit_code, "lines": [self.ctx.masker.mask(line) for line in lines]}
        return failure


def _verb(arguments: Sequence[str]) -> str:
    """The command among them, after ``--profile NAME``."""
    rest = list(arguments)
    while rest[0] == "--profile":
        rest = rest[2:]
    return rest[0]


def _single(value: Any) -> str:
    return str(value).replace("$$", "$")


def file_of(path: Path) -> Path:
    """The compose file that a path names: itself, or the one of the usual name in a folder."""
    usual = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
    return next((path / name for name in usual if (path / name).is_file()), path / usual[0]) if path.is_dir() else path


def open_project(ctx: Context, name: str, file: str, variables: Mapping[str, str]) -> Project:
    """The project of a file. Raises TaskFailed if the file or Compose is not there, or the file is wrong."""
    path = file_of(ctx.path(file))
    if not path.is_file():
        near = sorted(item.name for item in path.parent.glob("*compose*.y*ml"))
        raise TaskFailed(
            f"there is no compose file {path}",
            kind=FailureKind.WRONG_INPUT,
            hint=f"there is {', '.join(near[:5])}" if near else f"`file` starts in the work folder, {ctx.workdir}",
        )
    project = Project(ctx, program(ctx), name, path, variables)
    project.label_secrets()
    return project
