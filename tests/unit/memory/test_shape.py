"""Shapes tell what inputs are like, and never what they are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reign.memory.shape import pattern, plain, same_inputs, shape, signature
from tests.unit.memory.builders import PATIENT


def test_a_shape_has_names_and_kinds() -> None:
    inputs = {
        "image": "shop:1",
        "context": "./shop",
        "url": "https://x.example/",
        "password": "secret://env/P",
        "from": "${{ tasks.a.result.b }}",
        "ports": {"8088": 80},
        "env": {},
        "tags": ["a", "b"],
        "wait": True,
        "replicas": 3,
        "resources": {"memory": "512m"},
        "none": None,
    }
    assert shape("docker.run", inputs) == (
        "docker.run(context:path, env:object-none, from:result, image:text, none:nothing, password:secret, "
        "ports:object, replicas:number, resources.memory:text, tags:list-many, url:url, wait:true)"
    )


SECRETS = st.text(alphabet="QZXJK", min_size=8, max_size=30)


@PATIENT
@given(SECRETS, st.none() | st.integers() | st.dictionaries(st.sampled_from("abc"), st.integers()))
def test_no_value_gets_into_a_shape(secret: str, other: Any) -> None:
    inputs = {"a": secret, "b": {"x": secret, "y": [secret]}, "c": other}
    assert secret not in shape("a.b", inputs)
    assert secret not in same_inputs("a.b", inputs, b"key")


def test_equal_inputs_are_told_from_others_only_with_the_key() -> None:
    one = same_inputs("a.b", {"x": 1, "y": 2}, b"key")
    assert one == same_inputs("a.b", {"y": 2, "x": 1}, b"key")
    assert one != same_inputs("a.b", {"x": 1, "y": 3}, b"key")
    assert one != same_inputs("a.b", {"x": 1, "y": 2}, b"other")
    assert pattern("a.b", {"x": 1}) == pattern("a.b", {"x": 2}) != pattern("a.b", {"x": "2"})


def test_a_large_shape_is_cut() -> None:
    found = shape("a.b", {f"k{n}": n for n in range(200)})
    assert found.endswith(", ...)")
    assert found.count(":") == 60


@pytest.mark.parametrize(
    "one, other",
    [
        ("run container web: port 8088 of 127.0.0.1 is taken", "run container web: port 9099 of 10.0.0.7 is taken"),
        ("there is no image 'shop:1'", "there is no image 'a-b/c:2'"),
        ('Get "https://a.example/v2/": refused', 'Get "https://b.example/": refused'),
        ("cannot read /home/a/x.txt", "cannot read ./y/z.txt"),
        ("no sha256:0123456789ab", "no sha256:ffff"),
    ],
)
def test_the_same_failure_reads_the_same(one: str, other: str) -> None:
    assert plain(one) == plain(other)
    assert signature("a.b", one) == signature("a.b", other) != signature("a.c", one)


@PATIENT
@given(st.text(max_size=5000))
def test_a_message_is_bounded(message: str) -> None:
    found = plain(message)
    assert len(found) <= 300
    assert found.isprintable()
    found.encode()


def test_different_failures_read_differently() -> None:
    assert plain("port 1 is taken") != plain("there is no image 'x'")
