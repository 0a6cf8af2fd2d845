"""What a program in another language does, read off its text: commands, deletions, connections, decoding.

This is a reading of names and literals, not an interpreter: it looks at which kinds of calls the program makes and
which literals it holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from workers.bash.judge import forks
from workers.bash.judge.literals import MOST_CHARACTERS, Program
from workers.bash.judge.marks import UNKNOWN
from workers.bash.judge.tables import DESTRUCTIVE

_RUNS = re.compile(
    r"\b(?:os\.system|os\.popen\w*|os\.exec\w*|os\.spawn\w*|os\.posix_spawn\w*|subprocess|pty\.spawn|popen\d?|Popen|system2?|"
    r"exec(?:Sync|File|FileSync|ve|vp|v|l|lp|le|ute)?|spawn(?:Sync)?|shell_exec|passthru|proc_open|pcntl_exec|child_process|"
    r"ProcessBuilder|getRuntime|IO\.popen|Open3|qx|syscall|getstatusoutput|getoutput|call-process|shell-command|start-process|"
    r"callCommand|readProcess|os\.execute|io\.popen|Deno\.(?:run|Command)|Bun\.(?:spawn|\$)|e?syscmd|os:cmd|Sys\.command|sys\.process|"
    r"run|eval|__import__|getattr|execute|invoke|shell)\b|%x|do shell script|(?<![\w$])!\s*[\"']|\.cmd\(|"
    r"\brun\(`|(?<!\w)\$`|\bopen\w*\b[^;\n]{0,200}[\"']\s*\||\|\s*[\"']\s*[,)]"
)
_HARD_RUNS = re.compile(
    r"\b(?:os\.(?:system|popen\w*|exec\w*|spawn\w*|posix_spawn\w*)|subprocess\.\w+|pty\.spawn|exec|eval|system|popen|"
    r"execSync|spawnSync|execFileSync|spawn|shell_exec|passthru|proc_open|getoutput|getstatusoutput|os\.execute|io\.popen|"
    r"Function|qx)\s*\(\s*(?P<first>[^)\s])"
)
_DELETES = re.compile(
    r"\b(?:rmtree|remove_?tree|os\.remove|os\.unlink|unlink\w*|os\.rmdir|rmdir\w*|removedirs|rmSync|rm_rf|rm_r|rm_f|"
    r"remove_dir_all|remove_entry\w*|FileUtils\.\w*rm\w*|File\.delete|Dir\.(?:delete|rmdir|unlink)|fs\.rm|fs\.promises\.rm|"
    r"delete-directory|delete-file|os\.remove|file\s+delete|file\(\s*(?i:remove\w*)|File\.rm_rf!?|delete_recursively|deleteDir|"
    r"del_dir_r|deleteRecursively|removeDirectoryRecursive|removeItem|Sys\.remove|rimraf|rm|remove\w*Sync|Deno\.remove|deltree)\b"
)
_DELETES_WORK = re.compile(
    r"\b(?:rmtree|remove_?tree|rm_rf|rm_r|rmSync|fs\.rm|remove_dir_all|rimraf|deltree|deleteDir)\s*\(?\s*[\"']\./?[\"']"
)
_LISTS_WORK = re.compile(r"<\*>|\b(?:listdir|scandir|readdirSync|readdir|iterdir)\s*\(\s*(?:[\"']\.?/?[\"'])?\s*\)")
_ARGUMENTS = re.compile(r"\bargv\b|\bARGV\b|@ARGV|\bcommandArgs\b|\bDeno\.args\b|\$_SERVER\b")
#: Tcl and CMake name what they delete without quotes.
_BARE_DELETES = re.compile(r"(?i)\bfile(?:\s+delete\s|\(\s*remove(?:_recurse)?\s)([^\n;\])]+)")
_CMAKE_RUNS = re.compile(r"(?i)\bCOMMAND\s+\"?([\w./-]+)\"?\s+([^)\n]*)")
_SHELL_LIKE = ("nu", "xonsh")
_WRITES = re.compile(
    r"\b(?:write_text|write_bytes|writeFile\w*|appendFile\w*|file_put_contents|File\.write|IO\.write|os\.truncate|truncate\w*|"
    r"copyfile|copyFile\w*|shutil\.(?:copy\w*|move)|os\.(?:symlink|chmod|chown|rename|replace|link)|renameSync|chmod\w*|"
    r"chown\w*|createWriteStream|symlink\w*|spurt|write-region|Deno\.writeTextFile)\b"
    r"|open\w*\s*\(?(?:[^()\n]|\([^()\n]{0,100}\)){0,200},\s*(?:mode\s*=\s*)?['\"](?:[wax]b?\+?|[rb]+\+|>+|\+<)"
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
    r"\bpack\s*\(?\s*['\"]H|\.reverse\b|['\"]hex['\"]|['\"]base64['\"]|map\s*\(\s*chr|chr\s*\(.{0,80}for\b"
)
_RUNS_TEXT = re.compile(
    r"\b(?:exec|eval|compile|system|popen|subprocess|spawn\w*|__import__|Function|loads|assert|runpy|"
    r"shell_exec|create_function|instance_eval|class_eval|execSync|loadstring|load|send)\b"
)
#: Loaders that make any object, and so run any function, that the data asks for.
_OBEYS_DATA = re.compile(
    r"\bunsafe_load(?:_all)?\b|\bUnsafeLoader\b|\byaml\.C?Loader\b|\b(?:jsonpickle\.decode|(?:dill|cloudpickle|joblib)\.loads?)\b"
)
_AWK_RUNS = re.compile(r"\bsystem\s*\(\s*[^\"\s]|(?:^|[{;\s])\$?\w+\s*\|\s*getline|\|\s*[A-Za-z_$]\w*\s*(?:[;}]|$)")
_PATH = re.compile(r"(?:file://)?(?:/|~|\.\.|\./|\*)")
_KILLS_ALL = re.compile(r"\bkill\w*\s*\(?\s*(?:['\"]?\w*['\"]?\s*,\s*)?-\s*1\b")
_HOME = re.compile(
    r"Path\.home\(\)|homedir\(\)|Dir\.home|(?:environ|ENV|getenv|process\.env|_SERVER)[\[({.]+\s*['\"]?HOME|expanduser"
)
_HOARDS = re.compile(
    r"\bwhile\s*\(?\s*(?:True|1|true)\b.{0,2000}?(?:append|\+=|push|\*\*)|\*\s*10\s*\*\*\s*(?:9|[1-9]\d)\b", re.DOTALL
)


@dataclass(slots=True)
class Reading:
    """What was read off a program: shell texts it may run, paths it deletes, writes or names, its nature."""

    shell: list[str] = field(default_factory=list)
    deletes: list[str] = field(default_factory=list)
    deletes_arguments: bool = False
    writes: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    connects: bool = False
    reverse_shell: bool = False
    runs_download: bool = False
    runs_decoded: bool = False
    growth: forks.Growth = forks.Growth.BOUNDED
    kills_everything: bool = False
    hoards_memory: bool = False
    goes_native: bool = False
    shows_environment: bool = False
    runs_unknown: bool = False


def read(text: str, language: str) -> Reading:
    """Reads a program; past MOST_CHARACTERS it is read to there, and what it runs counts as unknown."""
    program = Program(text, language)
    folded = program.expanded()
    found = Reading()
    literals = program.literals
    backticks = (language in ("perl", "ruby", "php") and "`" in text) or (language == "javascript" and "$`" in text)
    runs = bool(_RUNS.search(folded)) or backticks
    if language == "awk":
        runs = bool(re.search(r"\bsystem\s*\(|\|\s*(?:&\s*)?(?:getline|\"|\w)|\"\s*\|&?", folded))
    if runs:
        found.shell = _shell_texts(program, text)
        found.runs_unknown = _runs_unknown(folded, language)
    found.runs_unknown = found.runs_unknown or len(text) > MOST_CHARACTERS or bool(_OBEYS_DATA.search(folded))
    if language == "python":
        found.shell += re.findall(r"(?m)^\s*[!%]+(?:sx\s|system\s)?\s*(\S.*)$", text)
    if language == "m4":
        found.shell += re.findall(r"syscmd\(\s*`*([^')]+)", text)
    if language == "tcl":
        found.shell += [match[1].strip() for match in re.finditer(r"\b(?:exec|spawn|system)\s+([^\]\n;]+)", folded)]
    if language == "gnuplot":
        found.shell += re.findall(r"(?m)^\s*!\s*(.+)$", text)
    if language in _SHELL_LIKE:
        pieces = (piece.strip().lstrip("^") for piece in re.split(r"[;|{}()\n]|&&", text[:MOST_CHARACTERS]))
        found.shell += [piece for piece in pieces if (match := _SUSPECT.match(piece)) and match[1] in DESTRUCTIVE]
    if language == "cmake":
        found.shell += [f"{program} {words}" for program, words in _CMAKE_RUNS.findall(text)]
    literals = [literal.lstrip("<>+|& ") if literal[:1] in "<>+" else literal for literal in literals]
    paths = [literal for literal in literals if _PATH.match(literal) and "\n" not in literal][:60]
    # process.env.HOME + "/.npmrc"
    at_home = [f"~{path}" for path in paths if path.startswith("/.")] if _HOME.search(folded) else []
    found.names = paths + at_home
    if _DELETES.search(folded):
        found.deletes = paths + (["~"] if _HOME.search(folded) else [])
        chosen = re.search(r"\bif\b|\bgrep\b|\bfilter\b|\bunless\b", folded)
        if _DELETES_WORK.search(folded) or (_LISTS_WORK.search(folded) and not chosen):
            found.deletes.append(".")
        found.deletes += [path for words in _BARE_DELETES.findall(text) for path in words.split() if _PATH.match(path)]
        found.deletes_arguments = bool(_ARGUMENTS.search(folded))
    if _WRITES.search(folded):
        found.writes = paths
    _nature(found, text[:MOST_CHARACTERS], folded)
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
    found.growth = forks.growth(text, folded)
    found.kills_everything = bool(_KILLS_ALL.search(both))
    found.goes_native = bool(re.search(r"\b(?:ctypes|cffi|dlopen|ffi|Fiddle|syscall)\b", both))
    found.shows_environment = bool(
        re.search(
            r"(?:os\.environ|process\.env|\bENV|%ENV|\$_ENV|getenv\(\))(?!\s*[\[.({]|\w)|[`\"'({]\s*(?:print)?env\s*[`\"')}]",
            both,
        )
    )
    found.hoards_memory = bool(_HOARDS.search(text))


_SUSPECT = re.compile(r"\s*(?:sudo\s+)?(?:/\S*/)?(\w+)[\w.]*\s+\S")


def _shell_texts(program: Program, text: str) -> list[str]:
    """Candidates for what is handed to a shell: literals, lists of them as command lines, calls with a rest.

    An apostrophe in a comment turns inside out what is a literal, so whatever stands between two quotation marks and
    begins with a destructive program's name is a candidate, too.
    """
    texts = [literal.strip("| ") for literal in program.literals if literal.strip("| ")]
    texts += [" ".join(group) for group in program.groups]
    texts += [
        literal + UNKNOWN
        for literal in program.open_ended
        if literal.rstrip() != literal or literal.endswith(("/", "="))
    ]
    for mark in "\"'`":
        for piece in text[:MOST_CHARACTERS].split(mark)[1:-1]:
            match = _SUSPECT.match(piece)
            if match and match[1] in DESTRUCTIVE:
                texts.append(piece)
    return list(dict.fromkeys(texts))[:60]


def _runs_unknown(code: str, language: str) -> bool:
    """Whether a call runs something other than a literal."""
    if language == "awk":
        return bool(_AWK_RUNS.search(code))
    if language in ("perl", "ruby") and re.search(
        r"\b(?:system|exec|spawn|popen)\s*\(?\s*(?:[$@]|\"#\{)|\beval\b(?!\s*[{\"'])", code
    ):
        return True
    if language == "lua" and re.search(r"\bload(?:string|file)?\s*\(\s*[^\"')]", code):
        return True
    return any(match["first"] not in "\"'`[({bfr" for match in _HARD_RUNS.finditer(code))
