"""Stand-ins for text that only exists at run time.

A resolved word is an ordinary string in which every stretch that cannot be known from the command alone is
one private-use character. Which character says what is known about the stretch: whether it can be empty, and
where it came from.
"""

from __future__ import annotations

UNKNOWN = "\ue000"  # any text, the empty one included (an unset variable)
SOME = "\ue001"  # any text that is not empty (${X:?}, the {} of find and xargs)
NAME = "\ue002"  # a short word without slash or blank (a number, a date, a host name)
SECRET = "\ue003"  # noqa: S105 - content of a credential file
TOKEN = "\ue004"  # noqa: S105 - value of a variable that is named like a secret
DECODED = "\ue005"  # what a decoder printed (base64 -d, xxd -r, rev)
NETWORK = "\ue006"  # what came over the network
PRINTED = "\ue007"  # what some other command printed; it may be empty

ALL = frozenset((UNKNOWN, SOME, NAME, SECRET, TOKEN, DECODED, NETWORK, PRINTED))
MAYBE_EMPTY = (UNKNOWN, PRINTED)
_ERASE = str.maketrans("", "", "".join(ALL))


def is_known(text: str) -> bool:
    """Whether the text holds no stand-in at all."""
    return ALL.isdisjoint(text)


def erased(text: str) -> str:
    """The text with every stand-in taken out, for display and for matching what is left."""
    return text.translate(_ERASE)
