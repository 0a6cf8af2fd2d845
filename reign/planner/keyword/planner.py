"""The keyword planner: offline, deterministic, the default where no model is set up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from reign.core.catalog import Catalog
from reign.core.check import InvalidPlan, checked
from reign.core.errors import InvalidInput, NotUnderstood
from reign.core.plan import OnFailure, Plan, Task, slug
from reign.planner.keyword import asides, explain, options, questions
from reign.planner.keyword.drafts import Draft
from reign.planner.keyword.normalise import tokenise
from reign.planner.keyword.reader import Reader
from reign.planner.keyword.splitting import split
from reign.planner.keyword.story import Story
from reign.planner.keyword.vocabulary import Vocabulary
from reign.planner.protocol import PlanRequest, Proposal
from reign.security.secretlike import can_be_hidden

MAX_TEXT = 20_000  # characters of a request
_SHOUTED = 4  # words in capitals, from which on the capitals belong to the sentence and not to its names
_SECRET = re.compile(r"(?i)(passw|secret|token|api_?key|private_?key|credential)")


class KeywordPlanner:
    """Plans with the words that the operations of a catalog bring. One instance serves any number of requests."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.vocabulary = Vocabulary.of(catalog)

    def plan(self, request: PlanRequest) -> Proposal:
        """Raises NotUnderstood, with a question and choices in ``details``, or InvalidInput for a text too long."""
        text = request.text
        if text.isupper() and len(text.split()) >= _SHOUTED:
            text = text.lower()
        if len(text) > MAX_TEXT:
            raise InvalidInput(
                f"the request has {len(text)} characters; at most {MAX_TEXT} are read", hint="write a plan file instead"
            )
        if not text.strip():
            raise questions.not_understood(text, "an empty request", questions.suggestions("", self.vocabulary))
        environment, tokens, said = options.environment(tokenise(text))
        if taken_back := asides.correction(tokens):
            what = questions.phrase(text, taken_back)
            raise questions.ask(text, f"{what} takes something back", "what should be done?", [])
        story = Reader(self.vocabulary, text).read(split(tokens, self.vocabulary))
        story.notes += [(token, "environment") for token in said]
        plan = self._plan(request, story, request.environment or environment)
        return Proposal(
            plan=plan,
            explanation=explain.notes(text, story.notes),
            warnings=tuple(dict.fromkeys([*story.warnings, *self._assumed(story)])),
        )

    def _plan(self, request: PlanRequest, story: Story, environment: str | None) -> Plan:
        made = {draft.id: draft for draft in story.timeline.drafts}
        if not made:
            raise questions.ask(
                request.text,
                f"{questions.quoted(request.text)} asks for nothing",
                "what should be done?",
                questions.suggestions(request.text, self.vocabulary),
            )
        needs = story.timeline.needs()
        failing = {d.id: step.rejoins for step in story.timeline.steps if step.failing for d in step.drafts}
        tasks = {name: _task(draft, needs[name], failing.get(name)) for name, draft in made.items()}
        plan = Plan(
            name=request.name or slug(request.text, 60),
            description=request.text.strip()[:2000],
            environment=environment or request.default_environment,
            on_failure=story.on_failure or OnFailure.STOP,
            tasks=tasks,
        )
        try:
            return checked(plan, self.catalog)
        except InvalidPlan as error:
            raise NotUnderstood(
                f"{questions.quoted(request.text)} makes no valid plan: {error.message}",
                hint=error.hint,
                details={"request": request.text[:1000], "question": error.message, "choices": []},
            ) from None

    @staticmethod
    def _assumed(story: Story) -> list[str]:
        found = [line for draft in story.timeline.drafts for line in draft.assumed]
        for draft in story.timeline.drafts:
            found += [
                f"{key} of {draft.id} stands in the plan as it is; write {key}=secret://env/{key} to keep it out"
                for name in ("env", "build_args", "variables")
                for key, value in _texts(draft.inputs.get(name))
                # What can be hidden is sealed, and told then.
                if _SECRET.search(key) and not value.startswith("secret://") and not can_be_hidden(value)
            ]
        return found


def _texts(value: Any) -> list[tuple[str, str]]:
    return [(str(k), v) for k, v in value.items() if isinstance(v, str)] if isinstance(value, dict) else []


def _task(draft: Draft, needs: list[str], failing: Sequence[Draft] | None) -> Task:
    """``failing``: it runs after a failure only, once these that do so too have succeeded."""
    well = [f"tasks.{before.id}.state == 'succeeded'" for before in failing or ()]
    return Task.model_validate(
        {
            "uses": draft.uses,
            "with": draft.inputs,
            "needs": needs,
            **({"if": " && ".join(["failure()", *well])} if failing is not None else {}),
            **draft.options,
        }
    )
