"""Values given to names that speak of secrets: ``DB_PASSWORD=...``, ``api_key: "..."``, ``<password>...``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from reign.core.findings import Severity
from workers.validation.secrets import placeholders

_SPEAKING = (
    r"passw(?:or)?d|passphrase|passwd|pwd|secret|api[_-]?key|access[_-]?key|auth[_-]?key|private[_-]?key|"
    r"encryption[_-]?key|signing[_-]?key|master[_-]?key|account[_-]?key|service[_-]?key|token|credentials?|db[_-]?pass"
)
_NAME = rf"(?<![A-Za-z0-9_.])(?P<name>[A-Za-z0-9_.\-]{{0,80}}?(?:{_SPEAKING})[A-Za-z0-9_\-]{{0,40}})"
_GLUE = r"[\"'\]`]{0,2}(?:\s*:\s*[A-Za-z][\w\[\], |.]{0,30}?)?\s*(?:=>|:=|={1,3}|!==?|:)\s*"
_TYPE = r"[brfuL@]?"
_QUOTED = re.compile(
    rf"{_NAME}{_GLUE}{_TYPE}(?P<quote>[\"'`])(?P<value>(?:(?!(?P=quote)).){{1,400}})(?P=quote)", re.IGNORECASE
)
_BARE = re.compile(rf"{_NAME}[\"']?\s*(?:=|:)\s*(?P<value>[^\s\"'`#,;&|\\<>]{{1,400}})(?=\s|$|[,;#&|])", re.IGNORECASE)
_FLAG = re.compile(rf"--{_NAME}[= ]\s*(?P<value>[^\s\"'`,;&|\\<>-][^\s\"'`,;&|\\<>]{{0,400}})", re.IGNORECASE)
_MARKUP = re.compile(rf"<{_NAME}>\s*(?P<value>[^<>\s]{{1,400}})\s*</", re.IGNORECASE)
_NETRC = re.compile(r"(?P<name>\bpassword)\s+(?P<value>\S{1,400})")
_LOGIN = re.compile(r"\bmachine\s+\S+\s+login\s+\S+\s+(?P<name>password)\s+(?P<value>\S{1,400})")
#: Of servers whose settings have no sign between name and value (Redis, OpenLDAP, HAProxy, Postfix).
_SETTING = re.compile(
    r"^\s*(?:[\w-]+\s+){0,3}?(?P<name>requirepass|masterauth|bindpw|rootpw|passw(?:or)?d|passwd|secret)\s+"
    r"[\"']?(?P<value>[^\s\"';#]{1,400})[\"']?\s*;?\s*$",
    re.IGNORECASE,
)
_PGPASS = re.compile(r"^[^:#]+:[^:]*:[^:]*:[^:]+:(?P<value>\S{1,400})$")
_LITERALS = (
    "pass",
    "pwd",
    "secret",
    "key",
    "token",
    "credential",
    "masterauth",
    "bindpw",
    "rootpw",
)  # one stands in each name that speaks

#: What a name ends in when its value tells about the secret instead of being it.
_ABOUT = re.compile(
    r"""(?:[_.\-] | (?<=[a-z])(?=[A-Z]))
    (?:files? | path | dir | names? | field | ids? | ur[li] | endpoint | host | len(?:gth)? | size | min | max | policy
    | type | kind | label | env | var(?:iable)? | header | ref(?:erence)? | prompt | hint | help | pattern | regex
    | format | expiry | expires? | expiration | ttl | age | timeout | reset | count | limits? | enabled | disabled
    | required | present | exists | rotation | alg(?:orithm)? | version | provider | backend | store | manager | class
    | mode | location | source | scopes? | audience | issuer | column | table | index | message | error | text | title
    | description | placeholder | selector | input | arn | prefix | suffix | rounds | strength | created | updated
    | date | template | command)$""",
    re.IGNORECASE | re.VERBOSE,
)
_NO_SECRET_NAME = re.compile(
    r"""tokeniz | tokens$ | token_?count | public_?key | secretary | passwordless | csrf | xsrf | secret[_-]?keyref
    | (?:^|[_.-])(?:no|has|is|use|show|forgot|reset|toggle|confirm|validate|verify|check)[_-]\w*
      (?:pass|token|secret)""",
    re.IGNORECASE | re.VERBOSE,
)
_PASSWORD_NAME = re.compile(r"(?:passw(?:or)?d|passwd|passphrase|pwd|pass|masterauth|bindpw|rootpw)$", re.IGNORECASE)
_SLUG = re.compile(r"[A-Za-z]++\d{0,2}(?:[-_./:@ ]?[A-Za-z]++\d{0,2}|[-_./:@ ]\d{1,2})*+[-_./:@]?")
_CALL = re.compile(
    r"^[\w.]+\(|^\.[A-Za-z_]\w*$|^\.?[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$|^[A-Z][A-Z_]*\W?$|^\w+\[|::|->|\bos\.environ|process\.env"
)
_NOT_A_VALUE = re.compile(
    r"^(?:\.{0,2}/|~/|[A-Za-z]:\\|https?://|[\d.,:_+-]+$|#[0-9a-f]{6,8}$|\d+[smhd]$|(?:\\u[0-9a-f]{4}|\\x[0-9a-f]{2}|\\.)+$|\[|\()",
    re.IGNORECASE,
)
_SHORTEST, _LONGEST = 6, 400

_UNQUOTED = """
.env .yaml .yml .ini .cfg .conf .cnf .config .properties .sh .bash .zsh .toml .service .npmrc .pypirc .netrc .tfvars
.envrc
"""
_BARE_SUFFIXES = frozenset(_UNQUOTED.split())


def takes_bare_values(name: str) -> bool:
    """Whether values need no quotes in a file of that name (a configuration file, a script, a Dockerfile)."""
    path = PurePosixPath(name.lower())
    base = path.name
    return (
        path.suffix in _BARE_SUFFIXES
        or base in _BARE_SUFFIXES
        or ".env" in base
        or base.startswith(("dockerfile", "containerfile", "makefile", "jenkinsfile", "procfile"))
        or base.endswith((".dockerfile", ".env.local"))
        or "." not in base
    )


def may_match(lowered: str) -> bool:
    """Whether a text (in lower case) names a secret at all; a quick look before the slow one."""
    return any(literal in lowered for literal in _LITERALS)


def matches(line: str, base: str, bare: bool) -> Iterator[tuple[str, int, Severity]]:
    """``(value, offset, severity)`` for each value in a line that is given to a name which speaks of a secret.

    ``base`` is the file's name in lower case, ``bare`` whether it takes values without quotes.
    """
    if base == ".pgpass":
        patterns = [_PGPASS]
    elif base in (".netrc", "_netrc"):
        patterns = [_NETRC]
    else:
        patterns = [_QUOTED, _MARKUP, _LOGIN, *([_BARE, _FLAG] if bare else [])]
        if base.endswith((".conf", ".cnf", ".cfg")):
            patterns.append(_SETTING)
    for pattern in patterns:
        for match in pattern.finditer(line):
            value = match.group("value").strip()
            name = "password" if pattern is _PGPASS else match.group("name")
            severity = grade(name, value, quoted=pattern is _QUOTED)
            if severity is not None:
                yield value, match.start("value"), severity


def grade(name: str, value: str, *, quoted: bool) -> Severity | None:
    """How sure it is that a value is a secret: high, low (a weak or made-up password), or None for what is none."""
    if not _SHORTEST <= len(value) <= _LONGEST or _ABOUT.search(name) or _NO_SECRET_NAME.search(name):
        return None
    if placeholders.is_reference(value) or placeholders.is_made_up(value) or _NOT_A_VALUE.search(value):
        return None
    if _CALL.search(value) or (quoted and re.search(r"\s", value)) or value.startswith(("sha256:", "sha512:")):
        return None
    speaks_of_password = _PASSWORD_NAME.search(name) is not None
    if placeholders.is_jumbled(value) or placeholders.is_no_word(value, 10 if speaks_of_password else 16):
        return Severity.HIGH
    if placeholders.is_camel_case(value) and not speaks_of_password:
        return None  # the name of a class, a field or a key; for a password, people take words and numbers
    if placeholders.words_only(value) or _SLUG.fullmatch(value):
        # A word may be a password and is far more often a label: worth a look where the name says password.
        is_label = placeholders.words_only(value) and not re.search(r"\d", value)
        return Severity.LOW if speaks_of_password and not is_label else None
    return Severity.HIGH
