"""What of a model's plan the request's own words carry, decided by code: the keyword planner reads the same words."""

from __future__ import annotations

import re
from typing import Any

from reign.core.catalog import Catalog, Effect
from reign.core.expressions import has_expression
from reign.core.plan import Plan, Task
from reign.policy.evaluation import Assessed

#: Operations that take something away, also where they can bring it back.
_TAKES_AWAY = re.compile(r"(?:^|_)(?:delete|remove|destroy|uninstall|down|purge|prune|drop|wipe)(?:_|$)")
#: Words by which commands take something away, whatever program they are for: rather too many than too few.
_REMOVES = re.compile(
    r"(?<![\w-])(?:rm|rmi|rmdir|unlink|shred|truncate|mkfs[\w.]*|dd|del|delete|destroy|remove|uninstall|prune|drop|purge"
    r"|wipe|down|kill|killall|pkill|flush\w*)(?![\w-])|-delete\b|--(?:delete|force|hard|prune|purge|remove)\b",
    re.IGNORECASE,
)
_CANNOT_BE_READ = re.compile(r"\$\(|`|\beval\b|\bbase64\b|\bxxd\b")
_COMMANDS = ("command", "script", "unless")  # inputs


def alone(plan: Plan, words: Plan | None, catalog: Catalog) -> list[str]:
    """The tasks that only the model proposed: the keyword planner, given the same words, has no such task."""
    known = list(words.tasks.values()) if words else []
    return [name for name, task in plan.tasks.items() if not any(_same(task, other, catalog) for other in known)]


def takes_away(task: Task, assessment: Assessed | None) -> bool:
    """Whether a task removes something, by its effect, its operation's name or the words of its command."""
    if assessment is not None and assessment.effect is Effect.DESTROY:
        return True
    return _TAKES_AWAY.search(task.uses.partition(".")[2]) is not None or any(
        _command_takes_away(task.with_[name]) for name in _COMMANDS if name in task.with_
    )


def _command_takes_away(value: Any) -> bool:
    """A guess on the careful side: what cannot be read counts. What a command may do at all is the judge's to say."""
    text = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    plain = re.sub(r"[\\\"']", "", text)
    return _REMOVES.search(plain) is not None or _CANNOT_BE_READ.search(text) is not None


def doubt(task: Task, assessment: Assessed | None) -> str:
    """Why a task that only the model proposed must be approved by name; "" if it need not be."""
    if takes_away(task, assessment):
        return "only the model proposed to take this away; the request's words do not say so plainly"
    if assessment is not None and assessment.asks:
        return f"only the model proposed this, and {assessment.asks}"
    return ""


def quotes(words: str, request: str) -> bool:
    """Whether words are the request's own, whatever their case and spacing."""
    said = " ".join(words.casefold().split())
    return bool(said) and said in " ".join(request.casefold().split())


def _same(one: Task, other: Task, catalog: Catalog) -> bool:
    if one.uses != other.uses or one.uses not in catalog:
        return False
    mine, theirs = _inputs(one, catalog), _inputs(other, catalog)
    return mine == theirs and one.for_each == other.for_each


def _inputs(task: Task, catalog: Catalog) -> Any:
    """The inputs with their defaults, so that saying a default changes nothing. Both plans have been checked."""
    if has_expression(task.with_):
        return dict(task.with_)
    return catalog[task.uses].inputs.model_validate(task.with_).model_dump(mode="json")
