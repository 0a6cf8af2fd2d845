"""What ``reign doctor`` says of terraform."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from reign.executor import TaskFailed
from reign.executor.contract import NO_OPTIONS, Check
from reign.executor.process import safe_environment
from workers.terraform.binary import identify, locate


def checks(options: Mapping[str, Any] = NO_OPTIONS, /) -> Sequence[Check]:
    """Whether there is a binary, and which."""
    try:
        path = locate(options)
        said = subprocess.run(
            [path, "version", "-json"],
            env=safe_environment({"CHECKPOINT_DISABLE": "1"}),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return [Check("terraform", True, f"{identify(path, said.stdout)} at {path}")]
    except TaskFailed as error:
        return [Check("terraform", False, error.message, fix=error.hint)]
    except (OSError, subprocess.TimeoutExpired) as error:
        return [Check("terraform", False, f"it does not answer: {error}", fix="install Terraform or OpenTofu again")]
