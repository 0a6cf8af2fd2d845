"""What is pushed or run under a name that nothing makes, while its namesake is made."""

from __future__ import annotations

import pytest

from tests.unit.planner.keyword.support import edges, propose, tasks


@pytest.mark.parametrize(
    "text, image, target",
    [
        ("build ./app as app:3 and push reg.io/app:3", "app:3", "reg.io/app:3"),
        ("push reg.io/app:3 after building ./app as app:3", "app:3", "reg.io/app:3"),
        ("build ./app and push reg.io/team/app:3", "app", "reg.io/team/app:3"),
        ("build ./app as app:3 and push reg.io/app", "app:3", "reg.io/app"),
        ("pull nginx:1.27 and push reg.io:5000/nginx:1.27", "nginx:1.27", "reg.io:5000/nginx:1.27"),
        ("build ./app as app:3, tag it reg.io/app:3 and push reg.io/app:3", "reg.io/app:3", "reg.io/app:3"),
        ("build ./app as app:3 and push app:3", "app:3", "app:3"),
        ("build ./app as app:3 and push other:3", "other:3", "other:3"),
    ],
)
def test_what_is_pushed_is_what_was_made(text: str, image: str, target: str) -> None:
    assert tasks(text)[-1] == ("docker.push", {"image": image, "target": target})


def test_each_waits_for_its_own() -> None:
    text = "build ./a as a:1 and ./b as b:1 and push reg.io/a:1 and reg.io/b:1"
    assert edges(text) == {("build", "push"), ("build-b", "push-b")}


@pytest.mark.parametrize(
    "text, name",
    [
        ("build ./app as app:3 and push app:4", "app:4"),
        ("build ./app as app:3 and run app:4 on port 80", "app:4"),
        ("build ./app as app:3 and deploy reg.io/app:3 to kubernetes", "reg.io/app:3"),
    ],
)
def test_another_one_is_told(text: str, name: str) -> None:
    assert tasks(text)[-1][1]["image"] == name
    assert any(f"uses {name}, which nothing here makes; build makes app:3" in line for line in propose(text).warnings)


def test_what_a_task_takes_is_there() -> None:
    assert propose("tag and push app:3 to reg.io/app:3").warnings == ()


def test_all_of_a_number_are_pushed() -> None:
    text = "build ./a, ./b and ./c as a:1, b:1 and c:1 and push all three to reg.io"
    assert [i["target"] for u, i in tasks(text) if u == "docker.push"] == ["reg.io/a:1", "reg.io/b:1", "reg.io/c:1"]
