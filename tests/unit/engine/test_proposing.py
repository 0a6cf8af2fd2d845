"""The look for a repair on the worker may break, grow or hold a secret: the failure is recorded all the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reign.core.catalog import OperationInputs
from reign.engine.proposing import proposed
from reign.executor import Context, Operation, Proposal, TaskFailed
from reign.executor.testing import make_context
from reign.security.masking import Masker

FAILURE = TaskFailed("it did not work")


class Inputs(OperationInputs):
    name: str
    size: int = 1


class Wise(Operation[Any, Any]):
    name = "wise.do"
    summary = ""
    Inputs = Inputs

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def touches(self, ctx: Context, inputs: Any) -> list[str]:
        return [f"wise:thing/{inputs.name}"]

    def repair(self, ctx: Context, inputs: Any, failure: TaskFailed) -> Proposal | None:
        assert failure is FAILURE
        assert not ctx.cancelled.is_set()
        assert ctx.remaining() > 1
        if isinstance(self.answer, Exception):
            raise self.answer
        found: Proposal | None = self.answer
        return found


def ask(answer: Any, tmp_path: Path, **given: Any) -> dict[str, Any] | None:
    ctx = make_context(tmp_path, timeout=0, **given)
    ctx.cancelled.set()
    return proposed(Wise(answer), ctx, Inputs(name="a"), FAILURE)


def test_a_proposal_is_json_that_says_whether_it_goes_elsewhere(tmp_path: Path) -> None:
    same = ask(Proposal(reason="r", inputs={"size": 2}), tmp_path)
    assert same == {"reason": "r", "inputs": {"size": 2}, "moves": False}
    other = ask(Proposal(reason="r", inputs={"name": "b"}), tmp_path)
    assert other is not None
    assert other["moves"] is True


def test_none_and_what_breaks_propose_nothing(tmp_path: Path) -> None:
    assert ask(None, tmp_path) is None
    assert ask(RuntimeError("broken"), tmp_path) is None
    assert ask(TaskFailed("away"), tmp_path) is None
    assert ask(Proposal(reason="r", inputs={"size": "many"}), tmp_path) is None, "inputs that are none"
    assert ask(Proposal(reason="r", inputs={"name": "x" * 40_000}), tmp_path) is None


def test_secrets_stand_by_reference(tmp_path: Path) -> None:
    masker = Masker()
    masker.add("secret://env/P", "correct-horse")
    found = ask(Proposal(reason="r", inputs={"name": "correct-horse"}), tmp_path, masker=masker)
    assert found is not None
    assert found["inputs"] == {"name": "secret://env/P"}
