"""What of a request and of data a model never sees."""

from __future__ import annotations

import base64

from reign.planner.llm.privacy import Veil

ENVIRON = {"GITHUB_TOKEN": "abcdefgh-token-value", "HOME": "/home/someone", "DB_PASSWORD": "short"}


def test_a_request_keeps_places_for_its_secrets_and_gets_them_back() -> None:
    veil = Veil(ENVIRON)
    text = "set TOKEN=abcdefgh-token-value and PASSWORD=hunter2hunter2, then PASSWORD=hunter2hunter2 again"
    hidden = veil.hide(text)
    assert "hunter2" not in hidden
    assert "abcdefgh" not in hidden
    assert veil.reveal({"a": [hidden], hidden: 1}) == {"a": [text], text: 1}
    assert veil.shown_in({"env": {"A": "REIGN_SECRET_1"}})
    assert not veil.shown_in({"n": 3, "b": None})


def test_the_same_request_is_hidden_in_the_same_way_whatever_the_secret() -> None:
    assert Veil({}).hide("PASSWORD=aaaaaaaa1 X") == Veil({}).hide("PASSWORD=bbbbbbbb22 X")


def test_data_loses_its_secrets_for_good_in_any_encoding() -> None:
    veil = Veil(ENVIRON)
    coded = base64.b64encode(b"user:abcdefgh-token-value").decode()
    masked = veil.mask(f"auth {coded} abcdefgh-token-value password=qwertyuiop /home/someone")
    assert "abcdefgh" not in masked
    assert coded not in masked
    assert "qwertyuiop" not in masked
    assert "/home/someone" in masked
    assert veil.reveal(masked) == masked


def test_stand_ins_that_a_model_makes_up_are_known_as_such() -> None:
    veil = Veil({})
    veil.hide("PASSWORD=aaaaaaaa1")
    assert veil.unknown({"x": "REIGN_SECRET_1 REIGN_SECRET_2"}) == ["REIGN_SECRET_2"]
    assert veil.mask_stand_ins("set REIGN_SECRET_1") == "set ***"


def test_without_secrets_nothing_changes() -> None:
    veil = Veil({})
    assert veil.hide("run nginx") == "run nginx"
    assert veil.reveal({"a": ("x",)}) == {"a": ("x",)}
