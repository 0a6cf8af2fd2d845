"""Whatever a model answers, it is a checked plan or an error for a person."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reign.core.check import checked
from reign.core.errors import ReignError
from tests.unit.planner.llm.models import asking, catalog

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
TEXT = st.sampled_from(["web", "nginx", "${{ tasks.a.result.id }}", "${{", "REIGN_SECRET_1", "../..", "", "a b", "<x>"])
STEP = st.fixed_dictionaries(
    {"uses": st.sampled_from(["docker.run", "docker.remove", "bash.run", "docker.rum", "", "x.y"])},
    optional={
        "with": st.dictionaries(st.sampled_from(["image", "name", "command", "ports", "x"]), TEXT | JSON, max_size=4),
        "needs": st.lists(st.sampled_from(["a", "b", "c"]), max_size=2),
        "if": TEXT,
        "for_each": JSON,
        "retry": JSON,
        "timeout": JSON,
        "approval": st.none() | st.just("required"),
        "because": TEXT,
    },
)
PLAN = st.fixed_dictionaries({"tasks": st.dictionaries(st.sampled_from(["a", "b", "c d", ""]), STEP, max_size=3)})
TOOLS = st.sampled_from(["propose_plan", "ask_back", "run_it"])


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(TOOLS, PLAN | JSON | st.text(max_size=40))
def test_any_answer(tool: str, arguments: Any) -> None:
    try:
        found = asking([(tool, arguments)], rounds=1).plan("run nginx as web with password=hunter2hunter2")
    except ReignError:
        return
    assert checked(found.plan, catalog()).tasks
    assert set(found.proposed) <= set(found.plan.tasks)
