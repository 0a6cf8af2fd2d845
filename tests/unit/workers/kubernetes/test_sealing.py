"""Which values of a manifest are sealed, in each way in which it can be written."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from reign.core.errors import InvalidInput
from workers.kubernetes.sealing import sealed, sealed_inputs

PASSWORD = "hunter2-in-clear"
ENCODED = base64.b64encode(PASSWORD.encode()).decode()
ABOUT = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}}


class Sealing:
    """Notes what it is given, and writes it so that a test can read it."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self.followed: list[str] = []
        self.given: Any = None

    def value(self, text: str, *, base64: bool = False, quoted: bool = False) -> str:
        if "${{" in text or "secret://" in text:
            self.followed.append(text)
            return text
        reference = f"secret://sealed/{len(self.found)}{'b' * base64}{'q' * quoted}."
        self.found[reference] = text
        return reference

    def follow(self, text: str, change: Callable[[Any], Any]) -> None:
        self.followed.append(text)
        self.given = change(self.given) if self.given is not None else None

    def opened(self, text: str) -> str:
        for reference, value in self.found.items():
            text = text.replace(reference, yaml.dump(value, default_style='"', width=9999).strip())
        return text


@pytest.fixture
def sealing() -> Sealing:
    return Sealing()


def test_an_object(sealing: Sealing) -> None:
    body = {
        **ABOUT,
        "data": {"a": ENCODED, "b": "secret://env/B", "raw": "no base64!"},
        "stringData": {"c": PASSWORD, "d": "", "e": None, "f": "${{ params.f }}"},
    }
    found = sealed(body, sealing)
    assert list(sealing.found.values()) == [ENCODED, "no base64!", PASSWORD]
    assert found["data"] == {"a": "secret://sealed/0b.", "b": "secret://env/B", "raw": "secret://sealed/1."}
    assert found["stringData"] == {"c": "secret://sealed/2.", "d": "", "e": None, "f": "${{ params.f }}"}
    assert sealed(found, Sealing()) == found, "once is enough"


def test_what_is_no_secret_stays_as_it_is(sealing: Sealing) -> None:
    for manifest in (
        {"kind": "ConfigMap", "data": {"a": PASSWORD}},
        "manifests/Secret.yaml",
        "kind: ConfigMap\ndata: {a: Secret}\n",
        "kind: [",
        None,
        7,
        {"kind": "Secret", "data": 7, "metadata": []},
    ):
        assert sealed(manifest, sealing) == manifest
    assert sealed_inputs({"kind": "deployment"}, sealing) == {"kind": "deployment"}
    assert not sealing.found


def test_within_lists_and_what_kubectl_noted(sealing: Sealing) -> None:
    noted = {"kubectl.kubernetes.io/last-applied-configuration": f'{{"data": "{ENCODED}"}}'}
    secret = {**ABOUT, "metadata": {"name": "db", "annotations": noted}}
    inner = {"kind": "List", "items": [secret, {**ABOUT, "stringData": {"a": PASSWORD}}]}
    found = sealed([{"kind": "SecretList", "items": [inner]}], sealing)
    assert PASSWORD not in str(found)
    assert ENCODED not in str(found)


def test_what_an_expression_gives_is_followed(sealing: Sealing) -> None:
    sealing.given = {**ABOUT, "stringData": {"a": PASSWORD}}
    sealed("${{ params.secret }}", sealing)
    assert sealing.given["stringData"] == {"a": "secret://sealed/0."}
    sealing.given = {"a": PASSWORD}
    sealed({**ABOUT, "stringData": "${{ item.values }}"}, sealing)
    assert sealing.given == {"a": "secret://sealed/1."}
    assert sealing.followed == ["${{ params.secret }}", "${{ item.values }}"]


TEXT = f"""\
# the old one was {PASSWORD}
kind: ConfigMap
metadata: {{name: {PASSWORD}}}  # a name stays
---
apiVersion: v1
kind: Secret
metadata:
  name: db  # not "{PASSWORD}" any more
stringData:
  plain: {PASSWORD}
  quoted: "{PASSWORD}"   # kept
  number: !!str 12345678
  block: |
    -----BEGIN KEY-----
    {PASSWORD}

  folded: >-
    {PASSWORD}
    again
  anchored: &it '{PASSWORD}'
  again: *it
  by: ${{{{ tasks.x.result.y }}}}
data: {{x: {ENCODED}, y: null}}
---
{{"kind": "List", "items": [
  {{"kind": "Secret", "metadata": {{"name": "j"}}, "data": {{"y":"{ENCODED}","z": "{ENCODED}"}}}}]}}
---
"""


def test_a_text_keeps_all_but_the_values(sealing: Sealing) -> None:
    found = sealed(TEXT, sealing)
    assert found.count(PASSWORD) == 1, "the name"
    assert ENCODED not in found
    assert "# the old one was ***" in found
    assert "by: ${{ tasks.x.result.y }}" in found
    assert 'not "***" any more' in found
    assert "quoted: secret://sealed/2q.   # kept" in found
    assert "{x: secret://sealed/0bq., y: null}" in found
    assert list(yaml.safe_load_all(found))
    assert list(yaml.safe_load_all(sealing.opened(found))) == list(yaml.safe_load_all(TEXT))
    assert sealed(found, Sealing()) == found


def test_values_that_come_by_a_merge(sealing: Sealing) -> None:
    text = (
        f"- &base {{kind: Secret, metadata: {{name: a}}, stringData: &d {{p: {PASSWORD}}}}}\n"
        f"- {{<<: [*base], stringData: {{<<: *d, q: {PASSWORD}2}}}}\n"
    )
    found = sealed(text, sealing)
    assert PASSWORD not in found
    assert yaml.safe_load(sealing.opened(found)) == yaml.safe_load(text)


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ({**ABOUT, "stringData": {"pin": 1234}}, "stringData.pin of Secret db is no text"),
        ({**ABOUT, "data": {"pin": ["a"]}}, "data.pin of Secret db is no text"),
        ("kind: Secret\nstringData: {pin: 0123}\n", "the value in line 2 of a Secret's stringData is no text"),
        ("kind: Secret\nstringData:\n  pin: [\n", "holds a Secret is no YAML in line 4"),
    ],
)
def test_what_cannot_be_sealed_is_refused(manifest: Any, said: str, sealing: Sealing) -> None:
    with pytest.raises(InvalidInput, match=said):
        sealed(manifest, sealing)


def test_a_text_that_only_the_run_completes_is_left_to_it(sealing: Sealing) -> None:
    text = "kind: Secret\n${{ params.rest }}\n x: [\n"
    assert sealed(text, sealing) == text
    assert sealing.followed == [text]
    text = text.replace("${{ params.rest }}", "secret://sealed/1.")
    assert sealed(text, sealing) == text
