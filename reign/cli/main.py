"""``reign``: the command line.

Exit codes: 0 well; 1 the run failed; 2 wrong input, plan or option; 3 a request that was not understood; 4 refused;
5 no such thing; 6 not possible in the present state; 7 something does not answer, or a disk is full; 70 a fault of
reign itself; 130 interrupted.
"""

from __future__ import annotations

import atexit
import errno
import functools
import gc
import sys
from itertools import pairwise
from typing import Any

import typer

from reign.cli import (
    audit,
    control,
    drill,
    environments,
    findings,
    judge,
    locks,
    memory,
    plans,
    rehearse,
    repair,
    runs,
    schedules,
    serving,
    state,
    state_files,
    usage,
)
from reign.cli.output import Format, errors, fail
from reign.core.errors import InvalidInput, ReignError, Unavailable

#: What typer raises for a wrong command or option; it brings its own copy of click, which has no public name.
UsageError: Any = typer.BadParameter.__base__

app = typer.Typer(
    name="reign",
    help="Ask for an infrastructure change, see it before it happens, watch it run, take it back.",
    epilog=__doc__.partition("\n\n")[2].replace("\n", " ") if __doc__ else None,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_MODULES = (
    plans, runs, control, repair, findings, state, rehearse, environments, schedules, locks,
    audit, judge, memory, usage, serving, state_files, drill,
)  # fmt: skip
_PANELS = {
    "Ask": ("plan", "run", "rehearse", "operations", "schema", "judge"),
    "Runs": ("runs", "show", "logs", "findings", "waive", "waivers", "receipt", "verify"),
    "Act on a run": ("cancel", "pause", "resume", "retry", "repair", "approve", "resolve", "rollback", "promote"),
    "What there is, and the way back": ("resources", "history", "blast", "drift", "checkpoint", "points"),
    "Look after it": (
        "environments", "schedule", "locks", "memory", "usage", "audit", "state", "doctor", "status", "drill",
    ),
    "Serve": ("up", "down", "sample", "api", "general", "worker", "flower"),
}  # fmt: skip

for module in _MODULES:
    module.register(app)
_PANEL_OF = {name: panel for panel, names in _PANELS.items() for name in names}
for command in app.registered_commands:
    own = command.name or (command.callback.__name__ if command.callback else "")
    command.rich_help_panel = _PANEL_OF[own]
for group in app.registered_groups:
    group.rich_help_panel = _PANEL_OF[str(group.name)]


@functools.cache
def command_line() -> Any:
    """All commands, read out of their functions' signatures: that takes a while, so it is done once a process."""
    return typer.main.get_command(app)


def main() -> None:
    """The entry point: every error is one line on stderr and a documented exit code."""
    atexit.register(gc.freeze)  # the end of the process frees its memory; to look for garbage before takes 0.3 s
    output = Format.JSON if _wants_json(sys.argv) else Format.TEXT
    try:
        code = command_line()(standalone_mode=False)
    except ReignError as error:
        code = fail(error, output)
    except typer.Abort:
        errors.print("interrupted")
        code = 130
    except UsageError as error:
        where = f"see `{error.ctx.command_path} --help`" if error.ctx else None
        code = fail(InvalidInput(error.format_message(), hint=where), output)
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        sys.stderr.close()
        code = 0
    except OSError as error:
        code = fail(_machine(error), output)
    except Exception as error:
        if sys.flags.dev_mode:
            raise
        code = fail(_fault(error), output)
    raise SystemExit(code if isinstance(code, int) else 0)


class _Fault(ReignError):
    exit_code = 70  # EX_SOFTWARE of sysexits.h


def _fault(error: Exception) -> _Fault:
    said = (str(error).strip().splitlines() or [""])[0]
    return _Fault(
        f"this is a fault of reign itself: {type(error).__name__}: {said}",
        hint="please report it; `python -X dev -m reign ...` shows where it happened",
    )


def _machine(error: OSError) -> Unavailable:
    where = f"{error.filename}: " if error.filename else ""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return Unavailable(
        f"{where}{error.strerror or error}", hint="make room on that disk" if full else "see `reign doctor`"
    )


def _wants_json(argv: list[str]) -> bool:
    pairs = pairwise(argv)
    return any(a in ("-o", "--output") and b == "json" for a, b in pairs) or "--output=json" in argv or "-ojson" in argv
