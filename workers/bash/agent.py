"""What the bash agent brings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reign.executor import Agent
from workers.bash.checks import checks
from workers.bash.commands import Run, Script
from workers.bash.files import CopyFile, DeleteFile, MakeDirectory, MoveFile, WriteFile
from workers.bash.processes import ProcessStatus, StartProcess, StopProcess
from workers.bash.records import end_all, names_of_all
from workers.bash.words import WORDS

_COMMANDS = (Run, Script)
_FILES = (WriteFile, CopyFile, MoveFile, DeleteFile, MakeDirectory)
_PROCESSES = (StartProcess, StopProcess, ProcessStatus)


def _judge(command: str, shell: str) -> Mapping[str, Any]:
    from workers.bash.judge import judge  # the parsers are loaded when they are needed

    return judge(command, shell=shell).as_dict()


def _prepare() -> None:
    from workers.bash.judge import judge

    judge("true")


AGENT = Agent(
    name="bash",
    summary="commands and scripts in a sandbox, files with exact undo, processes that stay",
    operations=(*_COMMANDS, *_FILES, *_PROCESSES),
    checks=checks,
    words=WORDS,
    judge=_judge,
    prepare=_prepare,
    leave=end_all,
    stays=names_of_all,
)
