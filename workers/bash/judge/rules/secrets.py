"""Credentials: reading them, and handing them to a program that talks to the network."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workers.bash.judge import outputs
from workers.bash.judge.invocation import Invocation, Trait
from workers.bash.judge.judgement import Finding
from workers.bash.judge.marks import SECRET, TOKEN
from workers.bash.judge.paths import Place, is_credential, is_local_secret, locate
from workers.bash.judge.scope import HOME
from workers.bash.judge.tables import names

SENDERS = names(
    "curl wget wget2 http https xh nc ncat netcat socat telnet ftp lftp tftp sftp scp rsync ssh mail mailx mutt "
    "sendmail msmtp swaks aws gsutil gcloud az rclone s3cmd mc smbclient dig nslookup host drill ping ping6 "
    "openssl websocat transfer croc magic-wormhole wormhole pastebinit gist gh glab ipfs minio curlie httpie "
    "restic rdiff-backup whois finger logger nmap hping3 busybox bash-tcp doctl azcopy megaput gdrive "
    "telegram-send slackcat irc w3m lynx aria2c"
)
# Programs that show names, sizes and modes, not content.
_LOOKERS = names(
    "ls stat test [ [[ echo printf file du chmod chown mkdir realpath basename dirname readlink touch cd pushd "
    "find tree which type exa eza lsd rm shred unlink mv ln export declare local readonly typeset git id groups "
    "namei getfacl lsattr rmdir set unset : true ssh-add ssh-keygen trash kubectx"
)
#: Options by which such a program reads a list of names, and shows its lines when there are no such files.
_LISTED = {"file": ("-f", "--files-from"), "du": ("--files0-from",), "stat": ("--files0-from",)}
_SSH_KEY_OPTIONS = re.compile(r"^-[iFE]$")
_SSH = names(
    "ssh scp sftp autossh mosh rsync sshfs ssh-copy-id ssh-add ssh-keygen sshpass git ansible ansible-playbook"
)
_OWN_KEY_OPTIONS = re.compile(
    r"^(?:--?kube-?config|--key|--cert|--private-key|--identity|--key-file|--config|--cacert|--netrc-file|--env-file|"
    r"--aws-credentials|--credentials-file|--authfile|--tls-?key|--tls-?cert|--ssh)$"
)
_KEY_MATERIAL = re.compile(
    r"/etc/(?:g?shadow|master|security|sudoers)|/id_\w+|/\.ssh(?:/|$)|/\.gnupg|/proc/|/dev/|/\.aws|kubernetes/|_history$|"
    r"ssl/private|ssh_host|keyrings|password-store|/\.netrc|wallet|run/secrets|Login Data|cookies"
)
_ACCOUNTS = re.compile(r"^/etc/(?:passwd|group|hosts\.equiv)-?$")


def check(call: Invocation) -> Iterator[Finding]:
    """Credential files among the arguments and on standard input; stand-ins of secrets on their way out."""
    sends = call.name in SENDERS and (call.name != "openssl" or call.args[:1] == ("s_client",))
    if sends and call.marked(SECRET):
        yield call.deny("secrets.exfiltration", "It sends the content of a credential file over the network.")
    elif sends and call.marked(TOKEN) and not _is_local(call):
        yield call.ask("secrets.token", "It hands a secret variable to a program that talks to the network.")
    if sends and call.stdin is not None and Trait.SHELL in call.stdin.traits:
        yield call.deny("network.reverse-shell", "It gives a shell to the network.")
    if sends and call.stdin is not None and Trait.SECRET in call.stdin.traits:
        yield call.deny("secrets.exfiltration", "It sends credentials from its input over the network.")
    if call.name in ("gpg", "gpg2") and any(re.match(r"--export-secret", argument) for argument in call.args):
        yield call.deny("secrets.read", "It reads private keys out of the key ring.")
    reads = (call.name == "git" and call.args[:1] in (("add",), ("hash-object",))) or (
        call.name in _LISTED and any(argument.startswith(_LISTED[call.name]) for argument in call.args)
    )
    if call.name not in _LOOKERS or reads:
        yield from _named(call, sends)


def redirects(call: Invocation) -> Iterator[Finding]:
    """Credential files on the left of a command's input."""
    for redirect in call.redirects:
        if not redirect.writes and is_credential(redirect.target, call.scope):
            yield call.deny("secrets.read", f"It reads credentials: {redirect.target}.")


def _named(call: Invocation, sends: bool) -> Iterator[Finding]:
    before = folder = ""
    for argument in call.args:
        if call.name in _ARCHIVERS and before in ("-C", "--directory"):
            folder = argument
        own_key = _OWN_KEY_OPTIONS.match(before) or _OWN_KEY_OPTIONS.match(argument.partition("=")[0])
        ssh_key = call.name in _SSH and _SSH_KEY_OPTIONS.match(before)
        before = argument
        if (own_key or ssh_key) and call.name not in ("cat", "tar", "cp", "docker", "podman", "nerdctl"):
            continue
        for candidate in [*candidates(argument), *([f"{folder}/{argument}"] if folder else [])]:
            if is_credential(candidate, call.scope):
                place = call.scope.absolute(candidate)
                if sends:
                    yield call.deny("secrets.exfiltration", f"It sends credentials over the network: {place}.")
                elif _KEY_MATERIAL.search(place) or locate(candidate, call.scope).vague:
                    yield call.deny("secrets.read", f"It reads credentials: {place}.")
                else:
                    yield call.ask("secrets.read", f"It reads credentials: {place}.")
            elif _ACCOUNTS.match(call.scope.absolute(candidate)) and candidate.startswith(("/", ".")):
                yield call.ask("secrets.accounts", "It reads the machine's list of accounts.")
            elif sends and is_local_secret(candidate) and outputs.content_of(candidate, call.scope).text is None:
                if call.name != "git" and ("/" in candidate or "." in candidate):
                    yield call.deny(
                        "secrets.exfiltration", f"It sends a file of secrets over the network: {candidate}."
                    )
            elif call.name in _SWEEPERS and _sweeps(call, candidate):
                yield call.ask("secrets.sweep", "It reads everything in a home folder or on the machine.")
            elif sends and _is_whole_home(call, candidate):
                yield call.deny("secrets.exfiltration", "It sends a whole home folder or the system over the network.")


_ARCHIVERS = ("tar", "bsdtar", "gtar")
_SWEEPERS = names("cat grep egrep rg ag tar zip 7z head tail strings xxd base64 sed awk cp rsync gpg openssl")


def _sweeps(call: Invocation, candidate: str) -> bool:
    found = locate(candidate, call.scope)
    recursive = (
        any(re.match(r"-[a-zA-Z]*[rR]|--recursive", argument) for argument in call.args) or call.name in _DESCENDS
    )
    if recursive and call.scope.absolute(candidate) == "/etc":
        return True
    return found.place in (Place.ROOT, Place.HOME) and found.whole and (recursive or "*" in candidate)


_DESCENDS = names("rg ag tar zip 7z rsync")


def _is_whole_home(call: Invocation, candidate: str) -> bool:
    if call.name in ("curl", "wget", "ping", "dig") or candidate[:1] not in "/~.":
        return False
    return candidate.startswith("/") and locate(candidate, call.scope).place in (Place.HOME, Place.ROOT)


def candidates(argument: str) -> list[str]:
    """The paths that an argument may name: itself, and what follows =, @, :, < or a short option in it."""
    found = [argument]
    for separator in ("=", "@", ":", "<", ","):
        head, cut, tail = argument.rpartition(separator)
        if cut and tail:
            found.append(tail.split(";")[0].lstrip("@<"))
        if separator == ":" and cut:
            found.append(head)
    if "file://" in argument:
        found.append(argument.partition("file://")[2].removeprefix("localhost"))
    if argument[:1] == "-" and len(argument) > 3 and argument[2] in "/~.@":
        found.append(argument[2:].lstrip("@"))
    found = [HOME + path[1:] if path[:2] == "~/" else path for path in found]
    return [path for path in dict.fromkeys(found) if "/" in path or path.startswith((".", "id_")) or path == argument]


def _is_local(call: Invocation) -> bool:
    return any(re.search(r"(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?:[:/]|$)", argument) for argument in call.args)
