"""Clause to operation: the phrase that explains the most of its words, if it is alone in that and lacks nothing."""

from __future__ import annotations

from collections.abc import Container, Sequence, Set
from dataclasses import replace

from reign.core.errors import NotUnderstood
from reign.core.lexicon import CHECK
from reign.planner.keyword import english, questions, values
from reign.planner.keyword.clauses import Clause
from reign.planner.keyword.discourse import Discourse
from reign.planner.keyword.frame import Match
from reign.planner.keyword.inflection import singular
from reign.planner.keyword.match import Matcher
from reign.planner.keyword.normalise import Shape, Token
from reign.planner.keyword.vocabulary import Vocabulary, Words

#: Two operations whose scores are closer than this are both possible.
_CLOSE = 1.0
_NAMES = frozenset({Shape.WORD, Shape.TYPED})
_MANY = 4  # operations that a verb can mean
_SMALL = (
    *(english.ARTICLES, english.PREPOSITIONS, english.POLITE, english.PRONOUNS, english.AUXILIARIES, english.AND),
    *(english.ADJECTIVES, english.QUANTIFIERS, english.ASKING),
)
_CONTRAST = frozenset({"but", "while"})
_MOST_PARTS = 200  # of a list with one verb


class Understanding:
    """Reads the clauses of one request."""

    def __init__(self, vocabulary: Vocabulary, text: str) -> None:
        self.vocabulary = vocabulary
        self.text = text
        self.matcher = Matcher(vocabulary, text)

    def clause(
        self, clause: Clause, discourse: Discourse, lent: Sequence[Sequence[Token]] = ()
    ) -> tuple[list[Match], Clause | None]:
        """What the clause asks for; several matches where one verb serves several: ``scale a to 1 and b to 2``.

        The second value is a rest that speaks of what the first part makes, to be read after it. Raises NotUnderstood.
        """
        ranked = self.ranked(clause, discourse, lent)
        if ranked and ranked[0].fits:
            try:
                return [self._only(ranked)], None
            except NotUnderstood:
                sorts, _ = self._parts(clause, discourse, lent, english.AND | {","})
                if len({match.operation for match in sorts}) < 2:  # "lint ./Dockerfile and ./run.sh"
                    raise
                return sorts, None
        for words in (english.AND, english.AND | {","}):
            parts, rest = self._parts(clause, discourse, lent, words)
            if parts:
                return parts, rest
        listed = replace(clause, body=_listed(clause.body))
        if len(listed.body) > len(clause.body):
            again = self.ranked(listed, discourse, lent)
            if again and again[0].fits and _has_one_list(again[0]):
                return [self._only(again)], None
        if self._off_topic(clause, ranked):
            raise questions.off_topic(self.text, questions.phrase(self.text, clause.tokens), self.vocabulary)
        if not ranked:
            raise self._unknown(clause)
        if (lost := self._at_a_loss(clause, ranked)) is not None:
            raise lost
        raise questions.about(self.text, ranked[0], ranked[1:])

    def _unknown(self, clause: Clause) -> NotUnderstood:
        said = questions.phrase(self.text, clause.tokens)
        if clause.tokens and clause.tokens[0].word in self.vocabulary.programs:
            command = said.strip("'\"")
            return questions.ask(self.text, said, "is it a command for the shell?", [f"run `{command}`"])
        choices = questions.examples(self.vocabulary.by_verb.get(clause.lemma, ()))
        return questions.not_understood(self.text, said, choices or questions.suggestions(self.text, self.vocabulary))

    def _off_topic(self, clause: Clause, ranked: Sequence[Match]) -> bool:
        """Whether no word beside a verb of many meanings is known to any operation: "tell me a joke"."""
        if ranked and any(fill.tokens for fill in ranked[0].fills.values()):
            return False
        body = [t for t in clause.body if t.shape not in (Shape.PUNCT, Shape.BREAK, Shape.NUMBER)]
        said = [t for t in body if t.shape is not Shape.WORD or not any(t.word in words for words in _SMALL)]
        told = [t for t in said if t.word not in english.VAGUE | english.KINDS]
        if any(self.vocabulary.noun_length(body, at) > 1 for at in range(len(body))):
            return False  # "merge the PULL REQUEST"
        return bool(told) and not any(t.shape is not Shape.WORD or self._is_known(t, clause) for t in said)

    def _is_known(self, token: Token, clause: Clause) -> bool:
        """Whether a word is one of an operation's: a noun, a tool, an image, a program; or a misspelt one."""
        word, known = token.word, self.vocabulary
        commands = any(entry.phrase.programs for entry in known.by_verb.get(clause.lemma, ()))
        if (singular(word),) in known.nouns | known.cues or word in known.images:
            return True
        return (commands and word in known.programs) or known.close_noun(word) is not None

    def _at_a_loss(self, clause: Clause, ranked: Sequence[Match]) -> NotUnderstood | None:
        """A verb of many meanings with a noun that the best of them does not know: "tell me about containers"."""
        meanings = {entry.operation for entry in self.vocabulary.by_verb.get(clause.lemma, ())}
        if self._says_nothing_of(ranked[0]):
            said = questions.phrase(self.text, clause.tokens)
            return questions.not_understood(self.text, said, questions.suggestions(self.text, self.vocabulary))
        if len(meanings) < _MANY or any(fill.tokens for fill in ranked[0].fills.values()):
            return None
        nouns = {(singular(t.word),) for t in ranked[0].unexplained if self.vocabulary.is_noun(t)}
        knowing = [entry for entry in self.vocabulary.entries if entry.nouns & nouns]
        said = questions.phrase(self.text, clause.tokens)
        return questions.ask(self.text, said, "what should be done?", questions.examples(knowing)) if knowing else None

    def _says_nothing_of(self, match: Match) -> bool:
        """``set up CI/CD for this repository``: beside the verb, only words that this operation does not know."""
        known = match.entry.nouns | match.entry.cues | match.entry.about
        if len(match.unexplained) + len(match.unresolved) < 2 or any(fill.tokens for fill in match.fills.values()):
            return False
        return not any((singular(token.word),) in known for token in match.clause.body)

    def ranked(self, clause: Clause, discourse: Discourse, lent: Sequence[Sequence[Token]] = ()) -> list[Match]:
        """All phrases that come into question: those that lack nothing first, then by score."""
        found = []
        for entry in self.vocabulary.candidates(clause.head, clause.body):
            match = self.matcher.match(entry, clause, discourse, lent)
            if match is not None:
                found.append(match)
        found.sort(key=lambda match: (match.fits, match.score), reverse=True)
        return found

    def _only(self, ranked: Sequence[Match]) -> Match:
        best = ranked[0]
        rivals = [m for m in ranked[1:] if m.fits and m.score > best.score - _CLOSE and m.operation != best.operation]
        if rivals:
            raise questions.ambiguous(self.text, [best, *rivals])
        return best

    def _parts(
        self, clause: Clause, discourse: Discourse, lent: Sequence[Sequence[Token]], between: Set[str]
    ) -> tuple[list[Match], Clause | None]:
        """The clause as several with the same verb, cut at these words; nothing if that does not help."""
        pieces = _pieces(clause.body, between | _CONTRAST if clause.lemma in CHECK else between, self.vocabulary.nouns)
        if not 1 < len(pieces) <= _MOST_PARTS:
            return [], None

        each = _for_each(clause.body)

        def fitting(body: list[Token]) -> list[Match]:
            if match is not None and any(token.word in english.THERE for token in body):
                body = _at_that_place(body, match)
            found = self.ranked(replace(clause, body=body), discourse, lent)
            if each and not (found and found[0].fits):
                found = self.ranked(replace(clause, body=[*body, *each]), discourse, lent)
            if match is not None and body[0].word in english.PREPOSITIONS:
                for shared in (_up_to(match, body[0].word), _object(match)):  # "run nginx as a and as b"
                    again = self.ranked(replace(clause, body=[*shared, *body]), discourse, lent)
                    if shared and again and again[0].fits and again[0].operation == match.operation:
                        return again
                found = [other for other in found if other.operation == match.operation or other.entry.about]
            elif match is not None and (name := _naming(match)) and body[0].shape in _NAMES and ":" not in body[0].text:
                whole = [*_object(match), name, *body]
                again = self.ranked(replace(clause, body=whole), discourse, lent)
                found = again if again and again[0].fits else found  # "run nginx as a on 81, b on 82"
            return found

        match: Match | None = None
        done: list[Match] = []
        body, waiting = pieces[0][1], list[Token]()  # what stands alone neither with its left nor by itself
        match = next((m for m in fitting(body) if m.fits), None)
        for number, (cut, piece) in enumerate(pieces[1:], 1):
            if match is not None and not waiting and self._goes_on_plural(body, piece):
                whole = next((m for m in fitting([*body, *cut, *piece]) if m.fits), None)
                if whole is not None and whole.operation == match.operation:
                    body, match = [*body, *cut, *piece], whole
                    continue
            alone = fitting([*waiting, *(cut if waiting else ()), *piece]) if match is not None else []
            if waiting and not (alone and alone[0].fits):
                body = [*body, *waiting]
                match = next((m for m in fitting(body) if m.fits), None)
                alone = fitting(piece) if match is not None else []
                waiting = []
            if match is not None and alone and alone[0].fits:
                done.append(match)
                body, match, waiting = [*waiting, *piece], alone[0], []
            elif match is not None and any(other.speaks_of_later(match) for other in alone):
                rest = [token for other in pieces[number:] for token in (*other[0], *other[1])][len(cut) :]
                return [*done, match], replace(clause, body=rest, copied=True)
            elif match is not None:
                waiting = [*cut, *piece]
            else:
                body = [*body, *cut, *piece]
                match = next((m for m in fitting(body) if m.fits), None)
        if waiting:
            match = next((m for m in fitting([*body, *waiting]) if m.fits), None)
        return ([*done, match], None) if match is not None and done else ([], None)

    def _goes_on_plural(self, body: Sequence[Token], piece: Sequence[Token]) -> bool:
        """``the networks edge AND INNER and the volume x``: a name alone, behind names with a noun in the plural."""
        if len(piece) != 1 or piece[0].shape not in _NAMES or self.vocabulary.is_noun(piece[0]):
            return False
        nouns = [at for at, token in enumerate(body) if self.vocabulary.is_noun(token)]
        if not nouns or singular(body[nouns[-1]].word) == body[nouns[-1]].word:
            return False
        names = body[nouns[-1] + 1 :]
        return bool(names) and not any(token.word in english.PREPOSITIONS for token in names)


def _listed(body: Sequence[Token]) -> list[Token]:
    """``pull redis:7 postgres:16``: values of one sort beside each other, as notes have them, are a list."""
    result: list[Token] = []
    for token in body:
        before = result[-1] if result else None
        if before is not None and _sort(token) and _sort(token) == _sort(before):
            result.append(Token("and", before.end, before.end, Shape.WORD))
        result.append(token)
    return result


def _has_one_list(match: Match) -> bool:
    """Whether its values could go nowhere else: in "push a:1 r/a:1 r/a:2", the second may be where to."""
    slots = match.entry.slots
    lists = [i for i, fill in match.fills.items() if len(fill.values) > 1]
    return len(lists) == 1 and sum(slot.kind is slots[lists[0]].kind for slot in slots) == 1


def _sort(token: Token) -> str:
    if token.shape is Shape.PAIR:
        return "pair"
    if token.shape is not Shape.TYPED:
        return ""
    if values.looks_like_path(token.text):
        return "path"
    return "image" if ":" in token.text and "//" not in token.text else "name"


def _naming(match: Match) -> Token | None:
    """The "as" by which a match's task was named, where its object is something else."""
    named = any(
        match.entry.slots[i].required and not match.entry.slots[i].bare and "as" in match.entry.slots[i].after
        for i in match.fills
    )
    return next((t for t in match.clause.body if t.word == "as"), None) if named and _object(match) else None


def _at_that_place(body: Sequence[Token], match: Match) -> list[Token]:
    """``the pods of api in namespace prod and the logs of api-0 THERE``: where the part before is at work."""
    places = [fill.tokens for i, fill in match.fills.items() if match.entry.slots[i].scope and len(fill.values) == 1]
    place = [token for tokens in places[:1] for token in tokens]
    if not place or len(places) != 1:
        return list(body)
    said: list[Token] = []
    for token in body:
        there = token.word in english.THERE
        said += [Token("in", token.start, token.end, Shape.WORD), *place] if there else [token]
    return said


def _for_each(body: Sequence[Token]) -> list[Token]:
    """``a in x and b in y TO FIVE REPLICAS EACH``: what is said at the end for all."""
    if not body or body[-1].word not in english.EACH:
        return []
    at = next((at for at in range(len(body) - 1, 0, -1) if body[at].word in english.PREPOSITIONS), 0)
    return list(body[at:-1]) if at and any(token.shape is Shape.NUMBER for token in body[at:]) else []


def _up_to(match: Match, preposition: str) -> list[Token]:
    """The words of a match before those that the same preposition governs."""
    body = match.clause.body
    at = next((at for at in range(len(body) - 1, 0, -1) if body[at].word == preposition), 0)
    return list(body[:at])


def _object(match: Match) -> list[Token]:
    """The words of the object that a match's verb has."""
    slots = match.entry.slots
    return [t for i, fill in match.fills.items() if slots[i].bare and slots[i].required for t in fill.tokens]


def _pieces(body: Sequence[Token], between: Set[str], nouns: Container[Words]) -> list[tuple[list[Token], list[Token]]]:
    """What stands between these words, each with what stands before it."""
    pieces: list[tuple[list[Token], list[Token]]] = [([], [])]
    listing = False  # "ports 80 and 443": one list up to the first word that is no value
    for at, token in enumerate(body):
        cuts = token.word in between or (token.shape is Shape.PUNCT and "," in between)
        plural = token.shape is Shape.WORD and (singular(token.word),) in nouns and singular(token.word) != token.word
        listing = plural or (listing and (cuts or token.shape is not Shape.WORD))
        headed = at > 0 and (singular(body[at - 1].word),) in nouns and singular(body[at - 1].word) != body[at - 1].word
        following = body[at + 1] if at + 1 < len(body) else None
        another = following is not None and following.word in english.ARTICLES | english.DEFINITE  # "and THE volumes c"
        if (
            cuts
            and listing
            and not (plural or headed or another)
            and following is not None
            and following.shape is body[at - 1].shape
        ):
            pieces[-1][1].append(token)
            continue
        if cuts and pieces[-1][1]:
            pieces.append(([], []))
        pieces[-1][0 if cuts else 1].append(token)
    return [(cut, piece) for cut, piece in pieces if piece]
