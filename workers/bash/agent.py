"""What the bash agent brings."""

from __future__ import annotations

from reign.executor import Agent
from workers.bash.files import CopyFile, DeleteFile, MakeDirectory, MoveFile, WriteFile
from workers.bash.processes import ProcessStatus, StartProcess, StopProcess
from workers.bash.shell import Run, Script

AGENT = Agent(
    name="bash",
    summary="commands and scripts in a sandbox, files with exact undo, processes that stay",
    operations=(
        Run,
        Script,
        WriteFile,
        CopyFile,
        MoveFile,
        DeleteFile,
        MakeDirectory,
        StartProcess,
        StopProcess,
        ProcessStatus,
    ),  # fmt: skip
)
