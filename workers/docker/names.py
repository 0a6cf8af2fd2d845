"""Names: of images as Docker reads them, and of resources as REIGN addresses them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Annotated

from pydantic import AfterValidator

from reign.core.errors import nearest

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}")
_LONGEST = 255  # characters of an image's name without its tag, as registries count
_ID = re.compile(r"(?:sha256:)?[0-9a-f]{64}")
_IMAGE = re.compile(
    r"(?:[a-zA-Z0-9][a-zA-Z0-9.-]*(?::[0-9]+)?/)?"  # registry
    r"[a-z0-9]+(?:(?:[._/]|__|-+)[a-z0-9]+)*"  # path
    r"(?::\w[\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"  # tag and digest
)


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(f"{text[:60]!r} cannot be a name; use letters, digits, '_', '.' and '-'")
    return text


def _image(text: str) -> str:
    text = text.strip()
    if not is_id(text) and not _IMAGE.fullmatch(text):
        raise ValueError(f"{text[:80]!r} is not an image name; write [registry/]name[:tag] in lower case")
    if not is_id(text) and len(split(text)[0]) > _LONGEST:
        raise ValueError(f"{text[:80]!r} is not an image name: it is longer than {_LONGEST} characters")
    return text


def _tag(text: str) -> str:
    if is_id(text) or "@" in text:
        raise ValueError(
            f"{text[:80]!r} names one content, and cannot be given to another; write [registry/]name[:tag]"
        )
    return text


def _in_a_registry(text: str) -> str:
    if is_id(text):
        raise ValueError(
            f"{text[:80]!r} is an image's id here, which no registry knows; write name[:tag] or name@sha256:..."
        )
    return text


#: The name of a container, network or volume.
Name = Annotated[str, AfterValidator(_name)]
#: The name of an image as in ``docker pull``, or its id.
ImageName = Annotated[str, AfterValidator(_image)]
#: A name that an image can be given.
ImageTag = Annotated[ImageName, AfterValidator(_tag)]
#: What can be asked of a registry.
RemoteImage = Annotated[ImageName, AfterValidator(_in_a_registry)]


def is_id(image: str) -> bool:
    """Whether it is an image's id rather than a name."""
    return bool(_ID.fullmatch(image))


def split(image: str) -> tuple[str, str]:
    """``(repository, tag)``; the tag is ``latest`` where none is given, and a digest (``sha256:...``) counts as one."""
    if "@" in image:
        repository, digest = image.split("@", 1)
        return repository if ":" not in repository.rpartition("/")[2] else repository.rpartition(":")[0], digest
    last = image.rpartition("/")[2]
    if ":" in last:
        repository, _, tag = image.rpartition(":")
        return repository, tag
    return image, "latest"


def full(image: str) -> str:
    """The name as the engine lists it: with a tag, without Docker Hub's prefixes. An id stays as it is."""
    if is_id(image):
        return image if image.startswith("sha256:") else f"sha256:{image}"
    repository, tag = split(image)
    for prefix in ("docker.io/library/", "index.docker.io/library/", "docker.io/", "index.docker.io/", "library/"):
        if repository.startswith(prefix):
            repository = repository.removeprefix(prefix)
            break
    return f"{repository}@{tag}" if tag.startswith("sha256:") else f"{repository}:{tag}"


def registry(image: str) -> str | None:
    """The registry's host that is part of the name; None for Docker Hub."""
    first, slash, _ = image.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else None


def nearest_image(image: str, there: Iterable[str]) -> str | None:
    """The image that was probably meant: one whose own name, without registry and folders, is much the same.

    A whole name is like any other of the same registry, and whoever names a digest means that content and no other.
    """
    if is_id(image) or "@" in image:
        return None
    own = {one: split(one)[0].rpartition("/")[2] for one in there if "@" not in one}
    close = nearest(split(image)[0].rpartition("/")[2], set(own.values()))
    return max(
        (one for one in own if own[one] == close),
        key=lambda one: (registry(one) == registry(image), SequenceMatcher(None, one, full(image)).ratio()),
        default=None,
    )


def image_address(image: str) -> str:
    return f"docker:image/{full(image)}"


def container_address(name: str) -> str:
    return f"docker:container/{name}"


def network_address(name: str) -> str:
    return f"docker:network/{name}"


def volume_address(name: str) -> str:
    return f"docker:volume/{name}"
