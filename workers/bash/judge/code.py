"""What a program in another language does, read off its text: commands, deletions, connections, decoding.

This is a reading of names and literals, not an interpreter: it folds the usual disguises of a string (joined pieces,
character codes, reversal, base64) and then looks at which kinds of calls the program makes.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from workers.bash.judge.marks import UNKNOWN
from workers.bash.judge.quoting import ansi_c

_STRING = r"\"\"\"(?:.|\n)*?\"\"\"|'''(?:.|\n)*?'''|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`"
_LITERAL = re.compile(rf"(?:\b[bBrRuUfF]{{1,2}})?(?P<body>{_STRING})", re.DOTALL)
_PERL_QUOTES = re.compile(
    r"(?:\b(?:qq?|qx|qw)|%[xqQwW]?)\s*(?:\{([^{}]*)\}|\(([^()]*)\)|\[([^\[\]]*)\]|([/|!#])(.*?)\4)", re.DOTALL
)
_RUNS = re.compile(
    r"\b(?:os\.system|os\.popen\w*|os\.exec\w*|os\.spawn\w*|os\.posix_spawn\w*|subprocess|pty\.spawn|popen\d?|Popen|system2?|"
    r"exec(?:Sync|File|FileSync|ve|vp|v|l|lp|le|ute)?|spawn(?:Sync)?|shell_exec|passthru|proc_open|pcntl_exec|child_process|"
    r"ProcessBuilder|getRuntime|IO\.popen|Open3|qx|syscall|getstatusoutput|getoutput|call-process|shell-command|start-process|"
    r"callCommand|readProcess|os\.execute|io\.popen|Deno\.(?:run|Command)|Bun\.(?:spawn|\$)|esyscmd|"
    r"run|eval|__import__|getattr|execute|invoke|shell)\b|%x|do shell script|(?<![\w$])!\s*[\"']|\.cmd\(|"
    r"\brun\(`|(?<!\w)\$`|\bopen\w*\b[^;\n]*[\"']\s*\||\|\s*[\"']\s*[,)]"
)
_HARD_RUNS = re.compile(
    r"\b(?:os\.(?:system|popen\w*|exec\w*|spawn\w*|posix_spawn\w*)|subprocess\.\w+|pty\.spawn|exec|eval|system|popen|"
    r"execSync|spawnSync|execFileSync|spawn|shell_exec|passthru|proc_open|getoutput|getstatusoutput|os\.execute|io\.popen|"
    r"Function|qx)\s*\(\s*(?P<first>[^)\s])"
)
_DELETES = re.compile(
    r"\b(?:rmtree|remove_?tree|os\.remove|os\.unlink|unlink\w*|os\.rmdir|rmdir\w*|removedirs|rmSync|rm_rf|rm_r|rm_f|"
    r"remove_dir_all|remove_entry\w*|FileUtils\.\w*rm\w*|File\.delete|Dir\.(?:delete|rmdir|unlink)|fs\.rm|fs\.promises\.rm|"
    r"delete-directory|delete-file|os\.remove|file\s+delete|File\.rm_rf!?|delete_recursively|deleteDir|"
    r"del_dir_r|deleteRecursively|removeDirectoryRecursive|rimraf|rm|remove\w*Sync|Deno\.remove|deltree)\b"
)
_WRITES = re.compile(
    r"\b(?:write_text|write_bytes|writeFile\w*|appendFile\w*|file_put_contents|File\.write|IO\.write|os\.truncate|truncate\w*|"
    r"copyfile|copyFile\w*|shutil\.(?:copy\w*|move)|os\.(?:symlink|chmod|chown|rename|replace|link)|renameSync|chmod\w*|"
    r"chown\w*|createWriteStream|symlink\w*|spurt|write-region|Deno\.writeTextFile)\b"
    r"|open\w*\s*\(?[^)\n]*,\s*(?:mode\s*=\s*)?['\"](?:[wax]b?\+?|[rb]+\+|>+|\+<)"
)
_CONNECTS = re.compile(
    r"\b(?:socket|urllib\w*|urlopen|urlretrieve|requests|http\.client|httpx|aiohttp|fetch|axios|https?\.(?:get|request)|"
    r"net\.(?:connect|Socket|createConnection)|LWP|IO::Socket|IO::Socket::INET|Net::HTTP|open-uri|URI\.open|TCPSocket|"
    r"fsockopen|curl_\w+|stream_socket_client|ftplib|smtplib|telnetlib|XMLHttpRequest|HTTP::Tiny|Net::FTP|Socket|"
    r"download\.file|gen_tcp|paramiko|make-network-process|url-retrieve)\b|/inet/(?:tcp|udp)|(?:['\"])https?://"
)
_SOCKETS = re.compile(
    r"\b(?:socket|net\.(?:connect|Socket|createConnection)|IO::Socket|TCPSocket|TCPServer|fsockopen|Socket|gen_tcp|"
    r"stream_socket_client|require\(.net.\))|/inet/(?:tcp|udp)|make-network-process"
)
_SHELL_NAMES = re.compile(r"(?:^|[\s/\"'`(])(?:ba|da|z|k|c|fi)?sh(?:$|[\s\"'`),])|\bdup2\b|\bpty\b|cmd\.exe|powershell")
_DECODES = re.compile(
    r"\b(?:b64decode|b32decode|b16decode|b85decode|a85decode|decodebytes|decodestring|fromhex|unhexlify|a2b_\w+|rot_?13|"
    r"zlib|gzip|bz2|lzma|marshal|pickle|atob|base64|decode64|strict_decode64|decode_base64|base64_decode|hex2bin|gzinflate|"
    r"gzuncompress|str_rot13|strrev|unpack\d?|fromCharCode|uudecode|codecs)\b|\bbytes\s*\(\s*\[|bytearray\s*\(|\[::-1\]|"
    r"\bpack\s*\(?\s*['\"]H|\.reverse\b|['\"]hex['\"]|['\"]base64['\"]|map\s*\(\s*chr|chr\s*\(.*for\b"
)
_RUNS_TEXT = re.compile(
    r"\b(?:exec|eval|compile|system|popen|subprocess|spawn\w*|__import__|Function|loads|assert|runpy|"
    r"shell_exec|create_function|instance_eval|class_eval|execSync|loadstring|load|send)\b"
)
_AWK_RUNS = re.compile(r"\bsystem\s*\(\s*[^\"\s]|(?:^|[{;\s])\$?\w+\s*\|\s*getline|\|\s*[A-Za-z_$]\w*\s*(?:[;}]|$)")
_LOOPS = re.compile(r"\b(?:while|for|loop|until|forever|setInterval|do)\b|\.times\b|\(\s*;\s*;\s*\)")
_FORKS = re.compile(
    r"\bfork\b|\b(?:Process|Thread)\s*\(|(?:Popen|spawn|exec)\w*\s*\(\s*\[?\s*(?:sys\.executable|process\.(?:execPath|argv)|__FILE__|\$0)"
)
_KILLS_ALL = re.compile(r"\bkill\w*\s*\(?\s*(?:['\"]?\w*['\"]?\s*,\s*)?-\s*1\b")
_HOME = re.compile(
    r"Path\.home\(\)|homedir\(\)|Dir\.home|(?:environ|ENV|getenv|process\.env|_SERVER)[\[({.]+\s*['\"]?HOME|expanduser"
)
_HOARDS = re.compile(r"\bwhile\s*\(?\s*(?:True|1|true)\b.*(?:append|\+=|push|\*\*)", re.DOTALL)


@dataclass(slots=True)
class Reading:
    """What was read off a program: shell texts it may run, paths it deletes, writes or names, its nature."""

    shell: list[str] = field(default_factory=list)
    deletes: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    connects: bool = False
    reverse_shell: bool = False
    runs_download: bool = False
    runs_decoded: bool = False
    forks_forever: bool = False
    kills_everything: bool = False
    hoards_memory: bool = False
    goes_native: bool = False
    shows_environment: bool = False
    runs_unknown: bool = False


def read(text: str, language: str) -> Reading:
    """Reads a program. Bounded: a text past 64 KB is read to there."""
    folded = _fold(text[:65_536])
    found = Reading()
    literals = [_value(match) for match in _LITERAL.finditer(folded)]
    literals += [next(filter(None, match.groups()), "") for match in _PERL_QUOTES.finditer(folded)]
    runs = bool(_RUNS.search(folded)) or (language in ("perl", "ruby", "php") and "`" in folded)
    if language in ("awk",):
        runs = bool(re.search(r"\bsystem\s*\(|\|\s*(?:&\s*)?(?:getline|\"|\w)|\"\s*\|&?", folded))
    if runs:
        found.shell = _shell_texts(folded, literals, language)
        found.runs_unknown = _runs_unknown(folded, language)
    if language == "python":
        found.shell += re.findall(r"(?m)^\s*[!%]+(?:sx\s|system\s)?\s*(\S.*)$", folded)
    if language == "tcl":
        found.shell += [match[1].strip() for match in re.finditer(r"\b(?:exec|spawn|system)\s+([^\]\n;]+)", folded)]
    literals = [literal.lstrip("<>+|& ") if literal[:1] in "<>+" else literal for literal in literals]
    paths = [
        literal for literal in literals if re.match(r"(?:file://)?(?:/|~|\.\.|\./|\*)", literal) and "\n" not in literal
    ]
    found.names = paths
    if _DELETES.search(folded):
        found.deletes = paths + (["~"] if _HOME.search(folded) else [])
    if _WRITES.search(folded):
        found.writes = paths
    _nature(found, text, folded)
    return found


def _nature(found: Reading, text: str, folded: str) -> None:
    both = text + "\n" + folded
    found.connects = bool(_CONNECTS.search(both))
    run_text = bool(_RUNS_TEXT.search(both))
    through_awk = "/inet/" in both and "getline" in both
    found.reverse_shell = through_awk or (bool(_SOCKETS.search(both)) and bool(_SHELL_NAMES.search(both)))
    found.runs_download = found.connects and bool(
        re.search(r"\b(?:exec|eval|compile|Function|loads|load)\s*\(|\beval\b", both)
    )
    found.runs_decoded = run_text and bool(_DECODES.search(text))
    found.forks_forever = bool(_FORKS.search(both)) and (bool(_LOOPS.search(both)) or len(_FORKS.findall(both)) > 1)
    found.kills_everything = bool(_KILLS_ALL.search(both))
    found.goes_native = bool(re.search(r"\b(?:ctypes|cffi|dlopen|ffi|Fiddle|syscall)\b", both))
    found.shows_environment = bool(
        re.search(r"(?:os\.environ|process\.env|\bENV|%ENV|\$_ENV|getenv\(\))(?!\s*[\[.({]|\w)", both)
    )
    found.hoards_memory = bool(_HOARDS.search(text))


def _value(match: re.Match[str]) -> str:
    body = match["body"]
    quote = 3 if body[:3] in ('"""', "'''") else 1
    inner = body[quote:-quote]
    return inner if re.match(r"(?i)[bu]?r", match[0]) and match[0][0] not in "\"'`" else ansi_c(inner)


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _decoded(name: str, value: str) -> str | None:
    try:
        if re.search(r"(?i)hex", name):
            return binascii.unhexlify(value).decode("utf-8", "replace")
        return base64.b64decode(value + "=" * (-len(value) % 4)).decode("utf-8", "replace")
    except (ValueError, binascii.Error):
        return None


def _fold(code: str) -> str:
    """The program with the usual disguises of strings undone; a few rounds, for disguises inside each other."""
    for _ in range(4):
        before = code
        for pattern, replace in _FOLDS:
            code = pattern.sub(replace, code)
        if code == before:
            break
    return code


def _codes(match: re.Match[str]) -> str:
    numbers = [int(number, 0) for number in re.findall(r"0x[0-9a-fA-F]+|\d+", match[1])]
    return _quoted("".join(chr(number) for number in numbers if 0 < number < 0xD800))


def _strings(text: str) -> list[str]:
    return [_value(match) for match in _LITERAL.finditer(text)]


def _joined(match: re.Match[str]) -> str:
    return _quoted(_strings(match[1])[0].join(_strings(match[2])))


def _list_joined(match: re.Match[str]) -> str:
    separator = _strings(match[2])
    return _quoted((separator[0] if separator else ",").join(_strings(match[1])))


def _added(match: re.Match[str]) -> str:
    return _quoted("".join(_strings(match[0])))


def _reversed(match: re.Match[str]) -> str:
    return _quoted(_strings(match[0])[0][::-1])


def _base64(match: re.Match[str]) -> str:
    value = _decoded(match[0], _strings(match[1])[0])
    return match[0] if value is None else _quoted(value)


_S = rf"(?:\b[bBrRuUfF]{{1,2}})?(?:{_STRING})"
_FOLDS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (
        re.compile(
            r"(?:String\.fromCharCode|\bchr|\bbytes|\bbytearray|\bChr)\s*\(\s*\[?((?:\s*(?:0x[0-9a-fA-F]+|\d+)\s*,?)+)\]?\s*\)"
            r"(?:\.decode\(\))?"
        ),
        _codes,
    ),
    (re.compile(rf"({_S})\.join\(\s*[\[(]((?:\s*{_S}\s*,?)+)[\])]\s*\)"), _joined),
    (re.compile(rf"\[((?:\s*{_S}\s*,?)+)\]\.join\(\s*({_S})?\s*\)"), _list_joined),
    (
        re.compile(
            rf"({_S})(?:\[::-1\]|\.split\(\s*['\"]['\"]\s*\)\.reverse\(\)\.join\(\s*['\"]['\"]\s*\)|\.reverse\b)"
        ),
        _reversed,
    ),
    (re.compile(rf"\b(?:strrev|reverse)\s*\(\s*({_S})\s*\)"), _reversed),
    (
        re.compile(
            rf"(?:\w+\.)*(?:b64decode|decodebytes|atob|base64_decode|decode64|decode_base64|fromhex|unhexlify|hex2bin|"
            rf"Buffer\.from)\s*\(\s*({_S})[^)]*\)(?:\.(?:decode|toString)\([^)]*\))?"
        ),
        _base64,
    ),
    (re.compile(rf"{_S}(?:\s*(?:\+|\.\.?|<>|~)\s*{_S})+"), _added),
)


def _shell_texts(code: str, literals: list[str], language: str) -> list[str]:
    """Candidates for what is handed to a shell: literals, lists of them as command lines, calls with a rest."""
    texts = [literal.strip("| ") for literal in literals if literal.strip("| ")]
    texts += [" ".join(_strings(match[0])) for match in re.finditer(rf"{_S}(?:[\s,\[\]()]+{_S})+", code)]
    glue = r"[\s.+,]*" if language != "awk" else r"[\s]*"
    for match in re.finditer(rf"({_S}){glue}(?=[$\w@])", code):
        literal = _strings(match[1])[0]
        if literal.rstrip() != literal or literal.endswith(("/", "=")):
            texts.append(literal + UNKNOWN)
    return list(dict.fromkeys(texts))[:60]


def _runs_unknown(code: str, language: str) -> bool:
    """Whether a call runs something other than a literal."""
    if language == "awk":
        return bool(_AWK_RUNS.search(code))
    if language in ("perl", "ruby") and re.search(
        r"\b(?:system|exec|spawn|popen)\s*\(?\s*[$@]|\beval\b(?!\s*[{\"'])", code
    ):
        return True
    if language == "lua" and re.search(r"\bload(?:string|file)?\s*\(\s*[^\"')]", code):
        return True
    return any(match["first"] not in "\"'`[({bfr" for match in _HARD_RUNS.finditer(code))
