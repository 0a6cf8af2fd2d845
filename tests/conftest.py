"""What all tests share."""

from __future__ import annotations

import os

# Before anything asks the registry: the tests' own agent is installed everywhere, in this process and in its children.
os.environ["REIGN_EXTRA_AGENTS"] = "tests.agents.probe:AGENT"
# A key in the environment must not make every test ask a model: those that do say so.
os.environ.setdefault("REIGN_PLANNER", "keyword")
