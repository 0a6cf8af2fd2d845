"""What has been spoken of so far: the things that "it", "both", "there" and words left out can mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

#: How near a thing is to the reader's mind within its clause.
MADE, OBJECT, ASIDE = 2, 1, 0


@dataclass(frozen=True)
class Entity:
    """A thing in the world: what kind, under which name, and the inputs that say where it is."""

    thing: str
    value: Any
    step: int  # the clause that spoke of it
    salience: int = ASIDE
    where: dict[str, Any] = field(default_factory=dict)
    agent: str = ""
    task: str | None = None  # the draft that makes it, if one does


class Discourse:
    """Grows clause by clause. Looking back is bounded by what was said."""

    def __init__(self) -> None:
        self._by_thing: dict[str, list[Entity]] = {}
        self._scope: dict[tuple[str, str], Any] = {}  # agent, input -> value
        self._values: set[str] = set()
        self.agent = ""  # of the last clause

    def add(self, entity: Entity) -> None:
        self._by_thing.setdefault(entity.thing, []).append(entity)
        self._values.add(str(entity.value))

    def mention(self, text: str) -> None:
        """Lets conditions speak of a command by its first word or as a whole."""
        self._values.update((text, text.partition(" ")[0]))

    def scope(self, agent: str, name: str) -> Any:
        """Where the last clause of that agent was at work, if it said so."""
        return self._scope.get((agent, name))

    def set_scope(self, agent: str, name: str, value: Any) -> None:
        self._scope[(agent, name)] = value

    def latest(self, things: Sequence[str]) -> Entity | None:
        """The thing of one of these kinds that was spoken of last; of one clause, what it makes before its object."""
        last = [entities[-1] for thing in things if (entities := self._by_thing.get(thing))]
        if not last:
            return None
        step = max(entity.step for entity in last)
        return max((e for e in self._of_step(things, step)), key=lambda entity: entity.salience)

    def group(self, things: Sequence[str], exactly: int | None = None) -> list[Entity]:
        """What "both" or "them" means: the things of the last clause that names several, or the last few clauses'."""
        latest = self.latest(things)
        if latest is None:
            return []
        found = self._distinct(e for e in self._of_step(things, latest.step) if e.thing == latest.thing)
        made = [entity for entity in found if entity.salience == MADE]
        if len(made) > 1 and len(made) == (exactly or len(made)):
            return made  # "tag x as a and b, then push both"
        if len(found) == (exactly or len(found)) and len(found) > 1:
            return found
        every = self._distinct(reversed(self._by_thing[latest.thing][-50:]))
        every.reverse()
        return every[-exactly:] if exactly else every

    def listed(self, things: Sequence[str]) -> list[Entity]:
        """What "the first one" is of: the things that were last named together, in the order of the text."""
        latest = self.latest(things)
        if latest is None:
            return []
        mentioned = self._by_thing[latest.thing][-100:]
        for step in sorted({entity.step for entity in mentioned}, reverse=True):
            found = self._distinct(entity for entity in mentioned if entity.step == step)
            if len(found) > 1:
                return found
        every = self._distinct(mentioned)  # "pull a, then pull b; run the first one"
        return every if len(every) > 1 else []

    def known(self, things: Iterable[str], value: Any) -> Entity | None:
        """The last mention of the thing of that name."""
        for thing in things:
            for entity in reversed(self._by_thing.get(thing, ())[-200:]):
                if entity.value == value:
                    return entity
        return None

    def spoken_of(self, text: str) -> bool:
        """Whether something of that name was mentioned."""
        return text in self._values

    def is_thing(self, noun: str) -> bool:
        """Whether a thing of that kind was mentioned: "the image", "the namespace"."""
        return noun in self._by_thing

    def _of_step(self, things: Sequence[str], step: int) -> list[Entity]:
        found = []
        for thing in things:
            for entity in reversed(self._by_thing.get(thing, ())):
                if entity.step != step:
                    break
                found.append(entity)
        found.reverse()
        return found

    @staticmethod
    def _distinct(entities: Iterable[Entity]) -> list[Entity]:
        """One for each value: the mention with the greatest salience."""
        best: dict[str, Entity] = {}
        for entity in entities:
            key = repr(entity.value)
            if key not in best or entity.salience > best[key].salience:
                best[key] = entity
        return list(best.values())
