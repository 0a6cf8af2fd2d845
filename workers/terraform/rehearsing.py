"""How terraform's operations are moved into a rehearsal's scope: a copy of the directory, with a state of its own.

The copy has no state, so the whole configuration is made a second time, and destroyed again. Objects whose names are
unique somewhere collide with the real ones; that is then what the rehearsal says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reign.executor.scope import NotRehearsable, Scope

_ELSEWHERE = re.compile(r'^\s*(?:backend\s+"(?!local")[^"]*"|cloud)\s*\{', re.MULTILINE)


def moved(inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """The same in the copied directory. Raises NotRehearsable where the state is kept elsewhere."""
    directory = scope.path(inputs["directory"])
    if inputs.get("backend"):
        raise NotRehearsable("its state is kept by a backend, where the real one is")
    if inputs.get("plan_file") and "${{" not in str(inputs["plan_file"]):
        raise NotRehearsable("a saved plan fits only the state that it was made for")
    here = scope.workdir / str(inputs["directory"])
    for file in sorted(here.glob("*.tf")) if here.is_dir() else ():
        if _ELSEWHERE.search(file.read_text(errors="replace")):
            raise NotRehearsable(f"{file.name} keeps the state in a backend, where the real one is")
    return {**inputs, "directory": directory}
