"""Where a quoted or expanded piece of shell text ends."""

from __future__ import annotations

_DEEPEST = 40


class UnclearError(ValueError):
    """The text cannot be cut into pieces with certainty; the caller fails closed."""


def skip(text: str, at: int, depth: int = 0) -> int:
    """Index after the construct that starts at `at`: an escape, a quotation, an expansion, or one character.

    Raises UnclearError if the construct is not closed or nests deeper than the judge looks.
    """
    if depth > _DEEPEST:
        raise UnclearError("nested too deeply")
    here, after = text[at], text[at + 1 : at + 2]
    if here == "\\":
        return min(at + 2, len(text))
    if here == "'":
        return _index(text, "'", at + 1) + 1
    if here == '"':
        return end_of_double(text, at + 1, depth + 1)
    if here == "`":
        return end_of_backticks(text, at + 1)
    if here == "$":
        if after == "'":
            return end_of_ansi(text, at + 2)
        if after == '"':
            return end_of_double(text, at + 2, depth + 1)
        if after == "(":
            return end_of_paren(text, at + 2, depth + 1)
        if after == "{":
            return end_of_brace(text, at + 2, depth + 1)
        if after == "[":
            closing = text.find("]", at)
            return closing + 1 if closing >= 0 else at + 1
    if here in "<>" and after == "(":
        return end_of_paren(text, at + 2, depth + 1)
    return at + 1


def _index(text: str, character: str, start: int) -> int:
    found = text.find(character, start)
    if found < 0:
        raise UnclearError(f"no closing {character}")
    return found


def end_of_ansi(text: str, at: int) -> int:
    """Index after the closing quote of $'...', `at` being the first character inside."""
    while at < len(text):
        if text[at] == "\\":
            at += 2
        elif text[at] == "'":
            return at + 1
        else:
            at += 1
    raise UnclearError("no closing '")


def end_of_double(text: str, at: int, depth: int = 0) -> int:
    """Index after the closing double quote, `at` being the first character inside."""
    while at < len(text):
        here = text[at]
        if here == '"':
            return at + 1
        if here == "\\" or here == "`" or (here == "$" and text[at + 1 : at + 2] in ("(", "{")):
            at = skip(text, at, depth + 1)
        else:
            at += 1
    raise UnclearError('no closing "')


def end_of_backticks(text: str, at: int) -> int:
    """Index after the closing backtick, `at` being the first character inside."""
    while at < len(text):
        if text[at] == "\\":
            at += 2
        elif text[at] == "`":
            return at + 1
        else:
            at += 1
    raise UnclearError("no closing `")


def end_of_brace(text: str, at: int, depth: int = 0) -> int:
    """Index after the brace that closes ${, `at` being the first character inside."""
    while at < len(text):
        if text[at] == "}":
            return at + 1
        at = skip(text, at, depth + 1)
    raise UnclearError("no closing }")


def end_of_paren(text: str, at: int, depth: int = 0) -> int:
    """Index after the parenthesis that closes $( or <(, `at` being the first character inside.

    A `case` pattern inside closes too early here; what is then left over does not parse, so that the judge
    fails closed on it.
    """
    if depth > _DEEPEST:
        raise UnclearError("nested too deeply")
    start = at
    while at < len(text):
        here = text[at]
        if here == ")":
            return at + 1
        if here == "(":
            at = end_of_paren(text, at + 1, depth + 1)
        elif here == "#" and (at == start or text[at - 1] in " \t\n;&|("):
            newline = text.find("\n", at)
            at = len(text) if newline < 0 else newline
        else:
            at = skip(text, at, depth + 1)
    raise UnclearError("no closing )")
