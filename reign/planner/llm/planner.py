"""The LLM planner: asks a model, then another one, then the keyword planner; each answer passes the same checks."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from reign.core.catalog import Catalog
from reign.core.errors import InvalidInput, NotUnderstood, ReignError
from reign.core.resource import digest
from reign.executor.repairs import Proposal as Repair
from reign.planner.keyword import KeywordPlanner, options
from reign.planner.keyword.normalise import tokenise
from reign.planner.keyword.planner import MAX_TEXT
from reign.planner.llm import prompt, repair
from reign.planner.llm.answer import ProposedPlan, Question, notes
from reign.planner.llm.checking import Examination, Examined
from reign.planner.llm.operations import Listing
from reign.planner.llm.ports import BareDesk, Desk, Options, Progress, Told, nobody
from reign.planner.llm.privacy import Veil
from reign.planner.llm.talk import Talk, Unanswered, Wrong
from reign.planner.llm.vendors import Spec, connect, parse
from reign.planner.protocol import PlanRequest, Proposal
from reign.planner.repairing import RepairRequest
from reign.policy import Rule

if TYPE_CHECKING:
    from pydantic_ai.models import Model

log = logging.getLogger(__name__)

Connect = Callable[[Spec, str | None], "Model"]


class LlmPlanner:
    """Plans with a model behind the protocol of every planner. One instance serves any number of requests."""

    def __init__(
        self,
        catalog: Catalog,
        asking: Options,
        *,
        desk: Desk | None = None,
        rules: Callable[[], Sequence[Rule]] = tuple,
        progress: Progress = nobody,
        connecting: Connect = connect,
        environ: Mapping[str, str] | None = None,
        listing: Listing | None = None,
    ) -> None:
        """``rules`` gives the policy of the moment. ``environ``: where known secrets are looked for; default: this
        process's environment. ``listing``: of the catalog, where several planners share it."""
        self.catalog = catalog
        self.options = asking
        self.desk: Desk = desk or BareDesk()
        self._rules = rules
        self.progress = progress
        self._connect = connecting
        self._environ = environ
        self._keyword = KeywordPlanner(catalog)
        self._listing = listing or Listing(catalog)

    def plan(self, request: PlanRequest) -> Proposal:
        """Raises NotUnderstood with the model's question, or with what the keyword planner says when no model answers;
        InvalidInput for a text too long."""
        if len(request.text) > MAX_TEXT or not request.text.strip():
            return self._keyword.plan(request)
        words, misunderstood = self._by_words(request)
        veil = Veil(self._environ)
        shown = veil.hide(request.text)
        examination = Examination(
            catalog=self.catalog,
            request=request,
            environment=self.environment_of(request),
            veil=veil,
            words=words.plan if words else None,
            rules=tuple(self._rules()),
            shown=shown,
        )
        told = prompt.instructions(self._listing.for_request(request.text, _agents(words)))
        asked = prompt.question(
            shown,
            examination.environment,
            [veil.mask(address) for address in request.resources],
            [veil.mask(hint) for hint in request.hints],
            [veil.mask(text) for text in request.context],
        )
        talk = Talk(self.desk, self.options, planning=uuid.uuid4().hex, progress=self.progress)
        asking = _Asking(talk, told, asked, examination)
        warnings = asking.warnings
        for place, name in enumerate(self._models):
            share = len(self._models) - place
            try:
                return self._by_model(parse(name), asking, share)
            except Unanswered as error:
                warnings.append(f"{name} {error}")
                self.progress(Told("falling_back", name, str(error)))
        warnings.append("the keyword planner made this plan")
        if words is not None:
            return Proposal(words.plan, words.explanation, (*warnings, *words.warnings), words.source)
        assert misunderstood is not None
        raise _with_warnings(misunderstood, warnings[:-1])

    def environment_of(self, request: PlanRequest) -> str:
        """The environment that a request is for; code reads it, as it decides what is asked about."""
        return request.environment or options.environment(tokenise(request.text))[0] or request.default_environment

    def _by_words(self, request: PlanRequest) -> tuple[Proposal | None, ReignError | None]:
        """What the keyword planner makes of the same words: what it agrees to, the model did not make up."""
        try:
            return self._keyword.plan(request), None
        except ReignError as error:
            return None, error

    def _by_model(self, spec: Spec, asking: _Asking, share: int) -> Proposal:
        """One model's plan. Raises Unanswered, or NotUnderstood with its question."""
        examination, warnings = asking.examination, asking.warnings
        key = asking.key(spec)
        answer = self._kept(key, examination)
        if answer is not None:
            self.progress(Told("kept", str(spec)))
            return self._proposal(spec, *answer, examination, [*warnings, "kept from the last time this was asked"])
        examination.start(sending_back=1)
        given: dict[str, Any] = {}

        def check(found: ProposedPlan | Question) -> Examined | Question:
            given["answer"] = found
            return examination.examine(found) if isinstance(found, ProposedPlan) else found

        model = self._model(spec)
        outcome = asking.talk.ask(
            model,
            spec,
            instructions=asking.told,
            prompt=asking.asked,
            outputs={"propose_plan": ProposedPlan, "ask_back": Question},
            check=check,
            share=share,
        )
        if isinstance(outcome, Question):
            raise _question(outcome, examination)
        self.desk.keep(key, str(spec), given["answer"].model_dump(mode="json", by_alias=True))
        return self._proposal(spec, given["answer"], outcome, examination, warnings)

    def repair(self, request: RepairRequest) -> Repair | None:
        """What a model proposes for a failed task; None if none answers or it knows nothing. Never raises for that."""
        veil = Veil(self._environ)
        task = request.plan.tasks[request.task]
        told, asked = repair.instructions(self._listing, request), repair.question(request, veil)
        talk = Talk(self.desk, self.options, uuid.uuid4().hex, purpose="repair", progress=self.progress)

        def check(found: repair.ProposedRepair | repair.NoRepair) -> Repair | None:
            return repair.checked(found, task, self.catalog) if isinstance(found, repair.ProposedRepair) else None

        for place, name in enumerate(self._models):
            spec = parse(name)
            try:
                found: Repair | None = talk.ask(
                    self._model(spec),
                    spec,
                    instructions=told,
                    prompt=asked,
                    outputs={"propose_repair": repair.ProposedRepair, "no_repair": repair.NoRepair},
                    check=check,
                    share=len(self._models) - place,
                )
            except Unanswered as error:
                log.warning("%s %s", name, error)
                continue
            return found
        return None

    @property
    def _models(self) -> list[str]:
        return list(dict.fromkeys(filter(None, (self.options.model, self.options.fallback))))

    def _model(self, spec: Spec) -> Model:
        """Raises Unanswered if it cannot even be asked."""
        try:
            return self._connect(spec, self._base_url(spec))
        except InvalidInput as error:
            raise Unanswered(f"cannot be asked: {error}") from None

    def _base_url(self, spec: Spec) -> str | None:
        """The address of one's own belongs to the vendor of the first model."""
        return self.options.base_url if spec.vendor == parse(self.options.model).vendor else None

    def _kept(self, key: str, examination: Examination) -> tuple[ProposedPlan, Examined] | None:
        """A kept answer, if it still passes: what it names may be gone, what it does may be forbidden by now."""
        found = self.desk.answer(key)
        if found is None:
            return None
        examination.start(sending_back=0)
        try:
            answer = ProposedPlan.model_validate(found)
            return answer, examination.examine(answer)
        except (ValidationError, Wrong):
            return None

    def _proposal(
        self, spec: Spec, answer: ProposedPlan, found: Examined, examination: Examination, warnings: Sequence[str]
    ) -> Proposal:
        plan, said = found.plan, list(warnings)
        said += [f"{name}: {why}; `--yes` alone does not approve it" for name, why in found.proposed.items() if why]
        if any(examination.veil.shown_in(step.with_) for step in answer.tasks.values()):
            said.append("a secret of the request stands in the plan as it is; write secret://env/NAME to keep it out")
        return Proposal(
            plan=plan,
            explanation=notes(answer, plan, examination.request.text),
            warnings=tuple(said),
            source=f"llm:{spec}",
            proposed=found.proposed,
        )


@dataclass(frozen=True)
class _Asking:
    """What all models of one planning are told, and what their failures left to say."""

    talk: Talk
    told: str
    asked: str
    examination: Examination
    warnings: list[str] = field(default_factory=list)

    def key(self, spec: Spec) -> str:
        """Under which an answer is kept: it depends on all that the model is told, and on the policy."""
        rules = [rule.model_dump(mode="json") for rule in self.examination.rules]
        return digest([prompt.VERSION, str(spec), self.told, self.asked, rules])


def _agents(words: Proposal | None) -> set[str]:
    return {task.agent for task in words.plan.tasks.values()} if words else set()


def _question(question: Question, examination: Examination) -> NotUnderstood:
    """The model asks back: its question is shown, and nothing of it is a fact."""
    text, *choices = (
        " ".join(examination.veil.mask_stand_ins(said).split()) for said in (question.question, *question.choices)
    )
    return NotUnderstood(
        text,
        hint="; or ".join(repr(choice) for choice in choices) or "say it in the request",
        details={"request": examination.request.text[:1000], "question": text, "choices": choices},
    )


def _with_warnings(error: ReignError, warnings: Sequence[str]) -> ReignError:
    """The keyword planner's error, which tells also why no model was of help."""
    details = {**error.details, "warnings": list(warnings)} if isinstance(error.details, dict) else error.details
    hint = "; ".join(filter(None, (error.hint, *warnings)))
    return type(error)(error.message, hint=hint or None, details=details)
