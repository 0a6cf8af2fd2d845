"""What a token can be, and how surely."""

from __future__ import annotations

from typing import Any

import pytest

from reign.core.lexicon import Kind
from reign.planner.keyword import values
from reign.planner.keyword.normalise import tokenise


def read(kind: Kind, text: str) -> Any:
    """``(value, strength)`` of a text that is one token, or None."""
    [token] = tokenise(text)
    reading = values.read(kind, token)
    return (reading.value, reading.strength) if reading else None


@pytest.mark.parametrize(
    "kind, text, expected",
    [
        (Kind.IMAGE, "nginx:1.27", ("nginx:1.27", 3)),
        (Kind.IMAGE, "localhost:5000/shop:1", ("localhost:5000/shop:1", 3)),
        (Kind.IMAGE, "ghcr.io/acme/api", ("ghcr.io/acme/api", 3)),
        (Kind.IMAGE, "acme/api", ("acme/api", 2)),
        (Kind.IMAGE, "nginx", ("nginx", 1)),
        (Kind.IMAGE, "localhost:8080", None),
        (Kind.IMAGE, "./shop", None),
        (Kind.IMAGE, "Shop", None),
        (Kind.IMAGE, "notes.txt", None),
        (Kind.PATH, "./shop", ("./shop", 3)),
        (Kind.PATH, "Dockerfile", ("Dockerfile", 3)),
        (Kind.PATH, "Dockerfile.prod", ("Dockerfile.prod", 3)),
        (Kind.PATH, "deploy/prod", ("deploy/prod", 2)),
        (Kind.PATH, "infra", ("infra", 1)),
        (Kind.PATH, "'my notes.txt'", ("my notes.txt", 3)),
        (Kind.PATH, "`rm -rf x`", None),
        (Kind.PATH, "nginx:1.27", None),
        (Kind.PATH, "*.log", None),
        (Kind.PATH, "http://a/b", None),
        (Kind.URL, "https://example.org", ("https://example.org", 3)),
        (Kind.URL, "localhost:8080/health", ("http://localhost:8080/health", 3)),
        (Kind.URL, "example.org", ("http://example.org/", 2)),
        (Kind.URL, "notes.txt", None),
        (Kind.URL, "web", None),
        (Kind.HOST, "10.0.0.5", ("10.0.0.5", 3)),
        (Kind.HOST, "fe80::1", ("fe80::1", 3)),
        (Kind.HOST, "172.30.0.0/24", ("172.30.0.0/24", 3)),
        (Kind.HOST, "db.example.org", ("db.example.org", 2)),
        (Kind.HOST, "db", ("db", 1)),
        (Kind.HOST, "registry.local:5000", ("registry.local:5000", 1)),
        (Kind.HOST, "a/b", None),
        (Kind.ADDRESS, "localhost:5432", (("localhost", 5432), 3)),
        (Kind.ADDRESS, "db:5432", (("db", 5432), 2)),
        (Kind.ADDRESS, "db:99999", None),
        (Kind.REPO, "acme/shop", ("acme/shop", 3)),
        (Kind.REPO, "https://github.com/acme/shop.git", ("acme/shop", 3)),
        (Kind.REPO, "shop", None),
        (Kind.PORT, "443", (443, 3)),
        (Kind.PORT, "443/tcp", (443, 3)),
        (Kind.PORT, "8000-8010", ("8000-8010", 3)),
        (Kind.PORT, "0", None),
        (Kind.PORT, "99999", None),
        (Kind.PUBLISH, "8080:80", (("8080", 80), 3)),
        (Kind.PUBLISH, "0.0.0.0:53:53/udp", (("0.0.0.0:53", "53/udp"), 3)),
        (Kind.PUBLISH, "8080", (("8080", None), 3)),
        (Kind.PUBLISH, "x", None),
        (Kind.NAME, "web-1", ("web-1", 2)),
        (Kind.NAME, "'web'", ("web", 2)),
        (Kind.NAME, "'two words'", None),
        (Kind.NAME, "a/b", None),
        (Kind.REF, "feature/login", ("feature/login", 2)),
        (Kind.TEXT, "'hello'", ("hello", 3)),
        (Kind.TEXT, "`hello`", ("hello", 2)),
        (Kind.TEXT, "a=1", ("a=1", 1)),
        (Kind.TEXT, "hello", None),
        (Kind.NUMBER, "five", (5, 3)),
        (Kind.NUMBER, "'5'", (5, 1)),
        (Kind.NUMBER, "x", None),
        (Kind.DURATION, "30s", (30, 3)),
        (Kind.DURATION, "30", (30, 1)),
        (Kind.SIZE, "512m", ("512m", 2)),
        (Kind.SIZE, "big", None),
        (Kind.COMMAND, "`df -h`", ("df -h", 3)),
        (Kind.COMMAND, "'df -h'", ("df -h", 2)),
        (Kind.COMMAND, "df", None),
        (Kind.MOUNT, "data:/data", ("data:/data", 3)),
        (Kind.MOUNT, "./site", ("./site", 2)),
        (Kind.INNER, "/data", ("/data", 2)),
        (Kind.INNER, "80", (80, 2)),
        (Kind.INNER, "x", None),
        (Kind.PAIRS, "A=1", (("A", "1"), 3)),
        (Kind.PAIRS, "--set=1", (("set", "1"), 3)),
        (Kind.ARGUMENTS, "x", None),
    ],
)
def test_readings(kind: Kind, text: str, expected: Any) -> None:
    assert read(kind, text) == expected


def test_what_is_too_long_is_no_name() -> None:
    assert read(Kind.NAME, "x" * 600) is None
    assert read(Kind.TEXT, "'" + "x" * 600 + "'") == ("x" * 600, 3)


@pytest.mark.parametrize(
    "text, expected",
    [("3", 3), ("-2", -2), ("0", 0), ("007", "007"), ("true", True), ("null", None), ("2.4.1", "2.4.1")],
)
def test_typed_texts(text: str, expected: Any) -> None:
    assert values.typed(text) == expected


def test_nested_keys() -> None:
    assert values.nested("image.tag", 2) == {"image": {"tag": 2}}
    assert values.nested(r"a\.b", 1) == {"a.b": 1}


@pytest.mark.parametrize(
    "path, name",
    [("ghcr.io/acme/shop:9", "shop"), ("./charts/shop/", "shop"), ("shop@sha256:0", "shop"), ("a/app.yaml", "app")],
)
def test_basenames(path: str, name: str) -> None:
    assert values.basename(path) == name


def test_folder_names() -> None:
    assert values.folder_name("deploy/shop/compose.yml") == "shop"
    assert values.folder_name("compose.yml") == ""
