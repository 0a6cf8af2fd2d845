"""Which words led to what."""

from __future__ import annotations

from reign.planner.keyword import lines
from tests.unit.planner.keyword.support import propose


def test_notes_point_into_the_text() -> None:
    text = "scale the web deployment to 5 replicas in namespace shop"
    notes = propose(text).explanation
    assert all(text[note.start : note.end] == note.text for note in notes)
    meanings = {note.text: note.meaning for note in notes}
    assert meanings["scale"] == "kubernetes.scale"
    assert meanings["web"] == "kubernetes.scale name"
    assert meanings["5 replicas"] == "kubernetes.scale replicas"
    assert meanings["namespace shop"] == "kubernetes.scale namespace"


def test_lines() -> None:
    shown = list(lines(propose("restart web, but do not touch the extraordinarily long name of this other thing")))
    assert shown[0].split() == ["restart", "docker.restart"]
    assert any(line.startswith("note: not done") for line in shown)
    assert all("\n" not in line for line in shown)


def test_sources() -> None:
    assert propose("restart web").source == "keyword"
    assert propose("restart web", name="mine").plan.name == "mine"
    assert propose("restart web").plan.name == "restart-web"
