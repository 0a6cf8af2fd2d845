"""What all tests share."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# A loaded machine is no fault of an example.
settings.register_profile("reign", deadline=None)
settings.load_profile("reign")

# Before anything asks the registry: the tests' own agent is installed everywhere, in this process and in its children.
os.environ["REIGN_EXTRA_AGENTS"] = "tests.agents.probe:AGENT"
# A key in the environment must not make every test ask a model: those that do say so.
os.environ.setdefault("REIGN_PLANNER", "keyword")

#: Engines that are started once a process and are heavy: all tests of one stay in one process (``--dist loadgroup``).
_HEAVY = {"control_plane": "kubernetes", "docker_engine": "docker", "up": "up"}
#: Files whose tests ask for their engine only when they run.
_LATE = {"test_kubernetes.py": "kubernetes", "test_docker.py": "docker"}


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            used = set(getattr(item, "fixturenames", ()))
            group = next((name for fixture, name in _HEAVY.items() if fixture in used), _LATE.get(item.path.name))
            if group is not None:
                item.add_marker(pytest.mark.xdist_group(group))
