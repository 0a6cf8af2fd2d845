"""Clauses: where they begin, how they follow each other, what they share."""

from __future__ import annotations

import pytest

from reign.planner.keyword.clauses import Clause, Join, Role
from reign.planner.keyword.normalise import tokenise
from reign.planner.keyword.splitting import split
from tests.unit.planner.keyword.support import planner


def clauses(text: str) -> list[Clause]:
    return split(tokenise(text), planner().vocabulary)


def shape(text: str) -> list[tuple[str, str, str]]:
    """Role, verb and words of each clause."""
    return [(c.role.value, c.lemma, " ".join(token.text for token in c.body)) for c in clauses(text)]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("stop web and start api", [("do", "stop", "web"), ("do", "start", "api")]),
        ("stop web and api", [("do", "stop", "web and api")]),
        ("stop web, start api", [("do", "stop", "web"), ("do", "start", "api")]),
        ("could you please stop web", [("do", "stop", "web")]),
        ("I want you to stop web", [("do", "stop", "web")]),
        ("I'd like a network called x", [("do", "want", "a network called x")]),
        ("bring the stack up", [("do", "bring up", "the stack")]),
        ("roll web back to 3", [("do", "roll back", "web to 3")]),
        ("docker compose -f a.yml up", [("do", "up", "docker compose -f a.yml")]),
        ("use terraform to plan ./x", [("do", "plan", "terraform ./x")]),
        ("if it validates, apply it", [("if", "", "it validates"), ("do", "apply", "it")]),
        ("if it validates apply it", [("if", "", "it validates"), ("do", "apply", "it")]),
        ("apply it if it validates", [("do", "apply", "it"), ("if", "", "it validates")]),
        ("after pulling a:1 run it", [("after", "pull", "a:1"), ("do", "run", "it")]),
        ("before you restart web, pull a:1", [("before", "restart", "web"), ("do", "pull", "a:1")]),
        ("check if web answers", [("do", "check", "web answers")]),
        ("run a:1 without pushing it", [("do", "run", "a:1"), ("without", "push", "it")]),
        ("restart web because it hangs", [("do", "restart", "web"), ("because", "", "it hangs")]),
        ("restart web once", [("do", "restart", "web once")]),
        ("in namespace shop, restart web", [("lead", "", "in namespace shop"), ("do", "restart", "web")]),
        ("inside container db run `x`", [("lead", "", "inside container db"), ("do", "run", "x")]),
        ("run make lint, make test", [("do", "run", "make lint , make test")]),
        ("run git pull, then make build", [("do", "run", "git pull"), ("do", "run", "make build")]),
        ("restart web, then api", [("do", "restart", "web"), ("do", "restart", "api")]),
        ("build x with build arg A=1", [("do", "build", "x with build arg A=1")]),
        ("web1 and web2 should be restarted", [("do", "restart", "web1 and web2")]),
        ("run a:1 and call it web", [("do", "run", "a:1 called web")]),
        ("run both of them", [("do", "run", "both")]),
        ("pull a:1 as well as b:1", [("do", "pull", "a:1 and b:1")]),
        ("what is the status of web?", [("do", "show", "is the status of web")]),
        ("is port 80 open?", [("do", "check", "port 80 open")]),
        ("would you mind restarting web", [("do", "restart", "web")]),
        ("", []),
        ("please", [("do", "", "please")]),
    ],
)
def test_clauses(text: str, expected: list[tuple[str, str, str]]) -> None:
    assert shape(text) == expected


@pytest.mark.parametrize(
    "text, joins",
    [
        ("stop a and start b", [Join.START, Join.AND]),
        ("stop a, then start b", [Join.START, Join.THEN]),
        ("stop a; start b", [Join.START, Join.AND]),
        ("stop a and finally start b", [Join.START, Join.LAST]),
        ("start b, but first stop a", [Join.START, Join.BEFORE_PREVIOUS]),
        ("first stop a, then start b", [Join.START, Join.THEN]),
        ("start b and stop a first", [Join.START, Join.FIRST]),
        ("first stop a, second start b", [Join.START, Join.THEN]),
        ("1. stop a\n2. start b", [Join.START, Join.THEN]),
        ("stop a, otherwise start b", [Join.START, Join.OTHERWISE]),
        ("stop a, else start b", [Join.START, Join.OTHERWISE]),
    ],
)
def test_how_clauses_follow(text: str, joins: list[Join]) -> None:
    assert [clause.join for clause in clauses(text)] == joins


def test_denials() -> None:
    first, second = clauses("plan ./x but don't apply it")
    assert not first.negated
    assert second.negated
    assert second.lemma == "apply"
    assert clauses("keep the volume and stop web")[0].negated


def test_in_parallel_belongs_to_the_clause_it_stands_in() -> None:
    first, second, third = clauses("start a and start b in parallel, afterwards start c")
    assert (first.together, second.together, third.together) == (False, True, False)
    assert not clauses("stop a and b in parallel and remove c")[0].together  # its list runs side by side anyway
    assert clauses("in parallel, stop a and start b")[0].together


def test_one_by_one() -> None:
    assert clauses("apply a.yml and b.yml in that order")[0].one_by_one


def test_misspelt_verbs_are_read_right_where_a_verb_must_stand() -> None:
    [clause] = clauses("restrat web")
    assert clause.head is not None
    assert (clause.lemma, clause.head.read_as) == ("restart", "restart")
    assert clauses("stop web and psuh it")[1].lemma == "push"
    assert [c.lemma for c in clauses("stop web, plane and api")] == ["stop"]


def test_a_sentence_ends_a_clause() -> None:
    first, second = clauses("Stop web. Start api!")
    assert (first.sentence, second.sentence) == (0, 1)


def test_a_heading_without_a_following_clause_leads_nothing() -> None:
    assert clauses("in namespace shop")[0].role is Role.DO


def test_a_noun_that_is_also_a_verb_may_be_what_something_is_done_to() -> None:
    assert shape("branch old of acme/x can be deleted") == [("do", "delete", "branch old of acme/x")]
    assert shape("release v1 of acme/x should be published")[0][1] == "publish"
    assert shape("check that the file can be deleted")[0][1] == "check"
