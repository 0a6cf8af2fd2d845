"""Counts, reasons and the diff of a plan, without what is sensitive."""

from __future__ import annotations

from typing import Any

from reign.security.masking import Masker
from workers.terraform.changes import PlanChanges, masked, read, rest_of


def entry(address: str, actions: list[str], **change: Any) -> dict[str, Any]:
    about = {name: change.pop(name) for name in ("action_reason", "previous_address", "mode") if name in change}
    return {"address": address, "mode": "managed", **about, "change": {"actions": actions, **change}}


def plan(*entries: dict[str, Any], **more: Any) -> PlanChanges:
    return read({"resource_changes": list(entries), **more}, Masker())


def test_counts_are_terraforms_own() -> None:
    made = plan(
        entry("a.create", ["create"], after={"x": 1}),
        entry("a.update", ["update"], before={"x": 1}, after={"x": 2}),
        entry("a.delete", ["delete"], before={"x": 1}),
        entry("a.replace", ["delete", "create"], before={"x": 1}, after={"x": 2}, replace_paths=[["x"]]),
        entry("a.first", ["create", "delete"], before={}, after={}),
        entry("a.same", ["no-op"], before={}, after={}),
        entry("a.import", ["no-op"], importing={"id": "1"}, before={}, after={}),
        entry("a.forget", ["forget"], before={}),
        entry("data.x.y", ["read"], mode="data"),
    )
    counts = made.counts
    assert (counts.add, counts.change, counts.destroy, counts.replace, counts.imports) == (3, 1, 3, 2, 1)
    assert str(counts) == "3 to add, 1 to change, 3 to destroy (2 by replacement), 1 to import"
    assert made.destroyed == ["a.delete", "a.replace", "a.first"]
    actions = {change.address: change.action for change in made.resources}
    assert (actions["a.import"], actions["a.forget"]) == ("import", "forget")
    assert "a.same" not in actions
    assert "data.x.y" not in actions


def test_reasons_in_words() -> None:
    made = plan(
        entry("a.b", ["delete"], action_reason="delete_because_no_resource_config"),
        entry(
            "a.c",
            ["delete", "create"],
            action_reason="replace_because_cannot_update",
            replace_paths=[["ami"], ["az", 0]],
        ),
        entry("a.d", ["no-op"], previous_address="a.old"),
        entry("a.e", ["delete"], action_reason="something_of_next_year"),
    )
    assert [change.reason for change in made.resources] == [
        "it is no longer in the configuration",
        "it cannot be changed in place: ami, az",
        "moved from a.old",
        None,
    ]


def test_sensitive_and_unknown_values_are_neither_shown_nor_lost() -> None:
    masker = Masker()
    made = read(
        {
            "resource_changes": [
                entry(
                    "a.b",
                    ["update"],
                    before={"password": "hunter2-old", "plain": 1, "list": ["s3cr3t-one", "two"]},
                    after={"password": "hunter2-new", "plain": 2, "list": ["s3cr3t-two", "two"]},
                    before_sensitive={"password": True, "list": [True, False]},
                    after_sensitive={"password": True, "list": [True]},
                    after_unknown={"id": True, "nested": {"x": True}, "list": [False]},
                )
            ],
            "output_changes": {
                "o": {"actions": ["create"], "before": None, "after": "s3cr3t-out", "after_sensitive": True}
            },
        },
        masker,
    )
    text = made.diff()
    assert "hunter2" not in text
    assert "s3cr3t" not in text
    assert "plain: 1 -> 2" in text
    assert "id: None -> (known after apply)" in text
    assert "nested.x: None -> (known after apply)" in text or "nested" in text
    assert masker.mask("hunter2-new s3cr3t-one s3cr3t-out hunter2-old") == "*** *** *** ***"


def test_a_change_of_nothing_but_a_secret_says_so() -> None:
    made = plan(
        entry("a.b", ["update"], before={"p": "secret-1"}, after={"p": "secret-2"}, before_sensitive={"p": True},
              after_sensitive={"p": True})
    )  # fmt: skip
    assert made.resources[0].attributes[0].path == "(a sensitive value)"


def test_what_is_declared_sensitive_is_learnt() -> None:
    masker = Masker()
    read(
        {
            "variables": {"p": {"value": {"deep": ["pass-word-1", 123456]}}, "q": {"value": "plain-one"}},
            "configuration": {"root_module": {"variables": {"p": {"sensitive": True}, "q": {}}}},
            "planned_values": {
                "root_module": {
                    "child_modules": [
                        {"resources": [{"values": {"k": "child-secret"}, "sensitive_values": {"k": True}}]}
                    ]
                }
            },
        },
        masker,
    )
    assert masker.mask("pass-word-1 123456 child-secret plain-one") == "*** *** *** plain-one"


def test_masked_follows_terraforms_map() -> None:
    assert masked({"a": "x", "b": ["y", "z"]}, {"a": True, "b": [False, True]}) == {
        "a": "(sensitive)",
        "b": ["y", "(sensitive)"],
    }
    assert masked(None, True) is None
    assert masked("x", None) == "x"
    assert masked(["x", "y"], [True]) == ["(sensitive)", "y"]


def test_long_values_and_many_changes_are_cut() -> None:
    made = plan(*(entry(f"a.n{i}", ["create"], after={"x": "y" * 500}) for i in range(1002)))
    text = made.diff()
    assert "... and 2 more" in text
    assert "y" * 201 not in text


def test_drift_is_part_of_the_diff() -> None:
    drift = [entry("a.b", ["update"], before={"x": 1}, after={"x": 2})]
    assert "changed outside terraform:" in plan(resource_drift=drift).diff()


def test_the_rest_of_a_plan_is_what_was_shown_or_its_tainted_halves() -> None:
    shown = plan(entry("a.one", ["create"], after={"x": 1}), entry("a.two", ["create"], after={"x": 1})).fingerprints
    rest = plan(entry("a.two", ["create"], after={"x": 1}))
    assert rest_of(shown, rest) == []
    tainted = plan(entry("a.two", ["delete", "create"], after={"x": 1}, action_reason="replace_because_tainted"))
    assert rest_of(shown, tainted) == []
    assert rest_of(shown, plan(entry("a.two", ["create"], after={"x": 2}))) == ["a.two"]
    assert rest_of(shown, plan(entry("a.new", ["create"], after={}))) == ["a.new"]
