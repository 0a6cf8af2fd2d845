"""Past requests in much the same words."""

from __future__ import annotations

from reign.memory.requests import PastRequest, similar


def past(text: str, at: float = 1.0, ok: bool = True) -> PastRequest:
    return PastRequest(text, "plan", ("docker.build",), ok, f"run-{at:g}", at)


KNOWN = [
    past("build ./shop as shop:1 and run it on port 8088", 1),
    past("Build ./shop as shop:1 and run it on port 8088", 5, ok=False),
    past("scale the deployment web to 3 replicas", 2),
]


def test_the_most_alike_come_first_and_the_same_words_once() -> None:
    [(found, score)] = similar("build ./shop as shop:2 and run it on port 8088", KNOWN)
    assert (found.at, found.ok) == (5, False)
    assert score > 0.8
    assert found.as_dict()["operations"] == ["docker.build"]


def test_what_is_different_is_not_found() -> None:
    assert similar("open an issue about the flaky test", KNOWN) == []
    assert similar("anything", []) == []
