"""Parameter expansion: what ${...} stands for, as far as the command alone tells."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable

from workers.bash.judge.marks import MAYBE_EMPTY, NAME, SOME, UNKNOWN, is_known
from workers.bash.judge.quoting import ansi_c
from workers.bash.judge.scanner import UnclearError
from workers.bash.judge.scope import Scope

_PARAMETER = re.compile(r"(?P<name>[A-Za-z_]\w*|\d+|[@*#?$!_-])(?:\[(?P<index>(?:[^\[\]]|\[[^\]]*\])*)\])?", re.DOTALL)
_NUMBER = re.compile(r"\s*-?\d{1,9}\s*")
_LONGEST_MATCHED = 4096

Expand = Callable[[str], str]  # raw shell text -> its value
Values = list[str]  # one value; several only for "$@" and "${a[@]}"


def expand_parameter(body: str, scope: Scope, expand: Expand, prompt: Expand) -> tuple[Values, bool]:
    """The value(s) of ${body}, and whether they stay separate words inside quotes.

    `expand` resolves raw words inside it; `prompt` is told of a ${x@P}, which runs the value's substitutions.
    Raises UnclearError for a body that bash would not take.
    """
    if body.startswith("#") and len(body) > 1 and body[1] not in "#%:-=?+/":
        values, _ = expand_parameter(body[1:], scope, expand, prompt)
        return [str(sum(map(len, values))) if all(map(is_known, values)) else NAME], False
    indirect = body.startswith("!") and len(body) > 1 and body[1] not in ":-=?+#%/@*"
    match = _PARAMETER.match(body, 1 if indirect else 0)
    if not match:
        raise UnclearError("an expansion that cannot be read")
    name, index, rest = match["name"], match["index"], body[match.end() :]
    if indirect:
        if rest in ("*", "@") or index in ("@", "*"):
            return [UNKNOWN], True
        target = scope.value(name)
        inner = _PARAMETER.fullmatch(target)
        if not inner:
            return [prompt(UNKNOWN) if rest == "@P" else UNKNOWN], False
        name, index = inner["name"], inner["index"]
    values, many = _values(name, index, scope, expand)
    if not rest:
        return values, many
    return _operated(values, many, name, rest, scope, expand, prompt)


def _values(name: str, index: str | None, scope: Scope, expand: Expand) -> tuple[Values, bool]:
    if name in "@*" and index is None:
        return list(scope.positional), name == "@"
    if index is None:
        return [scope.value(name)], False
    items = scope.arrays.get(name)
    if index in ("@", "*"):
        return ([UNKNOWN] if items is None else list(items.values())), index == "@"
    key = expand(index).strip()
    if items is None or not is_known(key):
        return [UNKNOWN], False
    if key.startswith("-") and key[1:].isdigit():
        ordered = list(items.values())
        return [ordered[int(key)] if int(key[1:]) <= len(ordered) else ""], False
    return [items.get(key, "")], False


def _operated(
    values: Values, many: bool, name: str, rest: str, scope: Scope, expand: Expand, prompt: Expand
) -> tuple[Values, bool]:
    default = re.match(r":?[-=?+]", rest)
    if default and not many:
        return _defaulted(values, name, default[0], rest[default.end() :], scope, expand)
    if default:
        return (values or [expand(rest[default.end() :])]), many
    if rest.startswith("@"):
        return [_transformed(value, rest[1:], prompt) for value in values], many
    if rest.startswith(":"):
        return _sliced(values, many, [expand(part) for part in rest[1:].split(":")]), many
    if rest[0] in "#%":
        longest = rest[:2] in ("##", "%%")
        pattern = expand(rest[2 if longest else 1 :])
        return [_trimmed(value, pattern, front=rest[0] == "#", longest=longest) for value in values], many
    if rest[0] == "/":
        return [_replaced(value, rest[1:], expand) for value in values], many
    if rest[0] in "^,":
        return [_cased(value, rest) for value in values], many
    raise UnclearError("an expansion that cannot be read")


def _defaulted(
    values: Values, name: str, operator: str, word: str, scope: Scope, expand: Expand
) -> tuple[Values, bool]:
    known = scope.is_set(name)
    if operator.startswith(":") and known and values == [""]:
        known = False
    action = operator[-1]
    if action == "?":
        expand(word)
        return ([SOME if value in MAYBE_EMPTY else value for value in values]), False
    if action == "+":
        replacement = expand(word)
        return ([UNKNOWN] if known is None else [replacement if known else ""]), False
    # The worker's environment is scrubbed, so an unset variable is the likely case: the default applies.
    if known:
        return values, False
    value = expand(word)
    if action == "=":
        scope.assign(name, value)
    return [value], False


def _transformed(value: str, operator: str, prompt: Expand) -> str:
    if operator == "P":
        return prompt(value)
    if operator == "Q":
        return value
    if not is_known(value):
        return UNKNOWN
    changes: dict[str, Callable[[str], str]] = {
        "E": ansi_c,
        "U": str.upper,
        "L": str.lower,
        "u": lambda text: text[:1].upper() + text[1:],
    }
    return changes[operator](value) if operator in changes else UNKNOWN


def _sliced(values: Values, many: bool, bounds: list[str]) -> Values:
    if len(bounds) > 2 or not all(_NUMBER.fullmatch(bound or "0") for bound in bounds):
        return [UNKNOWN]
    start = int(bounds[0] or "0")
    length = int(bounds[1] or "0") if len(bounds) == 2 else None
    if many:
        first = max(0, start - 1)  # "${@:1}" counts from $1
        return values[first : None if length is None else first + max(0, length)]
    value = values[0] if values else ""
    if not is_known(value):
        return [UNKNOWN]
    tail = value[start:] if start >= -len(value) else ""
    return [tail if length is None else tail[:length]]


def _trimmed(value: str, pattern: str, *, front: bool, longest: bool) -> str:
    if not is_known(value + pattern) or len(value) > _LONGEST_MATCHED or len(pattern) > 64:
        # Trimming a plain name leaves a plain name.
        return NAME if value == NAME else UNKNOWN
    matcher = re.compile(fnmatch.translate(pattern.replace("[^", "[!")))
    cuts = range(len(value) + 1) if front is not longest else range(len(value), -1, -1)
    for cut in cuts:
        if front and matcher.match(value[:cut]):
            return value[cut:]
        if not front and matcher.match(value[cut:]):
            return value[:cut]
    return value


def _replaced(value: str, rest: str, expand: Expand) -> str:
    everywhere, front, back = rest.startswith("/"), rest.startswith("#"), rest.startswith("%")
    pattern, _, replacement = _split(rest[1:] if everywhere or front or back else rest)
    pattern, replacement = expand(pattern), expand(replacement)
    if not is_known(value + pattern) or len(value) > _LONGEST_MATCHED or len(pattern) > 64:
        return UNKNOWN
    source = fnmatch.translate(pattern.replace("[^", "[!")).removesuffix("\\Z").removesuffix("\\z")
    source = ("\\A" if front else "") + source + ("\\Z" if back else "")
    return re.sub(source, lambda _: replacement, value, count=0 if everywhere else 1)


def _split(text: str) -> tuple[str, str, str]:
    """A pattern and its replacement, apart at the first slash that is not escaped."""
    match = re.match(r"((?:\\.|[^\\/])*)(/?)(.*)", text, re.DOTALL)
    assert match
    return match[1], match[2], match[3]


def _cased(value: str, operator: str) -> str:
    if not is_known(value):
        return NAME if value == NAME else UNKNOWN
    change = str.upper if operator[0] == "^" else str.lower
    return change(value) if operator[1:2] == operator[0] else change(value[:1]) + value[1:]
