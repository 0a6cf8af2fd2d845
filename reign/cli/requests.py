"""What a command takes as a request: a sentence, or a plan file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from reign.core import planfile
from reign.core.check import InvalidPlan, Place, parse_plan
from reign.core.errors import InvalidInput

_SUFFIXES = (".yaml", ".yml", ".json")


def read(words: list[str]) -> tuple[str | None, dict[str, Any] | None, dict[Place, tuple[int, int]]]:
    """``(request, plan, locations)``: one of the first two is given. ``-`` reads a plan from standard input.

    Raises InvalidInput for a file that cannot be read, InvalidPlan for what is not a plan.
    """
    text = " ".join(words).strip()
    if not text:
        raise InvalidInput("there is no request", hint='reign plan "build ./shop as shop:1", or reign plan FILE')
    if text == "-":
        return None, *_parsed(sys.stdin.read(planfile.MAX_BYTES + 1))
    path = Path(text)
    named = path.suffix in _SUFFIXES and len(text.split()) < 3  # "apply manifest ./app.yaml" is a sentence
    if len(words) == 1 and (named or (len(text) < 4096 and "\n" not in text and path.is_file())):
        return None, *_parsed(_content(path))
    return text, None, {}


def _content(path: Path) -> str:
    try:
        if path.stat().st_size > planfile.MAX_BYTES:
            size, most = path.stat().st_size / 2**20, planfile.MAX_BYTES // 2**20
            raise InvalidInput(f"{path} has {size:.0f} MB; a plan has at most {most} MB", hint="split it")
        return path.read_text()
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not text", hint="a plan file is YAML or JSON in UTF-8") from None
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}", hint="give a plan file, or a sentence") from None


def _parsed(text: str) -> tuple[dict[str, Any], dict[Place, tuple[int, int]]]:
    content, locations = planfile.load(text)
    parse_plan(content, locations)  # structural faults are told with their line here, before anything is sent
    return content, locations


def params(given: list[str]) -> dict[str, Any]:
    """``NAME=VALUE`` options; values are read as YAML, so numbers are numbers; one that a number would write otherwise
    (``1.10``, ``007``) stays text. Raises InvalidInput."""
    found: dict[str, Any] = {}
    for item in given:
        name, equals, value = item.partition("=")
        if not equals or not name:
            raise InvalidInput(f"--param {item!r} is not NAME=VALUE")
        try:
            read = planfile.load(value)[0] if value.strip() else ""
            changed = type(read) in (int, float) and json.dumps(read) != value.strip()
            found[name] = value if changed else read
        except InvalidPlan:
            found[name] = value
    return found
