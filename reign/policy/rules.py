"""Rules: which tasks they speak about, and what they say. Written as YAML by those who run a REIGN.

```yaml
rules:
  - name: no-privileged-containers
    match: {uses: docker.run, inputs: {privileged: true}}
    decision: deny
    reason: privileged containers can take over the machine
  - name: scaling-is-fine
    match: {uses: kubernetes.scale, environment: [dev, staging], inputs: {replicas: {at_most: 20}}}
    decision: allow
    reason: it is taken back in seconds
```

A match holds if all its parts do; ``uses``, ``environment`` and texts under ``inputs`` are patterns (``docker.*``).
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from reign.core.catalog import Effect
from reign.core.errors import InvalidInput, did_you_mean
from reign.core.expressions import has_expression
from reign.core.resource import Undo

MAX_BYTES = 1_000_000


class Effective(StrEnum):
    """What a rule says of a task, from the mildest to the strictest."""

    ALLOW = "allow"
    ASK = "ask"  # a person must say yes first
    DENY = "deny"

    @property
    def rank(self) -> int:
        return list(Effective).index(self)


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


Patterns = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]


class Condition(BaseModel):
    """What must hold for one input. Several parts must hold together."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    is_: Any = Field(default=None, alias="is", description="equal to this, or matching this pattern if it is a text")
    one_of: tuple[Any, ...] | None = Field(default=None, description="equal to (or matching) one of these")
    contains: str | None = Field(default=None, description="some text inside the value, however deep, matches this")
    matches: str | None = Field(default=None, description="a text that this regular expression finds something in")
    at_least: float | None = None
    at_most: float | None = None
    given: bool | None = Field(default=None, description="whether the input is there at all")

    @model_validator(mode="after")
    def _is_a_pattern(self) -> Self:
        if self.matches is not None:
            try:
                re.compile(self.matches)
            except re.error as error:
                raise ValueError(f"{self.matches!r} is no regular expression: {error}") from None
        return self

    def holds(self, value: Any, there: bool) -> bool:
        """Whether an input with that value (None if not ``there``) is meant."""
        if self.given is not None and self.given is not there:
            return False
        if not there:
            return self.given is False
        if self.is_ is not None and not _same(self.is_, value):
            return False
        if self.one_of is not None and not any(_same(choice, value) for choice in self.one_of):
            return False
        if self.contains is not None and not any(_same(self.contains, text) for text in _texts(value)):
            return False
        if self.matches is not None and not any(re.search(self.matches, text) for text in _texts(value)):
            return False
        return _between(value, self.at_least, self.at_most)


def _condition(value: Any) -> Any:
    """``privileged: true`` means ``privileged: {is: true}``; a list means one of these."""
    if isinstance(value, Condition):
        return value
    if isinstance(value, Mapping) and value and set(value) <= _PARTS:
        return value
    return {"one_of": value} if isinstance(value, list) else {"is": value}


_PARTS = frozenset({"is", "one_of", "contains", "matches", "at_least", "at_most", "given"})


class Match(BaseModel):
    """Which tasks a rule speaks about; what is left out may be anything."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    uses: Patterns | None = None
    environment: Patterns | None = None
    effect: Annotated[tuple[Effect, ...], BeforeValidator(_as_tuple)] | None = None
    undo: Annotated[tuple[Undo, ...], BeforeValidator(_as_tuple)] | None = None
    findings: Patterns | None = Field(
        default=None, description="the operation finds one of these dangers in the inputs, e.g. docker.host-path"
    )
    inputs: dict[str, Annotated[Condition, BeforeValidator(_condition)]] = Field(
        default_factory=dict, description="dotted name of an input -> what it must be"
    )

    def speaks_of(self, uses: str, environment: str, effect: Effect, undo: Undo, findings: Iterable[str] = ()) -> bool:
        """Whether everything but the inputs fits; ``findings`` are the ids of the dangers that were found."""
        return (
            (self.uses is None or _any(self.uses, uses))
            and (self.environment is None or _any(self.environment, environment))
            and (self.effect is None or effect in self.effect)
            and (self.undo is None or undo in self.undo)
            and (self.findings is None or any(_any(self.findings, found) for found in findings))
        )

    def inputs_hold(self, inputs: Mapping[str, Any]) -> bool | None:
        """Whether the inputs fit; None if that is known only when the run has come so far (an open expression)."""
        known = True
        for name, condition in self.inputs.items():
            there, value = _look_up(inputs, name)
            if there and has_expression(value):
                known = False
            elif not condition.holds(value, there):
                return False
        return True if known else None


class Rule(BaseModel):
    """One sentence of a policy."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    match: Match = Field(default_factory=Match)
    decision: Effective
    reason: str = Field(min_length=3, description="shown to whoever is asked or refused")


def load_rules(text: str, source: str = "policy") -> list[Rule]:
    """The rules of a YAML text. Raises InvalidInput naming the rule that is wrong; ``source`` names the text."""
    try:
        content = yaml.safe_load(text[:MAX_BYTES])
    except yaml.YAMLError as error:
        line = f" (line {error.problem_mark.line + 1})" if getattr(error, "problem_mark", None) else ""  # type: ignore[attr-defined]
        raise InvalidInput(f"{source} is not YAML{line}", hint="check indentation and quotes") from None
    return parse_rules(content.get("rules") if isinstance(content, Mapping) else content, source)


def parse_rules(entries: Any, source: str = "policy") -> list[Rule]:
    """The rules in the content of a policy file. Raises InvalidInput."""
    if not isinstance(entries, list):
        raise InvalidInput(f"{source} has no list of `rules`", hint="write: rules: [...]")
    rules = [_rule(entry, number, source) for number, entry in enumerate(entries, start=1)]
    names = [rule.name for rule in rules]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InvalidInput(f"{source} has two rules called {twice!r}", hint="give each a name of its own")
    return rules


def _rule(entry: Any, number: int, source: str) -> Rule:
    try:
        return Rule.model_validate(entry)
    except ValidationError as error:
        first = error.errors()[0]
        name = entry.get("name") if isinstance(entry, Mapping) else None
        place = ".".join(str(part) for part in first["loc"] if not any(c in str(part) for c in "[]()"))
        message = str(first["msg"]).removeprefix("Value error, ")
        hint = "a rule has name, match, decision (allow, ask, deny) and reason"
        if first["type"] == "extra_forbidden":
            of = Match if first["loc"][:-1] == ("match",) else Rule
            message, hint = "there is no such key", did_you_mean(str(first["loc"][-1]), of.model_fields) or hint
        raise InvalidInput(
            f"{source}, rule {name or number}: {place}: {message}" if place else f"{source}, rule {number}: {message}",
            hint=hint,
        ) from None


def _same(wanted: Any, value: Any) -> bool:
    if not isinstance(wanted, str):
        # True is 1 in Python, and `replicas: 1` does not mean `true`.
        return isinstance(wanted, bool) is isinstance(value, bool) and bool(wanted == value)
    return not isinstance(value, Mapping | list) and fnmatch.fnmatchcase(str(value), wanted)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _between(value: Any, low: float | None, high: float | None) -> bool:
    if low is None and high is None:
        return True
    if not _number(value):
        return False
    return (low is None or value >= low) and (high is None or value <= high)


def _any(patterns: Iterable[str], text: str) -> bool:
    return any(fnmatch.fnmatchcase(text, pattern) for pattern in patterns)


def _texts(value: Any) -> Iterable[str]:
    """All texts inside a value, keys included."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
    elif value is not None:
        yield str(value)


def _look_up(inputs: Mapping[str, Any], name: str) -> tuple[bool, Any]:
    value: Any = inputs
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return False, None
        value = value[part]
    return True, value


_PRODUCTION = ("prod", "production", "prod-*", "*-prod")

#: What holds where nobody has written another rule, beside what the operations themselves ask (destroying, what cannot
#: be taken back, privileged containers, shell commands that the judge doubts).
DEFAULT_RULES: tuple[Rule, ...] = (
    Rule(
        name="secret-in-clear",
        decision=Effective.ASK,
        reason="a secret stands in the plan; write secret://env/NAME or another reference instead",
        match=Match(findings=("*secret-in-clear",)),
    ),
    Rule(
        name="latest-in-production",
        decision=Effective.ASK,
        reason="`latest` is another image tomorrow, and cannot be returned to",
        match=Match(environment=_PRODUCTION, findings=("*.latest",)),
    ),
    Rule(
        name="gate-switched-off",
        decision=Effective.ASK,
        reason="a check that is meant to stop the run only reports",
        match=Match(uses=("validation.*",), environment=_PRODUCTION, inputs={"fail_on": Condition(is_="never")}),
    ),
)
