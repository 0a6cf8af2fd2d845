"""What all tests share."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler.loadscope import LoadScopeScheduling

# A loaded machine is no fault of an example.
settings.register_profile("reign", deadline=None)
settings.load_profile("reign")

# Before anything asks the registry: the tests' own agent is installed everywhere, in this process and in its children.
os.environ["REIGN_EXTRA_AGENTS"] = "tests.agents.probe:AGENT"
# A key in the environment must not make every test ask a model: those that do say so.
os.environ.setdefault("REIGN_PLANNER", "keyword")

#: Engines that are started once a process and are heavy: all tests of one stay in one process.
_TOGETHER = {
    "tests/contracts/test_kubernetes.py": "kubernetes",
    "tests/integration/kubernetes/": "kubernetes",
    "tests/integration/validation/test_dry_run.py": "kubernetes",
    "tests/integration/docker/test_examples.py": "examples",
    "tests/integration/docker/test_repairs.py": "examples",
    "tests/integration/drift/": "examples",
    "tests/integration/joined/": "examples",
    "tests/contracts/test_docker.py": "docker",
    "tests/integration/docker/": "docker",
    "tests/integration/surfaces/": "up",
    "tests/integration/web/": "web",
}


class _ByEngine(LoadScopeScheduling):
    """By path, not by xdist's own groups: those change node ids, which pytest 9.2 does not let them."""

    def _split_scope(self, nodeid: str) -> str:
        return next((group for path, group in _TOGETHER.items() if nodeid.startswith(path)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return _ByEngine(config, log)
