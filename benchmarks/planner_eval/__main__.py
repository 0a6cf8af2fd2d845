"""``python -m benchmarks.planner_eval [SET ...] [-v]``: a table for each set; fails below the thresholds."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.planner_eval.cases import SETS, load
from benchmarks.planner_eval.judge import Verdict, judge
from reign.config import Settings
from reign.planner.choose import make_planner

#: Shares of the cases, in percent, below (or above) which the run fails.
EXACT_AT_LEAST = {"specified": 100.0, "requests": 98.0, "heldout": 97.0, "varied": 95.0, "blind": 95.0}
WRONGLY_ACCEPTED_AT_MOST = 1.0
_REFUSALS = "(to be refused)"


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 if every set is good enough."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planner_eval", description=__doc__)
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"of {', '.join(SETS)}; default: all")
    parser.add_argument("-v", "--verbose", action="store_true", help="show each case that failed")
    parser.add_argument("--planner", choices=("keyword", "llm"), default="keyword", help="llm needs a key, and money")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each Nth request of a set")
    options = parser.parse_args(arguments)
    if unknown := set(options.sets) - set(SETS):
        parser.error(f"there is no set {min(unknown)!r}; there are {', '.join(SETS)}")
    planner = make_planner(Settings.load(), kind=options.planner)
    good = True
    for name in options.sets or SETS:
        verdicts = [judge(planner, case) for case in load(name)[:: options.every]]
        good = _report(name, verdicts, options.verbose) and good
    return 0 if good else 1


def _report(name: str, verdicts: Sequence[Verdict], verbose: bool) -> bool:
    console = Console(width=None if sys.stdout.isatty() else 110)
    table = Table(title=f"{name}: {len(verdicts)} requests", title_justify="left")
    table.add_column("operation")
    for title in ("requests", "exact", "operations", "inputs", "order"):
        table.add_column(title, justify="right")
    for operation, own in sorted(_by_operation(verdicts).items()):
        table.add_row(operation, *_row(own))
    table.add_section()
    table.add_row("overall", *_row(verdicts))
    console.print(table)
    refused = [v for v in verdicts if v.wrongly_refused]
    accepted = [v for v in verdicts if v.wrongly_accepted]
    exact = _percent(sum(v.exact for v in verdicts), len(verdicts))
    console.print(
        f"exact {exact:.1f} %, wrongly refused {len(refused)}, wrongly accepted {len(accepted)}", highlight=False
    )
    if verbose:
        for verdict in verdicts:
            if not verdict.exact:
                console.print(f"- {verdict.case.text}\n    {verdict.why}", markup=False, highlight=False)
    console.print()
    return exact >= EXACT_AT_LEAST[name] and _percent(len(accepted), len(verdicts)) <= WRONGLY_ACCEPTED_AT_MOST


def _by_operation(verdicts: Iterable[Verdict]) -> dict[str, list[Verdict]]:
    found: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        for operation in {task.uses for task in verdict.case.tasks} or {_REFUSALS}:
            found.setdefault(operation, []).append(verdict)
    return found


def _row(verdicts: Sequence[Verdict]) -> list[str]:
    total = len(verdicts)
    planned = [v for v in verdicts if not v.case.refuse]
    shares = [
        (sum(v.operations for v in planned), len(planned)),
        (sum(v.inputs for v in planned), len(planned)),
        (sum(v.order for v in planned), len(planned)),
    ]
    exact = f"{_percent(sum(v.exact for v in verdicts), total):.0f} %"
    return [str(total), exact, *(f"{_percent(hit, of):.0f} %" if of else "" for hit, of in shares)]


def _percent(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else 100.0


if __name__ == "__main__":
    sys.exit(main())
