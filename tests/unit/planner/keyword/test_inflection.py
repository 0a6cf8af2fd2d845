from __future__ import annotations

import pytest

from reign.planner.keyword.inflection import Form, forms, singular


@pytest.mark.parametrize(
    "verb, expected",
    [
        ("stop", {"stop", "stopping", "stops", "stopped"}),
        ("scale", {"scale", "scaling", "scales", "scaled"}),
        ("apply", {"apply", "applying", "applies", "applied"}),
        ("push", {"push", "pushing", "pushes", "pushed"}),
        ("build", {"build", "building", "builds", "built"}),
        ("deploy", {"deploy", "deploying", "deploys", "deployed", "deployment"}),
    ],
)
def test_verb_forms(verb: str, expected: set[str]) -> None:
    assert {form for form, _ in forms(verb)} == expected


def test_the_noun_of_a_verb_is_told_from_its_forms() -> None:
    assert ("validation", Form.NOUN) in forms("validate")


@pytest.mark.parametrize(
    "plural, word",
    [
        *(("pods", "pod"), ("copies", "copy"), ("processes", "process"), ("branches", "branch"), ("status", "status")),
        *(("gas", "gas"), ("web", "web")),
    ],
)
def test_singular(plural: str, word: str) -> None:
    assert singular(plural) == word
