"""Texts that look like secrets."""

from __future__ import annotations

import pytest

from reign.security.shapes import secrets_in


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("use AKIAIOSFODNN7EXAMPLE for it", "AKIAIOSFODNN7EXAMPLE"),
        ("token ghp_" + "a1B2" * 9, "ghp_" + "a1B2" * 9),
        ("key=sk-ant-api03-" + "xY9_" * 6, "sk-ant-api03-" + "xY9_" * 6),
        ("POSTGRES_PASSWORD=hunter2hunter", "hunter2hunter"),
        ('{"api_key": "qwertyuiop"}', "qwertyuiop"),
        ("postgres://shop:s3cr3t@db/shop", "s3cr3t"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\nAAAA\n-----END RSA PRIVATE KEY-----", "MIIE\nAAAA"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE cut off", "MIIE cut off"),
    ],
)
def test_secrets_are_found(text: str, secret: str) -> None:
    assert any(secret in found for found in secrets_in(text))


@pytest.mark.parametrize(
    "text",
    [
        "run nginx as web on port 8088",
        "PASSWORD=secret://env/PASSWORD",
        "password: ${{ tasks.make.result.password }}",
        "API_TOKEN=$TOKEN_OF_MINE",
        "token: short",
        "password=***",
        "https://example.org:8443/x@y",
    ],
)
def test_words_references_and_addresses_are_none(text: str) -> None:
    assert secrets_in(text) == []


def test_the_longest_comes_first_so_that_none_is_cut_in_two() -> None:
    found = secrets_in("a_password=abcdefgh b_password=abcdefghij")
    assert found == ["abcdefghij", "abcdefgh"]
