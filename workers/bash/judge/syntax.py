"""tree-sitter's reading of a command line, with its known misreadings taken care of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

from workers.bash.judge.scanner import UnclearError, skip
from workers.bash.judge.tables import names

Span = tuple[int, int]

# Steps of the parser after the first error. It takes ever longer for them: 300 are well under a second.
_MOST_GUESSES = 300
_MOST_MOVED = 8


@dataclass(frozen=True, slots=True)
class Syntax:
    """A parsed text; spans are byte offsets into `source`.

    `dropped`: what the parser passed over without a word, although it is no blank (0.25 loses the `-` of `cat - <<E`).
    """

    text: str
    source: bytes
    root: Node
    dropped: tuple[Span, ...] = ()

    @property
    def is_doubtful(self) -> bool:
        """Whether the parser had to guess, or is known to guess wrongly: bash may read this text differently."""
        if self.root.has_error or any(self.slice(span) != "-" for span in self.dropped):
            return True
        return any(_is_misread(self, node) for node in nodes(self.root))

    def slice(self, span: Span) -> str:
        return self.source[span[0] : span[1]].decode("utf-8", "replace")

    def text_of(self, node: Node) -> str:
        return self.slice((node.start_byte, node.end_byte))


@cache
def _language() -> Language:
    return Language(tree_sitter_bash.language())


class TooBrokenError(ValueError):
    """The text is no shell code, and too long to find out what is."""


def _tree(source: bytes) -> Node:
    guesses = 0

    def gives_up(_place: int, broken: bool) -> bool:
        nonlocal guesses
        guesses += broken
        return guesses > _MOST_GUESSES

    try:
        parser = Parser(_language())
        return parser.parse(lambda place, _point: source[place:], progress_callback=gives_up).root_node
    except ValueError as error:
        raise TooBrokenError("it cannot be parsed") from error


def parse(text: str) -> Syntax:
    """tree-sitter's reading; `root.has_error` tells that it had to guess.

    Raises TooBrokenError for a text so long and so broken that guessing would take seconds.
    """
    source = text.encode("utf-8", "replace")
    root = _tree(source)
    if root.has_error and b"<>" in source:
        root = _without_read_write(source, root)
    if root.has_error and b"<<<" in source:
        source, root = _here_strings_first(source, root)
        text = source.decode("utf-8", "replace")
    return Syntax(text, source, root, _dropped(source, root))


def _without_read_write(source: bytes, root: Node) -> Node:
    """The tree with every <> taken for >>, which the grammar knows (0.25 does not know <>), if that parses."""
    changed = bytearray(source)
    for node in nodes(root):
        at = node.start_byte
        if node.type == "ERROR" and source[at : at + 2] == b"<>":
            changed[at] = ord(">")
        elif node.type == "ERROR" and source[at - 1 : node.end_byte] == b"<>":
            changed[at - 1] = ord(">")
    repaired = _tree(bytes(changed))
    return root if repaired.has_error else repaired


def _here_strings_first(source: bytes, root: Node) -> tuple[bytes, Node]:
    """The text with here-strings before redirections of output, where the grammar (0.25) takes them."""
    for _ in range(_MOST_MOVED):
        changed = next(filter(None, (_moved(source, node) for node in nodes(root) if node.type == "ERROR")), None)
        if changed is None:
            break
        source, root = changed, _tree(changed)
    return source, root


def _moved(source: bytes, error: Node) -> bytes | None:
    before, after = error.prev_sibling, error.next_sibling
    if before is None or after is None or source[error.start_byte : error.end_byte] != b"<<":
        return None
    first, second = source[before.start_byte : before.end_byte], source[error.start_byte : after.end_byte]
    if not re.match(rb"[12&]?>", first) or not second.startswith(b"<<<") or after.type != "file_redirect":
        return None
    between = source[before.end_byte : error.start_byte] or b" "
    return source[: before.start_byte] + second + between + first + source[after.end_byte :]


_TAKEN_WHOLE = frozenset(
    ("string", "raw_string", "heredoc_body", "expansion", "command_substitution", "arithmetic_expansion", "regex")
)


def _dropped(source: bytes, root: Node) -> tuple[Span, ...]:
    taken = bytearray(len(source))
    for node in nodes(root):
        if not node.children or node.type in _TAKEN_WHOLE:
            taken[node.start_byte : node.end_byte] = b"\1" * (node.end_byte - node.start_byte)
    spans: list[Span] = []
    for at, character in enumerate(source):
        escaped_newline = source[at : at + 2] == b"\\\n"
        if not taken[at] and character not in b" \t\r\n" and not escaped_newline:
            if spans and spans[-1][1] == at:
                spans[-1] = (spans[-1][0], at + 1)
            else:
                spans.append((at, at + 1))
    return tuple(spans)


def nodes(root: Node) -> Iterator[Node]:
    """Every node, parents first."""
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(node.children))


@dataclass(slots=True)
class Shape:
    """A simple command taken apart: assignments, words (byte spans), redirections."""

    assigns: list[Node] = field(default_factory=list)
    words: list[Span] = field(default_factory=list)
    redirects: list[Node] = field(default_factory=list)
    targets: dict[int, Span] = field(default_factory=dict)  # redirect node id -> span of its target

    def add_word(self, node: Node) -> None:
        """A word; what touches the word before it belongs to it (the grammar cuts $"x" in two)."""
        if self.words and self.words[-1][1] == node.start_byte:
            self.words[-1] = (self.words[-1][0], node.end_byte)
        else:
            self.words.append((node.start_byte, node.end_byte))


_REDIRECTS = ("file_redirect", "herestring_redirect", "heredoc_redirect")


def shape(node: Node | None, extra: Iterable[Node] = (), dropped: Iterable[Span] = ()) -> Shape:
    """Takes a command node and the redirections around it apart.

    The grammar puts words that follow a redirection (`rm 2>/dev/null -rf x`) into the redirection. `dropped` words
    between the command and its here-document are taken back in.
    """
    result = Shape()
    redirects = list(extra)
    for child in node.children if node else ():
        if child.type in ("variable_assignment", "variable_assignments") and _is_prefix(node, result):
            result.assigns.append(child)
        elif child.type in _REDIRECTS:
            _add_redirect(result, child)
        elif child.type not in ("comment", ";", "\n"):
            result.add_word(child)
    for redirect in redirects:
        if redirect.type == "heredoc_redirect" and node is not None:
            result.words.extend(span for span in dropped if node.end_byte <= span[0] < redirect.start_byte)
        _add_redirect(result, redirect)
    return result


def _is_prefix(node: Node | None, result: Shape) -> bool:
    return node is not None and node.type == "command" and not result.words


def _add_redirect(result: Shape, node: Node) -> None:
    result.redirects.append(node)
    if node.type == "file_redirect":
        target = Shape()
        for child in node.children_by_field_name("destination"):
            target.add_word(child)
        if target.words:
            result.targets[node.id] = target.words[0]
            result.words.extend(target.words[1:])
    elif node.type == "heredoc_redirect":
        for child in node.children_by_field_name("argument"):
            # A body whose first line begins with a backslash is cut into arguments (0.25).
            if child.end_point.row == node.start_point.row:
                result.add_word(child)
        for child in node.children:
            if child.type in _REDIRECTS:
                _add_redirect(result, child)


# What may hold a newline that is not escaped; every other leaf ends at the end of its line.
_MULTILINE = frozenset(
    (
        *(
            "string",
            "string_content",
            "raw_string",
            "ansi_c_string",
            "heredoc_body",
            "heredoc_content",
            "heredoc_redirect",
        ),
        *("regex", "\n", '"'),
    )
)
_ONE_LINE = names(
    "command variable_assignment file_redirect herestring_redirect concatenation command_name unset_command "
    "translated_string"
)
_ONE_WORD = names("variable_assignment concatenation command_name translated_string")
_NOTHING = re.compile(rb"(?:\\\n)*")
_BLANKS = re.compile(rb"(?!(?:\\\n)+$)(?:[ \t\r]|\\\n)*")  # an escaped newline alone joins two words


_QUOTED = names(
    "string raw_string ansi_c_string command_substitution process_substitution expansion arithmetic_expansion"
)


def _closes(text: str) -> bool:
    """Whether a quotation or an expansion ends where it should (0.25 takes $'\\\\' for open)."""
    try:
        return skip(text, 0) == len(text)
    except UnclearError:
        return False


def _is_misread(syntax: Syntax, node: Node) -> bool:
    """Whether the grammar went over the end of a line, or ended a here-document elsewhere than bash does."""
    if node.type == "heredoc_redirect":
        return not ends_rightly(syntax, node)
    text = syntax.text_of(node)
    if node.parent is not None and node.parent.type == "string" and node.type != "string_content":
        text = text.lstrip()  # in " $1" the blank is taken for a part of the expansion
    if node.type in _QUOTED and not _closes(text):
        return True
    if node.type == "simple_expansion":
        return re.search(r"\s", text.replace("\\\n", "")) is not None
    source = syntax.source
    if not node.children and node.type not in _MULTILINE:
        return b"\n" in source[node.start_byte : node.end_byte].replace(b"\\\n", b"").strip(
            b"\n" if not node.is_named else b""
        )
    if node.type not in _ONE_LINE:
        return False
    if node.type == "variable_assignment" and b"\\\n" in source[node.start_byte : node.end_byte]:
        return True
    ends = [child.end_byte for child in node.children]
    starts = [child.start_byte for child in node.children[1:]]
    between = _NOTHING if node.type in _ONE_WORD else _BLANKS
    return any(not between.fullmatch(source[end:start]) for end, start in zip(ends, starts, strict=False))


_DELIMITER = re.compile(r"\\?(?P<bare>\w[\w.-]*)|(?P<mark>['\"])(?P<quoted>[\w .:-]+)(?P=mark)")


def ends_rightly(syntax: Syntax, node: Node) -> bool:
    """Whether bash ends this here-document where the grammar does, which takes `E ` for E and knows no E"F"."""
    start, end = _child(node, "heredoc_start"), _child(node, "heredoc_end")
    delimiter = _DELIMITER.fullmatch(syntax.text_of(start)) if start else None
    if start is None or end is None or delimiter is None:
        return False
    word = delimiter["bare"] or delimiter["quoted"]
    lines = syntax.source[start.end_byte :].decode("utf-8", "replace").split("\n")[1:]
    last = syntax.source[start.end_byte : end.start_byte].count(b"\n") - 1
    tabs = "\t" if node.children[0].type == "<<-" else ""
    matches = [line.lstrip(tabs) if tabs else line for line in lines]
    return word in matches and matches.index(word) == last


def _child(node: Node, kind: str) -> Node | None:
    return next((child for child in node.children if child.type == kind), None)


def heredoc(syntax: Syntax, node: Node) -> tuple[str, bool]:
    """The text of a here-document and whether it is taken literally."""
    start, body, end = (_child(node, f"heredoc_{kind}") for kind in ("start", "body", "end"))
    text = syntax.text_of(body) if body else ""
    if not text and start is not None and end is not None:
        line_end = syntax.source.find(b"\n", start.end_byte, end.start_byte)
        text = syntax.slice((line_end + 1, end.start_byte)) if line_end >= 0 else ""
    if node.children[0].type == "<<-":
        text = "\n".join(line.lstrip("\t") for line in text.split("\n"))
    return text, start is not None and any(mark in syntax.text_of(start) for mark in "'\"\\")


COMMANDS = ("command", "declaration_command", "unset_command")


def command_words(syntax: Syntax) -> dict[int, list[str]]:
    """Every simple command that tree-sitter sees: byte offset of its first word -> its words, raw."""
    found: dict[int, list[str]] = {}
    for node in nodes(syntax.root):
        if node.type == "redirected_statement":
            body = node.child_by_field_name("body")
            extra = node.children_by_field_name("redirect")
            while body is not None and body.type in ("list", "pipeline") and body.named_children:
                body = body.named_children[-1]
            if body is not None and body.type not in COMMANDS:
                continue
            parts = shape(body, extra, syntax.dropped)
        elif node.type in COMMANDS:
            parts = shape(node)
        else:
            continue
        if parts.words:
            known = found.get(parts.words[0][0], [])
            words = [syntax.slice(span) for span in parts.words]
            found[parts.words[0][0]] = max(known, words, key=len)
    return found
