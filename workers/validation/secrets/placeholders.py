"""What only looks like a secret: examples, references to where the secret is kept, checksums and ids."""

from __future__ import annotations

import json
import math
import re
from functools import cache
from importlib.resources import files
from itertools import pairwise

from detect_secrets.filters import heuristic

_EXAMPLE = re.compile(
    r"example|sample|placeholder|redacted|change[-_ ]?(?:me|this|it)|replace[-_ ]?(?:me|this|with)|"
    r"insert[-_ ]|dummy|fake|mock|your[-_ ]|(?:here|goes)$|foo[-_]?bar|not[-_ ]?a?[-_ ]?(?:real|"
    r"secret)|do[-_ ]?not[-_ ]?use|no[-_ ]?password",
    re.IGNORECASE,
)
#: Words that stand for a value rather than being one; a text of nothing but these is no secret.
_STAND_INS = """
a an the my your our some any test tests testing tester todo tbd none null nil undefined true false yes no on off
secret secrets password passwords passwd pass pwd passphrase token tokens key keys api auth access refresh bearer
basic default empty unset optional required string str value values text admin administrator root user username
users guest public private demo local localhost dev prod production staging invalid wrong bad good old new hidden
masked env environment vault client id name file path db database postgres mysql redis rabbitmq mongo kafka hash
hashed encrypted plain plaintext base bearer header query body form field input type number int bool object array
enter please must be is not and or of for to in with from set get this that letmein welcome foo bar baz scott tiger
"""
_WORDS = frozenset(_STAND_INS.split())
_REPEATED = re.compile(r"([xX*#.0-])\1{5,}|([A-Za-z0-9])\2{7,}")
_RUNS = re.compile(r"1234567890?|abcdefgh|0123456|deadbeef|abc123|qwerty", re.IGNORECASE)
_REFERENCE = re.compile(
    r"^(?:\$|%[A-Za-z_({]|<|\{|@|!\w|&|\*\w|secret://|vault:|ref\+|arn:|op://|sops:|ENC\[|/run/secrets/)"
    r"|\$\{|\$\(|\{\{|<%|%\(\w+\)s|\{[A-Za-z_][\w.]*\}"
)
# Possessive, so that a text that is none is told in one pass.
_CAMEL_CASE = re.compile(r"(?:[A-Z]?[a-z]{2,}+|[A-Z]{2,}+(?![a-z])|[A-Z](?=[A-Z\d_])|\d++|[-_.])++")
_DIGEST_LENGTHS = frozenset({7, 8, 10, 12, 16, 20, 24, 32, 40, 56, 64, 96, 128})
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[A-Z]")
_SHORTEST_WORD, _SHORTEST_JUMBLE = 4, 16
_CHANGE = re.compile(r"(?<=[a-z])(?=[A-Z\d])|(?<=[A-Z])(?=\d)|(?<=\d)(?=[A-Za-z])")
_STRANGE, _FEWEST_PAIRS, _RAREST = 3.6, 7, 10.0
_ALPHABET_SHARE = 0.9  # share of different characters from which on a long text is an alphabet, not a key


def is_reference(value: str) -> bool:
    """A variable, template or pointer to a secret store: the secret is elsewhere, as it should be."""
    return bool(_REFERENCE.search(value)) or heuristic.is_templated_secret(value)


def is_example(value: str) -> bool:
    """Something that stands for a secret: your-api-key-here, AKIAIOSFODNN7EXAMPLE, xxxxxxxx, ********."""
    return bool(
        _EXAMPLE.search(value)
        or _REPEATED.search(value)
        or heuristic.is_sequential_string(value)
        or heuristic.is_not_alphanumeric_string(value)
        or len(set(value)) <= 2
    )


def is_made_up(value: str) -> bool:
    """An example, or something with a row of keys or digits in it, such as nobody's generator gives."""
    return is_example(value) or _RUNS.search(value) is not None


def words_only(value: str) -> bool:
    """Whether all words in a text are such as stand for a value: my-secret-token, TEST_PASSWORD, admin123."""
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+", value)
    return bool(words) and all(word.lower() in _WORDS or len(word) == 1 for word in words)


def is_camel_case(value: str) -> bool:
    """Whether a text is made of words and numbers, as names in code are: BetaTool20250305, V1SecretList."""
    return _CAMEL_CASE.fullmatch(value) is not None


def is_jumbled(value: str) -> bool:
    """Whether letters and digits stand as no words do: long, its digits in several places, few stretches of letters.

    A random key of 20 letters and digits has a word of four letters in it now and then; a name consists of such.
    """
    words = _WORD.findall(value)
    letters = sum(map(len, words))
    in_words = sum(len(word) for word in words if len(word) >= _SHORTEST_WORD)
    groups = len(re.findall(r"\d+", value))
    enough = groups >= (2 if re.search("[a-z]", value) and re.search("[A-Z]", value) else 3)
    return len(value) >= _SHORTEST_JUMBLE and enough and in_words < letters / 2


def is_no_word(value: str, shortest: int) -> bool:
    """Whether a text of at least ``shortest`` letters and digits, without what joins words, is not made of words.

    Its letters follow each other as those of English words do not, or it goes from letters to digits and from small
    to capital letters more often than every third character.
    """
    if len(value) < shortest or not value.isalnum():
        return False
    return len(_CHANGE.findall(value)) > len(value) / 3 or _strangeness(value) > _STRANGE


def _strangeness(text: str) -> float:
    """The mean of -ln P(letter | letter before it) over pairs of letters; 0 where there are too few of them.

    English words have 2 to 3.4, random letters 3.5 to 5, by the counts (of the RFCs) that detect-secrets brings.
    """
    pairs = [pair for word in re.findall(r"[a-z]+", text.lower()) for pair in pairwise(word)]
    if len(pairs) < _FEWEST_PAIRS:
        return 0.0
    return sum(_rarity().get(pair, _RAREST) for pair in pairs) / len(pairs)


@cache
def _rarity() -> dict[tuple[str, str], float]:
    counts = json.loads((files("detect_secrets.filters.gibberish") / "rfc.model").read_text())["counts"]
    return {
        (first, second): math.log(sum(row.values()) / max(count, 1))
        for first, row in counts.items()
        for second, count in row.items()
    }


def is_identifier(value: str) -> bool:
    """A uuid, or a hexadecimal digest or commit id by its length: public by nature."""
    if heuristic.is_potential_uuid(value):
        return True
    return len(value) in _DIGEST_LENGTHS and re.fullmatch(r"[0-9a-f]+|[0-9A-F]+", value) is not None


def is_alphabet(value: str) -> bool:
    """A list of characters such as ``ABC...xyz0123456789``."""
    return len(value) >= 26 and len(set(value)) >= _ALPHABET_SHARE * len(value)
