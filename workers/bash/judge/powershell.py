"""PowerShell, read by its words: there is no parser for it here, so whatever is not plainly harmless is asked about."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workers.bash.judge.judgement import Decision, Finding

_HARMLESS = re.compile(
    r"(?i)(?:get-(?!credential|clipboard)\w+|write-(?:output|host|verbose|warning|error|information)|select-\w+|where-object|"
    r"sort-object|format-(?:table|list|wide|custom)|measure-\w+|test-(?:path|connection|json)|convertto-\w+|convertfrom-json|"
    r"out-(?:string|null|default)|join-path|split-path|resolve-path|compare-object|group-object|tee-object|import-csv|"
    r"echo|ls|dir|pwd|cat|gc|gci|sort|where|select|measure|start-sleep|new-guid|foreach-object|true|false|exit|git|dotnet|"
    r"npm|node|python|python3|pytest|docker|kubectl|make|cargo|go)"
)
_DENIED: tuple[tuple[str, str, str], ...] = (
    (
        r"-e(?:nc|ncodedcommand|c)?\s+[A-Za-z0-9+/=]{16,}|frombase64string|\[convert\]|\[char\]\s*\d|-join\s*\(|\breverse\(",
        "obscure.decoded-program",
        "It hides its code in an encoding.",
    ),
    (r"\b(?:iex|invoke-expression)\b", "shell.unseen-code", "It runs text as code."),
    (
        (
            r"(?:invoke-webrequest|invoke-restmethod|\biwr\b|\birm\b|downloadstring|downloadfile|\bcurl\b|\bwget\b).*\|\s*(?:iex|sh|bash|"
            r"pwsh|powershell)|&\s*\(|\.\s*\(|\.invoke\("
        ),
        "shell.unseen-code",
        "It runs what it downloads or puts together.",
    ),
    (
        (
            r"\b(?:remove-item|rm|ri|del|rmdir|erase|rd)\b[^|;]*(?:-r\w*|/s)\b[^|;]*(?:[a-z]:\\(?:\s|$|\*|windows|users|program)|"
            r"\s[/~](?:\s|$|\*|etc|usr|bin|boot|var|home|root|lib)|\$env:(?:systemroot|userprofile|windir|home)|\$home)"
        ),
        "files.delete-system",
        "It deletes the system or a whole home folder.",
    ),
    (
        r"\b(?:format-volume|clear-disk|initialize-disk|remove-partition|diskpart|format\s+[a-z]:|mkfs\S*|dd\s+\S*=)",
        "disks.destroy",
        "It erases storage.",
    ),
    (
        r"\b(?:stop-computer|restart-computer|shutdown|reboot|halt|poweroff)\b",
        "services.shutdown",
        "It stops the machine.",
    ),
    (
        r"set-mppreference|add-mppreference|disable\w*(?:firewall|defender|realtime)|set-netfirewallprofile|netsh\s+advfirewall",
        "system.protection",
        "It switches off a protection of the machine.",
    ),
    (r"tcpclient|net\.sockets|/dev/tcp", "network.reverse-shell", "It opens a network connection of its own."),
    (
        r"clear-eventlog|wevtutil|clear-history|remove-eventlog|vssadmin|wbadmin|bcdedit",
        "accounts.logs",
        "It destroys records or backups.",
    ),
    (
        r"(?:id_rsa|id_ed25519|/etc/shadow|\.aws[/\\]credentials|\bsam\b.*hive|mimikatz|lsass)",
        "secrets.read",
        "It reads credentials.",
    ),
    (
        r"while\s*\(\s*(?:\$true|1)\s*\)\s*\{[^}]*start-(?:process|job)",
        "resources.fork-bomb",
        "It starts processes without end.",
    ),
)


def findings(command: str) -> Iterator[Finding]:
    """The objections to a PowerShell command."""
    plain = command.replace("`", "")
    denied = False
    for pattern, rule, reason in _DENIED:
        match = re.search(pattern, plain, re.IGNORECASE | re.DOTALL)
        if match:
            denied = True
            part = match[0] if match[0] in command else command
            yield Finding(Decision.DENY, reason, part, rule)
    if denied:
        return
    quoted = re.search(r"[$&`@{}]|\(", command)
    statements = [statement.strip() for statement in re.split(r"[|;\n]+|&&", command) if statement.strip()]
    unknown = [s for s in statements if not _HARMLESS.fullmatch(s.split()[0])]
    writes = re.search(r">|set-content|out-file|add-content", command, re.IGNORECASE)
    if quoted or unknown or writes:
        part = unknown[0] if unknown else command
        yield Finding(
            Decision.ASK,
            "PowerShell is only judged by its words; this is not plainly harmless.",
            part,
            "parse.powershell",
        )
