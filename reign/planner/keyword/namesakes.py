"""Things that are spoken of under a name that no task gives them, while a task makes their namesake.

``build ./app as app:3 and push reg/app:3``: what is pushed is what was built. A phrase says so by ``renames``; of other
uses of a namesake the reader of the plan is told.
"""

from __future__ import annotations

from collections.abc import Sequence

from reign.planner.keyword import values
from reign.planner.keyword.discourse import MADE, Entity
from reign.planner.keyword.drafts import Draft, entities


def settle(drafts: Sequence[Draft]) -> None:
    """Ties each draft to what an earlier one makes; ``drafts`` in their order."""
    made: list[Entity] = []
    used: set[str] = set()  # what is there already, as an earlier task takes it
    for draft in drafts:
        for slot in draft.entry.slots:
            name = slot.inputs[0]
            value = draft.inputs.get(name)
            if isinstance(value, str) and slot.bare and slot.things and value not in used:
                _settle(draft, name, value, [entity for entity in made if entity.thing in slot.things])
        used.update(value for value in draft.inputs.values() if isinstance(value, str))
        made += [entity for entity in entities(draft, 0) if entity.salience == MADE and isinstance(entity.value, str)]


def _settle(draft: Draft, name: str, value: str, made: Sequence[Entity]) -> None:
    if any(entity.value == value for entity in made):
        return
    namesake = next((e for e in reversed(made) if values.basename(e.value) == values.basename(value)), None)
    if namesake is None:
        return
    before, after = draft.entry.phrase.renames or ("", "")
    tags = {values.tag(namesake.value), values.tag(value)} - {""}
    if before == name and draft.inputs.get(after) == value and len(tags) < 2:
        draft.inputs[before] = namesake.value
        draft.assumed = [f"{value} is {namesake.value}, which {namesake.task} makes"]
        if namesake.task and namesake.task not in draft.links:
            draft.links.append(namesake.task)
    else:
        draft.assumed.append(
            f"{draft.id} uses {value}, which nothing here makes; {namesake.task} makes {namesake.value}"
        )
