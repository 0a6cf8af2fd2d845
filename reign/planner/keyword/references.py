"""Slots filled by what was said before: pronouns, "the image", places where work goes on, words left out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reign.core.lexicon import Kind, Slot
from reign.planner.keyword import english
from reign.planner.keyword.discourse import Entity
from reign.planner.keyword.frame import NAMING, Frame
from reign.planner.keyword.inflection import singular
from reign.planner.keyword.mentions import Mention
from reign.planner.keyword.normalise import Token


def take_pronouns(frame: Frame, objects: bool) -> None:
    """``objects``: only those that stand as the object of the verb, before values take its slot."""
    for mention in frame.mentions:
        token = mention.reference
        if token is None or token in frame.result.used or token.word in frame.entry.filler:
            continue
        if objects and mention.preposition:
            continue
        if not _resolve(frame, token, mention) and not objects and not _says_nothing(frame, token, mention):
            frame.result.unresolved.append(token)


def _says_nothing(frame: Frame, token: Token, mention: Mention) -> bool:
    """A pronoun that may stay open: the subject of a statement whose address is said, "its", or lent words."""
    result = frame.result
    if token.word in english.ITS and _of_another(frame, mention):
        return False
    if token.word in english.ITS and any(fill.tokens for fill in result.fills.values()):
        return True
    if token.word in english.IT and any(t in result.used for m in frame.mentions if m.lent for t in m.tokens):
        return True  # "container api: restart it"
    return mention.lent or (result.stated and bool(result.fills) and token.word in ("it", "that", "there"))


def _of_another(frame: Frame, mention: Mention) -> bool:
    """``remove web and ITS VOLUME``: two things, of which the phrase knows one by its noun; the other is not that."""
    at = next((i for i, other in enumerate(frame.mentions) if other is mention), 0)
    if not mention.joined or frame.clause.question or at == 0 or at + 1 >= len(frame.mentions):
        return False
    nouns = frame.entry.nouns
    said_before = any((frame.word(t),) in nouns for other in frame.mentions[:at] for t in other.tokens)
    return not said_before and any((frame.word(t),) in nouns for t in frame.mentions[at + 1].tokens)


def _resolve(frame: Frame, token: Token, mention: Mention) -> bool:
    best: tuple[float, int, list[Entity]] | None = None
    for index, slot in enumerate(frame.slots):
        if not slot.things or (set(slot.inputs) & frame.result.filled() and not slot.many):
            continue
        if slot.kind is Kind.URL and any("://" in t.text for t in frame.clause.body):
            continue  # "check that it answers at http://x"
        entities = _meant(frame, token.word, slot)
        place = _place(frame, slot, token, mention) if entities else None
        if place is None:
            continue
        score = place + entities[-1].step + entities[-1].salience / 4
        if best is None or score > best[0]:
            best = (score, index, entities)
    if best is None:
        return False
    _refer(frame, best[1], best[2], [token], mention)
    return True


def _place(frame: Frame, slot: Slot, token: Token, mention: Mention) -> float | None:
    """How well a pronoun stands for this slot (outweighing how recently its thing was said), or None."""
    place = 2000.0 if token.word in english.THERE and slot.scope else 0.0
    if mention.preposition and mention.preposition in slot.after:
        return place + 1000
    if slot.bare and mention.preposition in ("", "of", "for", "to", "on"):
        return place + (300 if mention.preposition else 500)
    loose = token.word in english.THERE or (frame.result.stated and slot.required)
    return place if loose or (slot.required and not mention.preposition) else None


def _meant(frame: Frame, word: str, slot: Slot) -> list[Entity]:
    if word in english.THEM:
        found = frame.discourse.group(slot.things, exactly=2 if word == "both" else None)
        return found if word != "both" or len(found) == 2 else []
    if word in english.PICKED:
        found, at = frame.discourse.listed(slot.things), english.PICKED[word]
        if word == "@other":
            latest = frame.discourse.latest(slot.things)
            return [entity for entity in found if latest and entity.value != latest.value] if len(found) == 2 else []
        there = len(found) == 2 if word in english.OF_TWO else len(found) > max(at, 1)
        return [found[at]] if there else []
    latest = frame.discourse.latest(slot.things)
    return [latest] if latest else []


def _refer(frame: Frame, index: int, entities: Sequence[Entity], tokens: Sequence[Token], mention: Mention) -> None:
    slot = frame.slots[index]
    if slot.kind in NAMING and (slot.bare or slot.required):
        frame.evidence = True
    if any(tuple(entity.thing.split()) in frame.entry.nouns for entity in entities):
        frame.evidence = True
    if slot.tells and all(re.search(slot.like, str(entity.value)) for entity in entities):
        frame.evidence = True  # "write x to ./Dockerfile and lint it"
    for number, entity in enumerate(entities):
        value = (str(entity.value), None) if slot.kind is Kind.PUBLISH else entity.value
        frame.fill(index, value, tokens if number == 0 else (), mention.group, score=5, entity=entity)
    frame.result.score += 2 * max(entity.salience for entity in entities)


def take_lone_labels(frame: Frame) -> None:
    """Labels without a value: ``the image`` means the one spoken of; ``a pull request`` is only the object."""
    for label, mention in frame.alone:
        found = next((f for index in label.label if (f := _definite(frame, index, label.words, mention))), None)
        if found is not None:
            _refer(frame, found[0], found[1], label.words, mention)
            continue
        if (
            mention.preposition == "with"
            and any(frame.slots[index].things for index in label.label)
            and mention.definite
        ):
            frame.result.unresolved += label.words[:1]  # "with THE FILE as an asset", and none was spoken of
            continue
        if tuple(frame.word(token) for token in label.words) in frame.entry.cues:
            frame.prove(label.words, 5)
        frame.note(label.words)


def _definite(frame: Frame, index: int, words: Sequence[Token], mention: Mention) -> tuple[int, list[Entity]] | None:
    if not mention.definite or index in frame.result.fills or not frame.slots[index].things:
        return None
    things: Sequence[str] = frame.slots[index].things
    said = " ".join(singular(token.word) for token in words)
    things = (said,) if said in things else things  # "then THE NAMESPACE itself", and not the workload in it
    several = singular(words[-1].word) != words[-1].word
    found = frame.discourse.group(things) if several else []
    latest = frame.discourse.latest(things)
    entities = found or ([latest] if latest else [])
    return (index, entities) if entities else None


def take_what_was_left_out(frame: Frame) -> None:
    """Slots that nothing fills: where the agent is already at work, and what an earlier clause made."""
    for index, slot in enumerate(frame.slots):
        if set(slot.inputs) & frame.result.filled():
            continue
        if _brought(frame, slot):
            continue  # the thing has a place of its own, each of several another
        if slot.scope and (value := frame.discourse.scope(frame.entry.agent, slot.inputs[0])) is not None:
            known = frame.discourse.known(slot.things, value)
            frame.fill(index, value, (), 0, score=1, entity=known)
        elif (slot.implicit or slot.required) and slot.things:
            _imply(frame, index, slot)


def _brought(frame: Frame, slot: Slot) -> bool:
    """Whether the things that fill one slot bring values of this input with them: of a place, different ones."""
    name = slot.inputs[0]
    for fill in frame.result.fills.values():
        own = [entity.where.get(name) for entity in fill.entities if entity is not None]
        told = bool(own) and len(own) == len(fill.entities) and None not in own
        if told and (len(set(map(str, own))) > 1 or not slot.scope):
            return True
    return False


def _imply(frame: Frame, index: int, slot: Slot) -> None:
    latest = frame.discourse.latest(slot.things)
    if latest is None or slot.kind is Kind.PUBLISH:
        return
    said = {name: fill.values[0] for i, fill in frame.result.fills.items() for name in frame.slots[i].inputs}
    if slot.implicit and any(said.get(name, value) != value for name, value in latest.where.items()):
        return
    frame.fill(index, latest.value, (), 0, score=1, entity=latest)
