"""What frames a request and asks for nothing: a greeting, a ticket's number, thanks and a name at the end."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reign.planner.keyword import english
from reign.planner.keyword.normalise import Shape, Token
from reign.planner.keyword.vocabulary import Vocabulary

_GREETINGS = frozenset({"hi", "hello", "hey", "dear", "hallo", "hiya", "howdy", "greetings", "yo", "ahoy", "folks"})
_TICKET = re.compile(r"\[?[A-Z][A-Z0-9]{1,9}-\d{1,7}\]?")
_TICKET_WORDS = frozenset(
    {
        *("ticket", "task", "todo", "request", "subject", "re", "fyi", "story", "jira", "incident", "note", "summary"),
        *("action", "actions", "steps", "goal", "objective", "agenda", "ask", "change", "description", "urgent"),
        *("title", "what", "work", "tasks", "hotfix", "chore", "please", "to", "do", "item", "items", "list", "day"),
        *("cleanup", "maintenance", "today", "checklist", "runbook", "release", "deployment", "rollout", "morning"),
        *(
            "one",
            "more",
            "quick",
            "question",
            "favour",
            "favor",
            "small",
            "another",
            "last",
            "final",
            "next",
            "other",
            "thing",
        ),
        *("procedure", "sequence", "order", "the", "my", "our", "following", "this", "is", "things", "requests"),
    }
)
_THANKS = tuple(
    tuple(line.split())
    for line in """
    thanks; thanks a lot; thanks a bunch; thanks a million; thanks so much; thank you so much; thank you very much
    thanks very much; thank you; thank u; thx; thnx; tnx; ty; cheers; regards; best regards; kind regards
    many thanks; tia
    warm regards; with kind regards; with best regards; thanks in advance; much appreciated; appreciate it; ta
    best wishes; all the best; yours; sincerely; merci; danke; gracias; sorry for the trouble; have a nice day
    have a great day; have a good day; thats all; that is all; that would be all; that would be great
    that would be nice; i appreciate it; would appreciate it; you rock; br; cu; bye; love; ciao; best
    """.replace("\n", ";").split(";")
    if line.strip()
)
_COUNTED = frozenset({"thing", "things", "task", "tasks", "request", "requests", "step", "steps", "item", "items"})
_NAMES = 6  # words behind "thanks"
_HEADING = 6  # words before a ticket's colon


def plain(tokens: Sequence[Token], vocabulary: Vocabulary) -> list[Token]:
    """The tokens without what frames them; a text of nothing else is left as it is."""
    begin = _greeting(tokens, vocabulary)
    begin += _heading(tokens[begin:], vocabulary)
    begin += _greeting(tokens[begin:], vocabulary)
    end = _thanks(tokens, begin, vocabulary)
    return list(tokens[begin:end]) if begin < end else list(tokens)


def _says_nothing(tokens: Sequence[Token], vocabulary: Vocabulary) -> bool:
    """Whether these are names or small words: none that an operation knows, and no value."""
    return all(
        token.shape in (Shape.PUNCT, Shape.BREAK)
        or (
            token.shape is Shape.WORD
            and token.word not in vocabulary.first_words
            and not vocabulary.is_noun(token)
            and not vocabulary.is_cue(token)
        )
        for token in tokens
    )


def _ends(token: Token) -> bool:
    return token.shape is Shape.BREAK or token.text in (",", "!", ".", ":", "-")


def _greeting(tokens: Sequence[Token], vocabulary: Vocabulary) -> int:
    """``hi team,``: how many tokens; 0 if what follows the greeting goes on without a stop."""
    good = len(tokens) > 1 and tokens[0].word == "good" and tokens[1].word in ("morning", "afternoon", "evening", "day")
    if not tokens or not (tokens[0].word in _GREETINGS or good):
        return 0
    for at in range(1, min(len(tokens), 6)):
        if _ends(tokens[at]):
            return at + 1 if _says_nothing(tokens[1 + good : at], vocabulary) else 0
    return 0


def _heading(tokens: Sequence[Token], vocabulary: Vocabulary) -> int:
    """``Ticket OPS-311:``, ``[OPS-311]``, ``TODO:``: how many tokens."""
    if tokens and _TICKET.fullmatch(tokens[0].text) and tokens[0].text.startswith("["):
        return 1
    for at, token in enumerate(tokens[:_HEADING]):
        if token.text in (":", "-", ",") and token.shape is Shape.PUNCT:
            ticket = any(_TICKET.fullmatch(t.text) for t in tokens[:at])
            verb = at == 1 and vocabulary.head_at(tokens, 0) is not None
            return at + 1 if at and not verb and (token.text == ":" or ticket) else 0
        counted = token.shape is Shape.NUMBER and at + 1 < len(tokens) and tokens[at + 1].word in _COUNTED
        if not (counted or token.word in _TICKET_WORDS or _TICKET.fullmatch(token.text)):
            return 0
    return 0


def _thanks(tokens: Sequence[Token], begin: int, vocabulary: Vocabulary) -> int:
    """Where thanks and a name end the request; its length if they do not."""
    for at in range(max(begin + 1, len(tokens) - _NAMES - 4), len(tokens)):
        for run in _THANKS:
            rest = at + len(run)
            if tuple(token.word for token in tokens[at:rest]) != run or len(tokens) - rest > _NAMES:
                continue
            before = tokens[at - 1]
            stands_apart = before.shape in (Shape.PUNCT, Shape.BREAK) or rest >= len(tokens) - 1
            if stands_apart and _says_nothing(tokens[rest:], vocabulary) and not _short(run, before):
                return at
    return len(tokens)


def _short(run: tuple[str, ...], before: Token) -> bool:
    """Whether words that are also names stand where a name could: ``a container called best``."""
    apart = before.shape in (Shape.PUNCT, Shape.BREAK)
    if before.word in english.PREPOSITIONS:
        return True
    return len(run) == 1 and not apart and run[0] not in ("thanks", "thx", "thnx", "tnx", "cheers", "tia")
