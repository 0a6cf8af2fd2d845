from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from workers.docker import names

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("written", "listed"),
    [
        ("nginx", "nginx:latest"),
        ("nginx:1.27", "nginx:1.27"),
        ("docker.io/library/nginx", "nginx:latest"),
        ("docker.io/team/app:1", "team/app:1"),
        ("localhost:5000/app", "localhost:5000/app:latest"),
        ("registry.example/team/app:1", "registry.example/team/app:1"),
        (f"nginx@{DIGEST}", f"nginx@{DIGEST}"),
        (f"nginx:1.27@{DIGEST}", f"nginx@{DIGEST}"),
        (f"localhost:5000/app@{DIGEST}", f"localhost:5000/app@{DIGEST}"),
        (DIGEST, DIGEST),
        ("a" * 64, DIGEST),
    ],
)
def test_the_name_as_the_engine_lists_it(written: str, listed: str) -> None:
    assert TypeAdapter(names.ImageName).validate_python(f" {written} ") == written
    assert names.full(written) == listed
    assert names.image_address(written) == f"docker:image/{listed}"


@pytest.mark.parametrize("wrong", ["", "My App", "app:", "-x", "app:1:2", "http://x/y", "../x", "app@sha256:12"])
def test_what_is_not_an_image(wrong: str) -> None:
    with pytest.raises(ValidationError, match="not an image name"):
        TypeAdapter(names.ImageName).validate_python(wrong)


def test_names_of_objects() -> None:
    assert TypeAdapter(names.Name).validate_python("web-1_a.b") == "web-1_a.b"
    for wrong in ("", "-web", "a b", "a/b", "x" * 300):
        with pytest.raises(ValidationError, match="cannot be a name"):
            TypeAdapter(names.Name).validate_python(wrong)


HERE = ["localhost:5000/team/app:1", "busybox:local", "httpd:local", "shop:1", "shop:3", f"other/app@{DIGEST}"]


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [
        ("localhost:5000/team/app:2", "localhost:5000/team/app:1"),
        ("team/app:1", "localhost:5000/team/app:1"),
        ("localhost:5000/team/nothere:1", None),
        ("busybox:lokal", "busybox:local"),
        ("bussybox", "busybox:local"),
        ("shop:2", "shop:1"),
        ("shpo:3", "shop:3"),
        (f"busybox@{DIGEST}", None),
        (DIGEST, None),
    ],
)
def test_the_image_that_was_meant(wanted: str, meant: str | None) -> None:
    assert names.nearest_image(wanted, HERE) == meant


def test_what_cannot_be_given_or_asked_for() -> None:
    digest = "sha256:" + "0" * 64
    for wrong in (digest, f"shop@{digest}", f"shop:1@{digest}"):
        with pytest.raises(ValidationError, match="names one content"):
            TypeAdapter(names.ImageTag).validate_python(wrong)
    with pytest.raises(ValidationError, match="no registry knows"):
        TypeAdapter(names.RemoteImage).validate_python(digest)
    assert TypeAdapter(names.RemoteImage).validate_python(f"shop@{digest}")
    with pytest.raises(ValidationError, match="longer than 255"):
        TypeAdapter(names.ImageName).validate_python("a" * 256 + ":1")
