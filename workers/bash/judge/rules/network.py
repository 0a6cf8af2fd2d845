"""Connections: reverse shells, uploads, listeners, tunnels, scans."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterator

from workers.bash.judge import options
from workers.bash.judge.builtins import _CURL_VALUES, _WGET_VALUES
from workers.bash.judge.invocation import Invocation, Stream
from workers.bash.judge.judgement import Finding
from workers.bash.judge.marks import ALL, DECODED, NAME, PRINTED, is_known
from workers.bash.judge.paths import Place, is_network_device, locate
from workers.bash.judge.tables import SHELLS, names
from workers.bash.judge.unwrap.shells import SSH_VALUES

_LOCAL = re.compile(
    r"(?:^|//|@)(?:localhost|127(?:\.\d+){1,3}|\[?::1\]?|0\.0\.0\.0|host\.docker\.internal|0)(?::|/|\?|$)"
)
_METADATA = re.compile(
    r"169\.254\.169\.254|169\.254\.170\.2|metadata\.google\.internal|100\.100\.100\.200|fd00:ec2::254|metadata\.azure|"
    r"::ffff:169\.254|192\.0\.0\.192"
)
#: A host written in numbers: 0xa9fea9fe, 0251.0376.43518, [::ffff:a9fe:a9fe].
_NUMERIC_HOST = re.compile(
    r"(?:^|[/@:=\[])((?:0x[\da-f]+|\d+)(?:\.(?:0x[\da-f]+|\d+)){0,3})(?=$|[/:?#\]])|\[([\da-f:.]{3,45})\]", re.I
)
_LOCAL_CODE = re.compile(r"[<>]\s*/dev/(?:tcp|udp)/(?:localhost|127\.|::1)")  # code for a shell, judged as such
_ENGINE = re.compile(r":237[56](?:/|$)|/containers/\w+/(?:exec|start|kill|stop)")
_TAKES_DOWN = re.compile(r"(?i)[/_](?:delete\w*|shutdown|kill|destroy|drop|reset|restart|leave|_all)(?:[/?_]|$)")
_TOLD = (NAME, DECODED, PRINTED)
_CURL_SENDS = names(
    "-d --data --data-raw --data-binary --data-urlencode --data-ascii -F --form -T --upload-file --json "
    "--form-string --url-query"
)
_WGET_SENDS = ("--post-data", "--post-file", "--body-data", "--body-file")


def devices(call: Invocation) -> Iterator[Finding]:
    """bash's own connections, /dev/tcp/HOST/PORT, in redirections and in words."""
    for redirect in call.redirects:
        if is_network_device(redirect.target):
            yield from _connection(call, redirect.target)
    if call.name not in names("echo printf grep rg egrep fgrep git awk gawk"):
        for argument in call.args:
            if is_network_device(argument) and " " not in argument and not _LOCAL_CODE.search(argument):
                yield from _connection(call, argument)
    if any(map(_is_metadata, call.args)) and call.name not in ("echo", "grep", "rg", "printf"):
        yield call.deny("network.metadata", "It asks the cloud's metadata service, which hands out credentials.")


def _is_metadata(argument: str) -> bool:
    """Whether the argument holds the address of a metadata service, in any spelling."""
    if _METADATA.search(argument):
        return True
    hosts = _NUMERIC_HOST.findall(argument) if len(argument) < 2048 else []
    return any(_METADATA.fullmatch(_usual(number, sixth)) for number, sixth in hosts)


def _usual(number: str, sixth: str) -> str:
    """A numeric address as it is usually written; empty if it is none."""
    try:
        if number:
            return socket.inet_ntoa(socket.inet_aton(number))
        address = ipaddress.IPv6Address(sixth)
    except (OSError, ValueError):
        return ""
    return str(address.ipv4_mapped or address)


def _connection(call: Invocation, target: str) -> Iterator[Finding]:
    if call.name in SHELLS:
        yield call.deny("network.reverse-shell", "It connects a shell to the network.")
    elif re.search(r"/dev/tcp/(?:localhost|127\.|::1)", target):
        if call.name in ("", ":", "true") or call.argv == ("echo",):
            return  # only looks whether somebody listens
        yield call.ask("network.bash-connection", "The shell opens a connection to this machine itself.")
    else:
        yield call.deny("network.bash-connection", "The shell opens a network connection.")


def _is_local(words: list[str]) -> bool:
    addresses = [word for word in words if "//" in word or re.match(r"[\w.\[\]-]+(?::\d+)?(?:/|$)", word)]
    return bool(addresses) and all(_LOCAL.search(word) for word in addresses)


def _curl(call: Invocation) -> Iterator[Finding]:
    read = options.read(call.args, _CURL_VALUES | set(_CURL_SENDS))
    addresses = read.operands + read.values("--url")
    local = _is_local(addresses)
    sent = read.values(*_CURL_SENDS)
    if read.has("-G", "--get") and not any("@" in value or not is_known(value) for value in sent):
        sent = []
    yield from _sent(call, sent, local=local)
    method = "".join(read.values("-X", "--request")).upper()
    if any(_ENGINE.search(address) for address in addresses):
        yield call.deny("containers.engine-socket", "It talks to a container engine, which rules its machine.")
    if method == "DELETE" or (method == "POST" and any(_TAKES_DOWN.search(address) for address in addresses)):
        yield call.ask("network.changes", "It deletes or stops something by a request.")
    elif method in ("PUT", "PATCH", "POST") and not local:
        yield call.ask("network.changes", f"It changes something on another machine ({method}).")
    if read.has("--unix-socket", "--abstract-unix-socket"):
        yield call.deny("containers.engine-socket", "It talks to a service's own socket.")
    if any(re.match(r"(?i)(?:telnet|dict|gopher|smtp|ldap|tftp|smb|imap|pop3)s?:", address) for address in addresses):
        yield call.ask("network.protocol", "It speaks a protocol that can carry commands.")
    if not local and any(mark in address for address in addresses for mark in _TOLD):
        yield call.ask("network.exfiltration", "It puts what the machine told into an address on another machine.")
    told = read.values("-b", "--cookie", "-H", "--header", "-A", "-e", "-u", "--user")
    if not local and any(mark in value for value in told for mark in (DECODED, PRINTED)):
        yield call.ask("network.exfiltration", "It sends what another command printed to another machine.")
    if read.has("-K", "--config"):
        yield call.ask("network.settings", "A file that is not shown here tells curl what to do.")


def _wget(call: Invocation) -> Iterator[Finding]:
    read = options.read(call.args, _WGET_VALUES)
    local = _is_local(read.operands)
    yield from _sent(call, read.values(*_WGET_SENDS), local=local)
    if not local and any(mark in address for address in read.operands for mark in _TOLD):
        yield call.ask("network.exfiltration", "It puts what the machine told into an address on another machine.")
    if read.has("-r", "--recursive", "-m", "--mirror"):
        yield call.ask("network.mirror", "It fetches a whole site.")


def _sent(call: Invocation, values: list[str], *, local: bool) -> Iterator[Finding]:
    if values and not local:
        yield call.ask("network.sends", "It sends data to another machine.")
    elif any(value in ("@-", "-") for value in values) and call.stdin is not None and not local:
        yield call.ask("network.sends", "It sends its input to another machine.")


def _netcat(call: Invocation) -> Iterator[Finding]:
    read = options.read(call.args, names("-p -s -w -i -q -e -c -x -X -g -G -o -m -I -O -T --exec --sh-exec --lua-exec"))
    if read.has("-e", "-c", "--exec", "--sh-exec", "--lua-exec"):
        yield call.deny("network.reverse-shell", "It gives a program to the network.")
    elif read.has("-l", "--listen", "-L"):
        yield call.ask("network.listens", "It waits for connections.")
    elif read.has("-z") or _is_local(read.operands[:1]):
        return
    elif call.stdin is not None:
        yield call.ask("network.sends", "It sends its input over the network.")
    elif read.operands:
        yield call.ask("network.connects", "It opens a connection to another machine.")


def _socat(call: Invocation) -> Iterator[Finding]:
    text = " ".join(call.args)
    if re.search(r"(?i)\b(?:exec|system|shell|pty)[:,]", text):
        yield call.deny("network.reverse-shell", "It gives a program to the network.")
    elif re.search(r"docker\.sock|containerd\.sock|/var/run/", text):
        yield call.deny("containers.engine-socket", "It opens a service's own socket to others.")
    elif call.args and not re.fullmatch(r"-[Vh?]+", text):
        yield call.ask("network.connects", "It connects two ends, one of which may be the network.")


def _ssh(call: Invocation) -> Iterator[Finding]:
    read = options.read(call.args, SSH_VALUES, until_operand=True)
    if read.has("-V", "-Q", "-G") or not call.args:
        return
    if read.has("-R", "-D", "-L", "-w"):
        yield call.ask("network.tunnel", "It opens a tunnel through the machine's walls.")
    yield call.ask("network.remote", "It runs on another machine, beyond this sandbox.")


def _copies(call: Invocation) -> Iterator[Finding]:
    """scp, rsync, sftp: only copies between machines."""
    operands = [argument for argument in call.args if argument[:1] != "-"]
    if call.name == "sftp" or any(
        re.match(r"(?:[\w.-]+@)?[\w.-]+::?[^/\\]?|rsync://", word) and ":" in word and not word.startswith(("/", "."))
        for word in operands
    ):
        yield call.ask("network.copies", "It copies files between machines.")


def _asks(call: Invocation) -> Iterator[Finding]:
    if any(argument in ("--syntax-check", "--version", "-V", "--list-hosts", "--list-tasks") for argument in call.args):
        return
    yield call.ask("network.connects", f"{call.name} talks to other machines.")


def _names(call: Invocation) -> Iterator[Finding]:
    """Name look-ups can carry data out in the name."""
    made_up = any(argument not in ALL and not is_known(argument) for argument in call.args)
    if made_up and not _is_local(list(call.args)):
        yield call.ask("network.exfiltration", "A name that is made up at run time can carry data out.")


def _attack(call: Invocation) -> Iterator[Finding]:
    if call.args and all(re.fullmatch(r"-[hVv]|--(?:help|version)", argument) for argument in call.args):
        return
    addresses = [argument for argument in call.args if "//" in argument or _LOCAL.search(argument)]
    if addresses and call.name in ("ab", "wrk", "siege", "hey", "nmap") and all(map(_LOCAL.search, addresses)):
        return
    yield call.ask("network.scan", "It scans, listens to or attacks other machines.")


def _mines(call: Invocation) -> Iterator[Finding]:
    if not call.args or not all(re.fullmatch(r"-[hVv]|--(?:help|version)", argument) for argument in call.args):
        yield call.deny("resources.mining", "It spends the machine on mining coins.")


def _native(call: Invocation) -> Iterator[Finding]:
    """zsh's own connections, the kin of bash's /dev/tcp."""
    if call.name == "ztcp" or any("net/" in argument for argument in call.args):
        yield call.deny("network.bash-connection", "The shell opens a network connection.")
    elif "zsh/files" in call.args or any("/" in word and not word.startswith("zsh/") for word in call.args):
        yield call.ask("shell.load", "It loads a library into the shell.")


def _tunnel(call: Invocation) -> Iterator[Finding]:
    yield call.ask("network.tunnel", "It opens this machine to the outside.")


def _openssl(call: Invocation) -> Iterator[Finding]:
    if call.args[:1] in (("s_client",), ("s_server",)) and not _is_local([w for w in call.args if ":" in w]):
        if call.stdin is not None and call.stdin != Stream("") and call.stdin.text not in ("Q", "Q\n", "\n"):
            yield call.ask("network.sends", "It sends its input over the network.")
        elif call.args[0] == "s_server":
            yield call.ask("network.listens", "It waits for connections.")


def _serves(call: Invocation) -> Iterator[Finding]:
    """Small web servers, when they show more than the work folder."""
    serving = call.name not in ("php", "ruby") or any(word in call.args for word in ("-S", "-run"))
    shown = [argument for argument in call.args if argument.startswith("/")]
    if serving and any(locate(path, call.scope).place in (Place.ROOT, Place.HOME, Place.SYSTEM) for path in shown):
        yield call.ask("network.listens", "It shows a folder outside the work folder to others.")


def _display(call: Invocation) -> Iterator[Finding]:
    if any(re.match(r"--?display", argument) for argument in call.args):
        yield call.ask("network.connects", "It opens a window, perhaps on another machine.")


def _module(call: Invocation) -> Iterator[Finding]:
    """python -m: servers that show folders, installers."""
    if "-m" not in call.args[:-1]:
        return
    at = call.args.index("-m")
    module, rest = call.args[at + 1], call.args[at + 2 :]
    folders = options.read(rest, ("-d", "--directory", "-b", "--bind")).values("-d", "--directory")
    if module in ("http.server", "SimpleHTTPServer", "pyftpdlib") and any(folder[:1] in "/~" for folder in folders):
        yield call.ask("network.listens", "It shows a folder outside the work folder to others.")
    elif module in ("pty", "smtpd", "aiosmtpd", "telnetlib"):
        yield call.ask("network.listens", "It opens a shell or a server.")


RULES = {
    "curl": _curl,
    "wget": _wget,
    "wget2": _wget,
    "nc": _netcat,
    "ncat": _netcat,
    "netcat": _netcat,
    "socat": _socat,
    "ssh": _ssh,
    "autossh": _ssh,
    "mosh": _ssh,
    "sshpass": _ssh,
    "scp": _copies,
    "rsync": _copies,
    "sftp": _copies,
    **dict.fromkeys(
        names(
            "telnet ftp lftp tftp mail mailx mutt sendmail msmtp swaks smbclient rclone croc wormhole "
            "magic-wormhole gist pastebinit transfer websocat rsh rexec rlogin pssh pdsh clush salt ansible "
            "ansible-playbook fab dsh parallel-ssh irssi sshfs mount.nfs mount.cifs curlftpfs s3fs finger "
            "xfreerdp rdesktop vncviewer"
        ),
        _asks,
    ),
    **dict.fromkeys(names("dig nslookup host drill ping ping6 whois traceroute getent"), _names),
    **dict.fromkeys(
        names(
            "nmap masscan zmap rustscan hydra medusa ncrack john hashcat sqlmap nikto msfconsole msfvenom "
            "ettercap bettercap arpspoof responder crackmapexec nxc aircrack-ng aireplay-ng airodump-ng nping "
            "tcpdump tshark wireshark dsniff hping3 slowloris gobuster ffuf dirb wfuzz evil-winrm "
            "impacket-psexec enum4linux netdiscover yersinia macchanger arping ab wrk siege hey"
        ),
        _attack,
    ),
    **dict.fromkeys(names("xmrig minerd cpuminer ethminer t-rex nbminer xmr-stak cgminer bfgminer"), _mines),
    "ztcp": _native,
    "zmodload": _native,
    **dict.fromkeys(
        names(
            "ngrok cloudflared chisel frpc frps bore lt localtunnel tailscale wg-quick openvpn inlets zrok "
            "ligolo iodine dnscat2 dnscat gost pppd rathole sslh tor wg serveo teleconsole tmate sshuttle "
            "proxytunnel stunnel"
        ),
        _tunnel,
    ),
    **dict.fromkeys(
        names("php ruby httpd caddy darkhttpd webfsd miniserve http-server serve twistd lighttpd"), _serves
    ),
    **dict.fromkeys(names("xterm urxvt konsole xclock gnome-terminal"), _display),
    "openssl": _openssl,
    "python": _module,
    "python3": _module,
    "python2": _module,
}
