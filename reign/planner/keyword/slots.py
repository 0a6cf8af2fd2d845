"""Words into slots: by label, by preposition, by standing as the object, by looking like nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from reign.core.lexicon import Kind, Slot
from reign.planner.keyword import english, values
from reign.planner.keyword.commands import command_lines
from reign.planner.keyword.frame import NAMING, Frame, Piece
from reign.planner.keyword.inflection import singular
from reign.planner.keyword.mentions import Mention
from reign.planner.keyword.normalise import Shape, Token, tokenise
from reign.planner.keyword.vocabulary import Words

#: Kinds whose values need neither label nor preposition.
_SHAPED = frozenset(
    {Kind.URL, Kind.REPO, Kind.PAIRS, Kind.SETTINGS, Kind.ADDRESS, Kind.IMAGE, Kind.PUBLISH, Kind.MOUNT}
)
_PLACES = frozenset({Kind.PATH, Kind.HOST, Kind.URL})
_OWN_WAY = frozenset({Kind.CHOICE, Kind.PAIRS, Kind.SETTINGS})  # filled by rules of their own
_MEASURES = frozenset({Kind.NUMBER, Kind.PORT, Kind.PUBLISH, Kind.INNER, Kind.SIZE, Kind.CPUS, Kind.DURATION})
_CALLED = frozenset({"called", "named", "titled", "entitled"})
_NAMING_WORDS = _CALLED | {"as"}
_NEVER_NAMES = english.PRONOUNS | english.QUANTIFIERS | {"usual", "same", "well", "possible", "needed", "one"}
#: Adjectives that are names right behind a label, with nothing after them: "the deployment NEW".
_SMALL_NAMES = frozenset({"new", "local", "current", "fresh", "simple", "small", "next", "us"})
_OBJECTS = frozenset({"me", "us", "him", "her"})
_SHORT = frozenset(english.SHORT.values())
_LITERAL = frozenset({Shape.QUOTED, Shape.CODE, Shape.PAIR})


# --- what the words are


def read_words(frame: Frame, mention: Mention) -> None:
    """Looks up each word of a mention: label, noun, cue, choice, filler, or none of these."""
    pieces: list[Piece] = []
    at = 0
    tokens = mention.tokens
    words = [frame.word(token) for token in tokens]
    alone = len(tokens) == 1 and mention.preposition in _NAMING_WORDS and words[0] not in _NEVER_NAMES
    labelled = len(tokens) == 1 and mention.preposition in ("labelled", "labeled")  # "labelled bug"
    while at < len(tokens):
        piece = Piece(tokens[at], named=labelled or at in mention.named, known=tokens[at] in frame.result.used)
        if not piece.known and not piece.named and tokens[at].shape not in _LITERAL:
            _look_up(frame, piece, tuple(words[at : at + 4]), tokens[at : at + 4], alone)
        pieces.append(piece)
        at += piece.length
    frame.set_pieces(mention, pieces)
    _pass_counts(frame, pieces)
    last = next((p for p in reversed(pieces) if not frame.vocabulary.is_light(p.token.word)), None)
    if last is not None and last.label and frame.word(last.token) != last.token.word:
        frame.plurals.update((mention.group, index) for index in last.label)


def _pass_counts(frame: Frame, pieces: Sequence[Piece]) -> None:
    """``three containers: a, b and c``: how many there are is no value of theirs."""
    for piece, noun in pairwise(pieces):
        last = noun.words[-1] if noun.words else noun.token  # "two docker VOLUMES"
        if piece.token.shape is not Shape.NUMBER or frame.word(last) == last.word:
            continue
        takes = any(frame.read(frame.slots[index], piece.token) for index in noun.label)
        if (noun.label or (frame.word(last),) in frame.entry.nouns) and not takes:
            piece.known = True
            frame.note([piece.token], "how many")


def _look_up(frame: Frame, piece: Piece, words: Words, tokens: Sequence[Token], called: bool) -> None:
    """The longest run of words that the phrase knows.

    ``called``: it stands alone after "as", so it is a name, whatever else the word may be: "as stack".
    """
    entry = frame.entry
    if called and words[0] in _SHORT:
        piece.named = True  # "as net"
        return
    for length in range(len(words), 0, -1):
        key = words[:length]
        flag = (key[0].lstrip("-"),) if tokens[0].shape is Shape.FLAG and length == 1 else key
        cue = key in frame.vocabulary.cues
        label = entry.labels.get(key) or entry.labels.get(flag) or ()
        choice = entry.choices.get(key) or (entry.choices.get(flag) if flag != key else None)
        noun = key in entry.nouns
        if noun:
            frame.prove(tokens[:length], 6)
            frame.spoken = frame.spoken or key in entry.about
        if called and label and not noun and all(entry.slots[i].kind in _MEASURES for i in label):
            break  # "as mem": no amount stands beside it
        if label or choice or noun:
            piece.label, piece.choice, piece.length, piece.known = label, choice, length, True
            piece.words = tuple(tokens[:length])
            return
        if cue:
            piece.length, piece.known = length, key in entry.cues
            if piece.known:
                frame.prove(tokens[:length], 5)
            else:
                frame.result.score -= 12
                piece.tool = True
            return
    if called:
        piece.named = True
    elif words[0] in entry.filler or tokens[0].word in entry.filler:
        frame.note(tokens[:1])
        piece.known = True


# --- labels and choices


def take_labels(frame: Frame) -> None:
    """``namespace shop``, ``the shop namespace``, ``5 replicas``: a label takes the value beside it."""
    for number, mention in enumerate(frame.mentions):
        pieces = frame.pieces(mention)
        behind = frame.mentions[number + 1] if number + 1 < len(frame.mentions) else None
        for at, piece in enumerate(pieces):
            if not piece.label:
                continue
            order = [*range(at + 1, min(at + 2, len(pieces))), *range(at - 1, max(at - 2, -1), -1)]
            order += [i for i in range(len(pieces)) if i not in order and i != at]
            slots = sorted(piece.label, key=lambda index: not _governs(frame, index, mention))
            took = (index for index in slots if _label_takes(frame, index, at, order, mention))
            piece.took = next(took, None)
            if piece.took is None and piece.words[-1] == mention.tokens[-1]:
                piece.took = _takes_of(frame, slots, piece, behind)
            if piece.took is None and len(pieces) == 1 and mention.preposition == "as":
                piece.took = _takes_list_before(frame, slots, piece, frame.mentions[:number])
            if piece.took is None:
                frame.alone.append((piece, mention))


def _governs(frame: Frame, index: int, mention: Mention) -> bool:
    """Whether a mention's preposition, or its lack of one, is that of the slot."""
    slot = frame.slots[index]
    return mention.preposition in slot.after if mention.preposition else slot.bare


def _label_takes(frame: Frame, index: int, label_at: int, order: list[int], mention: Mention) -> bool:
    """Fills a slot from the label's mention: the word after it, the one before it, then any that fits well."""
    slot = frame.slots[index]
    pieces = frame.pieces(mention)
    flag = pieces[label_at].token
    fill = frame.result.fills.get(index)
    again = (
        flag.shape is Shape.FLAG and fill is not None and any(t.text == flag.text for t in fill.tokens)
    )  # "-f a -f b"
    for position, at in enumerate(order):
        piece = pieces[at]
        if piece.token in frame.result.used or (piece.known and not piece.named) or frame.is_light(piece.token):
            continue
        reading = frame.read(slot, piece.token)
        if reading is None or (position > 1 and reading.strength < 3) or not (frame.is_open(index, mention) or again):
            continue
        alone = at == label_at + 1 == len(pieces) - 1 and piece.token.word in _SMALL_NAMES
        small = frame.is_predicate(piece.token) or frame.is_small(piece.token)
        if not piece.named and small and not alone:
            continue
        if not piece.named and slot.kind in _PLACES and reading.strength == 1 and frame.is_vague(piece.token):
            continue  # "the terraform FILES in ./infra"
        behind = at > label_at or piece.named
        which = piece.token.shape is Shape.WORD and piece.token.word in english.ADJECTIVES - slot.known
        if not behind and which:
            continue  # "remove UNUSED images"
        if not behind and (frame.is_vague(piece.token) or _known_elsewhere(frame, slot, piece.token)):
            continue
        words = [*pieces[label_at].words, piece.token]
        frame.fill(index, reading.value, words, mention.group, score=4 + reading.strength)
        filled = frame.result.fills[index]
        filled.new = filled.new or (mention.indefinite and piece.named)
        place = slot.scope and slot.kind is Kind.NAME and bool(mention.preposition) and frame.clause.head is not None
        frame.evidence = frame.evidence or (place and frame.vocabulary.is_own_place(slot.things))
        return True
    return _takes_last(frame, index, label_at, mention)


def _takes_last(frame: Frame, index: int, label_at: int, mention: Mention) -> bool:
    """``from namespace jobs``: a place, or what goes by a short name, that is called what something else is called."""
    pieces, slot = frame.pieces(mention), frame.slots[index]
    last = pieces[-1]
    fits = (slot.scope and mention.preposition) or last.token.word in _SHORT  # "the container NET"
    noun = slot.many and slot.kind in (Kind.NAME, Kind.REF)  # "with label BUG"
    if not (fits or noun) or label_at + 2 != len(pieces) or not frame.is_open(index, mention):
        return False
    if not (last.label or last.choice or (noun and last.known)) or last.took is not None:
        return False
    reading = frame.read(slot, last.token)
    if reading is None:
        return False
    last.choice, last.label = None, ()
    frame.fill(index, reading.value, [*pieces[label_at].words, last.token], mention.group, score=5)
    return True


def _takes_of(frame: Frame, slots: Sequence[int], label: Piece, behind: Mention | None) -> int | None:
    """``a timeout of 20 seconds``: the value stands behind "of"."""
    if behind is None or behind.preposition != "of":
        return None
    value = next((piece for piece in frame.pieces(behind)[:1] if not piece.known), None)
    for index in slots if value is not None else ():
        assert value is not None
        reading = frame.read(frame.slots[index], value.token)
        if reading is not None and reading.strength > 1 and frame.is_open(index, behind):
            better = (frame.read(s, value.token) for s in frame.slots if "of" in s.after)
            if any(other is not None and other.strength > reading.strength for other in better):
                continue  # "a release of acme/shop"
            words = [*label.words, value.token]
            frame.fill(index, reading.value, words, behind.group, score=4 + reading.strength)
            return index
    return None


def _takes_list_before(frame: Frame, slots: Sequence[int], label: Piece, before: Sequence[Mention]) -> int | None:
    """``with ann and bob as reviewers``: what the values of the list before are."""
    listed = [m for m in before if m.group == before[-1].group and m.preposition in ("with", "using")]
    pieces = [piece for mention in listed for piece in frame.pieces(mention)]
    for index in slots:
        readings = [frame.read(frame.slots[index], piece.token) for piece in pieces]
        if not pieces or any(p.known or p.token in frame.result.used for p in pieces) or None in readings:
            continue
        frame.note(label.words)
        for reading, piece in zip(readings, pieces, strict=True):
            frame.fill(index, reading.value if reading else None, [piece.token], listed[0].group, score=5)
        return index
    return None


def _known_elsewhere(frame: Frame, slot: Slot, token: Token) -> bool:
    """Whether a bare word is known as another slot's value: in ``an nginx container`` it is the image."""
    return any(token.word in other.known for other in frame.slots if other is not slot)


def take_choices(frame: Frame) -> None:
    """Words that are a value themselves, unless they only labelled another slot: ``the shop NAMESPACE``."""
    for mention in frame.mentions:
        for piece in frame.pieces(mention):
            if piece.choice is None or (piece.took is not None and not frame.slots[piece.took].bare):
                continue
            index, value = piece.choice
            if index not in frame.result.fills:
                frame.fill(index, value, piece.words, 0, score=3)
            elif frame.result.fills[index].values[0] != value:
                frame.result.unexplained += piece.words  # two kinds: the clause is to be read as two


# --- values without a label


def take_commands(frame: Frame, text: str, behind_verb: Sequence[Token]) -> None:
    """Command lines: in backticks or quotes, or bare ones whose program is known."""
    for index, slot in enumerate(frame.slots):
        if slot.kind is not Kind.COMMAND or not slot.bare or index in frame.result.fills:
            continue
        for line in command_lines(
            text, behind_verb, frame.entry, index, frame.vocabulary.cues, frame.vocabulary.programs
        ):
            if not any(token in frame.result.used for token in line.tokens):
                tool = not line.quoted and (line.tokens[0].word,) in frame.vocabulary.cues  # its agent knows better
                frame.fill(index, line.text, line.tokens, 0, score=4 if line.quoted else -8 if tool else 1)


def take_values(frame: Frame) -> None:
    for mention in frame.mentions:
        _take_noun(frame, mention)
        for piece in frame.pieces(mention):
            if not piece.known and piece.token not in frame.result.used and not frame.is_light(piece.token):
                _take_value(frame, mention, piece)
    _take_arguments(frame)


def _take_noun(frame: Frame, mention: Mention) -> None:
    """``with labels urgent and BUG``: a noun of the phrase that goes on a list of values."""
    pieces = frame.pieces(mention)
    piece = pieces[0] if len(pieces) == 1 and mention.joined else None
    if piece is None or not piece.known or piece.label or piece.choice or piece.tool:
        return
    index = _continues_list(frame, mention, piece)
    slot = frame.slots[index] if index is not None else None
    reading = frame.read(slot, piece.token) if slot is not None and slot.many and not slot.bare else None
    if index is not None and reading is not None:
        frame.fill(index, reading.value, [piece.token], mention.group, score=0)


def _take_value(frame: Frame, mention: Mention, piece: Piece) -> None:
    if piece.token.shape is Shape.PAIR and _take_pair(frame, piece.token, mention):
        return
    index = _continues_list(frame, mention, piece)
    if index is None:
        index = _best_slot(frame, mention, piece)
    if index is None:
        return
    slot = frame.slots[index]
    reading = frame.read(slot, piece.token)
    assert reading is not None
    text = str(reading.value)
    frame.fill(index, reading.value, [piece.token], mention.group, score=reading.strength + 2)
    if reading.strength == 1 and slot.kind is Kind.IMAGE and slot.bare and not _is_known(frame, slot, piece):
        frame.result.unsure = True
        frame.result.score -= 1.5
    elif text.lower() in slot.known:
        frame.result.score += 1
    likely = bool(re.search(slot.like, text) or re.search(slot.like, piece.token.text)) if slot.like else True
    frame.result.score += 2 if slot.like and likely else 0
    frame.evidence = frame.evidence or (slot.tells and likely)


def _is_known(frame: Frame, slot: Slot, piece: Piece) -> bool:
    return (
        piece.named
        or piece.token.lower in slot.known
        or frame.discourse.known(slot.things, piece.token.text) is not None
    )


def _continues_list(frame: Frame, mention: Mention, piece: Piece) -> int | None:
    """The slot of the list that this mention goes on."""
    if any(other.label for other in frame.pieces(mention)):
        return None
    before = {i: max((p for p in f.places if p < piece.token.start), default=-1) for i, f in frame.result.fills.items()}
    for index in sorted(before, key=before.__getitem__, reverse=True):
        fill = frame.result.fills[index]
        if mention.group not in fill.groups or not (mention.joined or (mention.group, index) in frame.plurals):
            continue  # "web1, web2" goes on by its place, "web and api containers" by the label at its end
        slot = frame.slots[index]
        another_sort = slot.kind is Kind.NAME and values.looks_like_path(piece.token.text)
        another_sort = another_sort or (bool(slot.only) and not re.search(slot.only, piece.token.text))
        counted = any(frame.vocabulary.is_noun(t) and singular(t.word) != t.word for t in fill.tokens)
        small = counted and piece.token.word in _SMALL_NAMES and len(mention.tokens) == 1  # "branches main and next"
        no_value = (
            _describes(frame, mention, piece)
            or piece.tool
            or (frame.is_vague(piece.token) and not small)
            or (any(token.word in _OBJECTS for token in mention.tokens) and not small)  # "..., and buzz me": a verb
            or frame.labels_other(mention, piece)
        )
        if frame.read(slot, piece.token) is not None and not another_sort and not no_value:
            return index
    return None


def _describes(frame: Frame, mention: Mention, piece: Piece) -> bool:
    """Whether a noun goes on after a name with something else: ``called db, password from X=y``."""
    if not (mention.joined and frame.vocabulary.is_noun(piece.token)):
        return False
    following = next((b for a, b in pairwise(frame.mentions) if a is mention), None)
    value = following is not None and any(token.shape is Shape.PAIR for token in following.tokens)
    return value or mention.preposition in _NAMING_WORDS


def _measures(frame: Frame, mention: Mention, piece: Piece) -> bool:
    """Whether a number, or its noun alone, stands before a word that is none: ``on port 8080 xyz``, ``port 81x``."""
    pieces = frame.pieces(mention)
    at = next((i for i, other in enumerate(pieces) if other is piece), 0)
    label = pieces[at - 1] if at else None
    if label is None:
        return False
    if not label.label:
        fills = frame.result.fills.items()
        return any(label.token in fill.tokens and frame.slots[i].kind in _MEASURES for i, fill in fills)
    if label.took is not None:
        return False
    return all(frame.slots[index].kind in _MEASURES for index in label.label)


def _is_called_otherwise(frame: Frame, index: int, mention: Mention, piece: Piece) -> bool:
    """Whether a further part of a list says by its noun what else it is: ``in namespace a and DEPLOYMENT web``."""
    pieces = frame.pieces(mention)
    at = next((i for i, other in enumerate(pieces) if other is piece), 0)
    label = pieces[at - 1] if at and mention.joined else None
    if label is None or not label.label or label.took is not None or index in label.label:
        return False
    return any(frame.slots[i].bare and frame.slots[i].kind in NAMING for i in label.label)


def _best_slot(frame: Frame, mention: Mention, piece: Piece) -> int | None:
    best: tuple[float, int] | None = None
    for index, slot in enumerate(frame.slots):
        score = _suits(frame, index, slot, mention, piece)
        if score is not None and (best is None or score > best[0]):
            best = (score, index)
    return best[1] if best else None


def _suits(frame: Frame, index: int, slot: Slot, mention: Mention, piece: Piece) -> float | None:
    """How well an unlabelled value suits a slot, or None."""
    token = piece.token
    if slot.kind in _OWN_WAY or (slot.kind is Kind.COMMAND and slot.bare):
        return None
    reading = frame.read(slot, token)
    if reading is None or not frame.is_open(index, mention) or frame.is_predicate(token):
        return None
    if slot.only and not re.search(slot.only, token.text):
        return None
    preposition = mention.preposition
    called = preposition in _NAMING_WORDS and token.word not in _NEVER_NAMES and not frame.is_small(token)
    vague = piece.tool or frame.is_vague(token) or frame.labels_other(mention, piece)
    named = slot.kind in (Kind.NAME, Kind.REF) and _measures(frame, mention, piece)
    named = named or _is_called_otherwise(frame, index, mention, piece)
    if named or _describes(frame, mention, piece):
        return None
    plural = frame.word(token) != token.word and frame.vocabulary.is_noun(token)
    if (vague or (plural and mention.definite)) and not (piece.named or called):
        return None
    if slot.kind is Kind.IMAGE and token.word in english.ACTIVITIES and not piece.named:
        return None  # "run the TESTS with `make test`"
    behind = next((b for a, b in pairwise(mention.tokens) if a == token), None)
    if token.word in english.ADJECTIVES and not piece.named and behind is not None and behind.shape is not Shape.QUOTED:
        return None  # "the STOPPED container db"
    if _is_beside(frame, slot, mention, piece):
        place = 5.0
    elif preposition and preposition in slot.after and not _another_list(frame, index, slot, mention):
        place = 4.0
    elif slot.bare and preposition in ("", "of", "for"):
        place = 3.0 if not preposition else 2.0
    elif reading.strength == 3 and _is_loose(slot):
        place = 1.0
    else:
        return None
    if reading.strength == 1 and (token.shape is Shape.WORD or slot.kind is Kind.PATH) and _too_bare(slot, mention):
        return None
    if (slot.like and re.search(slot.like, token.text)) or slot.only:
        place += 0.5
    return place + reading.strength


def _is_loose(slot: Slot) -> bool:
    """Whether the look of a value alone fills the slot; not that of a repository which is an aside."""
    if slot.kind is Kind.REPO:
        return slot.bare or slot.scope or slot.required
    return slot.kind in _SHAPED or (slot.kind is Kind.TEXT and slot.bare)


def _is_beside(frame: Frame, slot: Slot, mention: Mention, piece: Piece) -> bool:
    """Whether the word stands right behind the value of the input that the slot names: ``acme/shop MAIN``."""
    pieces = frame.pieces(mention)
    at = next((i for i, other in enumerate(pieces) if other is piece), 0)
    if not slot.beside or at == 0:
        return False
    before = pieces[at - 1].token
    return any(before in f.tokens and slot.beside in frame.slots[i].inputs for i, f in frame.result.fills.items())


def _another_list(frame: Frame, index: int, slot: Slot, mention: Mention) -> bool:
    """Whether a name goes on a list of values of another sort: ``on 8081, web2 on 8082`` joins no network web2."""
    if not mention.joined or slot.only or slot.kind not in (Kind.NAME, Kind.REF):
        return False
    return any(mention.group in fill.groups for other, fill in frame.result.fills.items() if other != index)


def _too_bare(slot: Slot, mention: Mention) -> bool:
    """Whether a plain word is no such value there: "build me a HOUSE", "deploy nginx to the MOON"."""
    preposition = mention.preposition
    if slot.kind in _PLACES and not preposition:
        return True
    by_preposition = preposition in slot.after and preposition not in _CALLED and not slot.bare
    return by_preposition and mention.definite


def _words_of(key: str) -> Words:
    """``targetPort`` and ``target-port`` as the words that they are made of; ``MEMORY_LIMIT`` is a variable's name."""
    return tuple(map(singular, re.sub(r"(?<=[a-z])(?=[A-Z])|-", " ", key).lower().split()))


def _take_pair(frame: Frame, token: Token, mention: Mention) -> bool:
    """``replicas=3``: the slot that its key names, else the slot that gathers pairs."""
    key, text = values.pair(token)
    labels = frame.entry.labels
    named = labels.get(_words_of(key)) or labels.get(("--" + key.lower(),)) or labels.get(("-" + key.lower(),)) or ()
    own = [i for i, slot in enumerate(frame.slots) if key.replace("-", "_") in slot.inputs]
    parts = tokenise(text)
    variable = key.isupper() and any("env" in slot.inputs for slot in frame.slots)  # PORT=8080 sets no port
    for index in (*own, *named) if not variable else ():
        slot = frame.slots[index]
        if slot.kind in (Kind.PAIRS, Kind.SETTINGS) or index in frame.result.fills:
            continue
        if slot.kind in (Kind.TEXT, Kind.COMMAND) and text.strip():
            frame.fill(index, text, [token], mention.group, score=4)
            return True
        if len(parts) != 1:
            continue
        reading = frame.read(slot, parts[0])
        choice = frame.entry.choices.get((singular(parts[0].lower),))
        value = choice[1] if choice is not None and choice[0] == index else reading.value if reading else None
        if value is not None:
            frame.fill(index, value, [token], mention.group, score=4)
            return True
    for index, slot in enumerate(frame.slots):
        counted = frame.read(slot, token) if slot.kind is Kind.COUNTED else None
        if counted is not None and frame.is_open(index, mention):
            frame.fill(index, counted.value, [token], mention.group, score=5)
            return True
    for index, fill in frame.result.fills.items():
        if mention.joined and mention.group in fill.groups and frame.slots[index].kind in (Kind.SETTINGS, Kind.PAIRS):
            frame.fill(index, (key, text), [token], mention.group, score=0)
            return True  # "with labels a=1 and b=2"
    for index, slot in enumerate(frame.slots):
        if slot.kind not in (Kind.SETTINGS, Kind.PAIRS):
            continue
        labelled = any(index in piece.label for piece in frame.pieces(mention))
        if labelled or "label" not in slot.labels:
            frame.fill(index, (key, text), [token], mention.group, score=3)
            return True
    return False


def _take_arguments(frame: Frame) -> None:
    """The words behind a script's path, and those after "with arguments"."""
    for index, slot in enumerate(frame.slots):
        if slot.kind is not Kind.ARGUMENTS or not frame.result.fills:
            continue
        for mention in frame.mentions:
            pieces = frame.pieces(mention)
            labelled = any(index in piece.label for piece in pieces)
            if not (labelled or mention.preposition in ("", *slot.after)):
                continue
            if mention.joined and mention.definite:
                break  # "with --all, THE certs expire tomorrow"
            for piece in pieces:
                if not piece.known and piece.token not in frame.result.used and piece.token.shape is not Shape.PAIR:
                    frame.fill(index, piece.token.text, [piece.token], mention.group, score=1)
