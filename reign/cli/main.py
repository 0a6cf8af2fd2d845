"""``reign``: the command line.

Exit codes: 0 well; 1 the run failed; 2 wrong input, plan or option; 3 a request that was not understood; 4 refused;
5 no such thing; 6 not possible in the present state; 7 something does not answer; 130 interrupted.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from typing import Any

import typer

from reign.cli import audit, control, judge, plans, rehearse, runs, serving, state
from reign.cli.drill import register as register_drill
from reign.cli.environments import register as register_environments
from reign.cli.findings import register as register_findings
from reign.cli.locks import register as register_locks
from reign.cli.memory import register as register_memory
from reign.cli.output import Format, errors, escape, fail
from reign.cli.repair import register as register_repair
from reign.cli.schedules import register as register_schedules
from reign.cli.state_files import register as register_state_files
from reign.cli.usage import register as register_usage
from reign.core.errors import ReignError

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
for module in (plans, runs, control, serving, judge, audit, state, rehearse):
    module.register(app)
register_repair(app)
register_findings(app)
register_memory(app)
register_state_files(app)
register_environments(app)
register_drill(app)
register_locks(app)
register_schedules(app)
register_usage(app)


def main() -> None:
    """The entry point: every error is one line on stderr and a documented exit code."""
    output = Format.JSON if _wants_json(sys.argv) else Format.TEXT
    try:
        code = app(standalone_mode=False)
    except ReignError as error:
        code = fail(error, output)
    except typer.Abort:
        errors.print("interrupted")
        code = 130
    except UsageError as error:
        where = f" (see `{error.ctx.command_path} --help`)" if error.ctx else ""
        errors.print(f"[red]reign:[/red] {escape(error.format_message())}{where}", soft_wrap=True)
        code = 2
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        sys.stderr.close()
        code = 0
    raise SystemExit(code if isinstance(code, int) else 0)


def _wants_json(argv: list[str]) -> bool:
    pairs = pairwise(argv)
    return any(a in ("-o", "--output") and b == "json" for a, b in pairs) or "--output=json" in argv or "-ojson" in argv
