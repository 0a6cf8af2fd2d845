"""What a path means: the system, a home, a device, the work folder; credentials and files that run by themselves."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from enum import StrEnum

from workers.bash.judge.marks import ALL, NAME, PRINTED, SOME, UNKNOWN, erased
from workers.bash.judge.scope import HOME, Scope


class Place(StrEnum):
    """Where a path lies."""

    ROOT = "the root of the file system"
    SYSTEM = "the system"
    KERNEL = "the kernel's files"
    DEVICE = "a device"
    HOME = "a whole home folder"
    PERSONAL = "a home folder"
    TEMP = "the folder for temporary files"
    WORK = "the work folder"
    OUTSIDE = "a place outside the work folder"
    UNKNOWN = "an unknown place"


@dataclass(frozen=True, slots=True)
class Location:
    """A path put in its place.

    `whole`: the path names the place itself or all that is in it; `vague`: part of the path is not known.
    """

    place: Place
    path: str
    whole: bool = False
    vague: bool = False


_TOP = [
    "bin",
    "boot",
    "dev",
    "etc",
    "home",
    "lib",
    "lib32",
    "lib64",
    "libx32",
    "media",
    "mnt",
    "nix",
    "opt",
    "proc",
    "root",
    "run",
    "sbin",
    "snap",
    "srv",
    "sys",
    "usr",
    "var",
    "Applications",
    "Library",
    "System",
    "Users",
    "Volumes",
    "private",
    "data",
]
_ANYTHING = (UNKNOWN, SOME, PRINTED)
_TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm", "/private/tmp")  # noqa: S108
_HARMLESS_DEVICE = re.compile(
    r"/dev/(?:null|zero|full|random|urandom|tty|ptmx|pts/\d+|std(?:in|out|err)|fd(?:/.*)?|log)$"
)
# Below these, a system folder holds what an operator put there.
_SOFT = re.compile(
    r"/(?:opt|srv|data|var/www|var/cache|var/tmp|var/opt|usr/local/\w+|usr/src|mnt/[^/]{2,}|media/[^/]+/[^/]+"
    r"|Volumes/[^/]+|nix/var|Applications|run/user/\d+)/[^/*?]+"
)
_CREDENTIAL = re.compile(
    r"/\.ssh(?:$|/(?!known_hosts|config$|authorized_keys|[^/]*\.pub$))|/id_(?:rsa|dsa|ecdsa|ed25519)(?:_\w+)?$"
    r"|/\.aws(?:$|/(?:credentials|config|sso|cli|\*))|/\.gnupg(?:$|/)|/\.(?:netrc|pgpass|my\.cnf|git-credentials|pypirc|"
    r"vault-token|boto|s3cfg|htpasswd|authinfo|mylogin\.cnf)(?:\.gpg)?$"
    r"|/\.kube(?:$|/config|/\*)|/\.docker/config\.json$|/\.config/(?:gh|gcloud|op|rclone|hub|doctl|heroku|configstore|"
    r"google-chrome|chromium|BraveSoftware|sops)(?:$|/)|/\.(?:azure|password-store|mozilla|bitcoin|ethereum|electrum|"
    r"oci|terraform\.d/credentials[^/]*)(?:$|/)|/wallet\.dat$|/\.(?:bash|zsh|psql|mysql|python|node_repl)_history$"
    r"|/\.local/share/keyrings|/Library/Keychains|/Login Data|/key4\.db|/logins\.json"
    r"|^/etc/(?:shadow|gshadow|master\.passwd|sudoers|security/opasswd|krb5\.keytab|ssl/private|"
    r"ssh/ssh_host_\w+_key$|kubernetes/(?:admin|kubelet)\.conf|kubernetes/pki|rancher/k3s|wireguard|shadow-|NetworkManager/"
    r"system-connections)"
    r"|^/proc/[^/]+/(?:environ|mem|fd|maps)$|^/proc/kcore$|^/dev/k?mem$|^(?:/var)?/run/secrets"
    r"|^/root/\.(?!cache|local|cargo|rustup|npm(?:$|/))|^/home/[^/]+/\.npmrc$"
)
_SAMPLES = (
    "/etc/shadow",
    "/etc/gshadow",
    "/etc/sudoers",
    f"{HOME}/.ssh/id_rsa",
    f"{HOME}/.ssh/id_ed25519",
    "/root/.ssh/id_rsa",
    f"{HOME}/.aws/credentials",
    f"{HOME}/.netrc",
    f"{HOME}/.kube/config",
    f"{HOME}/.docker/config.json",
    f"{HOME}/.bash_history",
    "/proc/1/environ",
    "/proc/self/environ",
    f"{HOME}/.gnupg/secring.gpg",
    f"{HOME}/.git-credentials",
)
_LOCAL_SECRET = re.compile(
    r"(?i)(?:^|/)(?:\.env(?!\.(?:example|sample|template|dist|test))[\w.-]*|[^/]*\.(?:pem|key|p12|pfx|kdbx|jks|keystore|"
    r"tfstate)|credentials(?:\.json)?|service-?account[^/]*\.json|(?:secrets?|passwords?)(?:\.\w+)?|kubeconfig|"
    r"master\.key|vault\.ya?ml)$"
)
_STARTUP = re.compile(
    r"/\.(?:bashrc|bash_profile|bash_login|bash_logout|bash_aliases|profile|zshrc|zshenv|zprofile|zlogin|kshrc|cshrc|"
    r"tcshrc|login|inputrc|xinitrc|xprofile|xsession|Xresources|vimrc|exrc|emacs|emacs\.d|tmux\.conf|screenrc|gdbinit|"
    r"gitconfig|hgrc|pam_environment|forward|rhosts|shosts|npmrc|pypirc|condarc|irbrc|pryrc|Rprofile|perldb|lldbinit|"
    r"curlrc|wgetrc|netrc|ssh|gnupg|aws|kube|docker|config/(?:autostart|systemd|fish|git|environment\.d|nvim|pip|htop|gh|"
    r"gcloud)|local/(?:bin|share/systemd|share/applications)|cargo/config|pip|ipython|oh-my-zsh|nvm|pyenv)(?:$|[/.])"
    r"|/Library/Launch(?:Agents|Daemons)"
)
_CRITICAL = re.compile(
    r"^/(?:boot|bin|sbin|lib(?:32|64|x32)?|dev|proc|sys|usr/(?:bin|sbin|lib\w*|libexec|local/s?bin|local/lib)|"
    r"var/spool/(?:cron|at)|var/lib/(?:dpkg|rpm|docker|kubelet|systemd)|root|(?:usr/)?lib/systemd|run/systemd|"
    r"(?:var/)?run/docker|System|etc/(?:passwd|shadow|group|gshadow|sudoers|cron|crontab|anacrontab|at\.|ld\.so|profile|"
    r"bash|zsh|environment|pam|security|ssh|systemd|init|rc|inittab|fstab|mtab|udev|modprobe|modules|selinux|apparmor|"
    r"polkit|xdg/autostart|skel|nsswitch|hosts\.(?:allow|deny|equiv)|sysctl|apt/|yum|dnf|pacman|doas|securetty|shells|"
    r"login|motd|update-motd|logrotate|kernel|grub|default/grub|crypttab|subuid|subgid|exports|inetd|xinetd|"
    r"docker/|containerd|kubernetes|audit|rsyslog|ca-certificates|ssl|pki|alternatives|machine-id|gitconfig|krb5)|"
    r"etc(?:/?$|/\*)|var/log/(?:auth|secure|sudo|[wb]tmp|lastlog|faillog|tallylog|audit|journal|syslog|messages|kern))"
)
_HOOKS = re.compile(
    r"/\.git/(?:hooks|config|info/attributes|modules)(?:$|/)|/\.husky/_/|/\.vscode/tasks\.json$|/\.envrc$"
)


def _is_all(component: str) -> bool:
    """Whether a pattern component takes (nearly) every name."""
    bare = re.sub(r"\[[^\]]*\]", "", component)
    return "!(" in component or ("*" in bare and not re.search(rf"[\w{NAME}-]", bare))


def is_pattern(component: str) -> bool:
    return any(sign in component for sign in "*?[(") or not ALL.isdisjoint(component)


def locate(path: str, scope: Scope) -> Location:
    """Puts a path, as a command names it, in its place."""
    vague = not (ALL - {NAME}).isdisjoint(path)
    if path[:1] in _ANYTHING or (path[:1] != "/" and scope.cwd[:1] != "/"):
        return Location(Place.UNKNOWN, path, whole=False, vague=True)
    absolute = _real(scope.absolute(path), scope)
    parts = absolute.strip("/").split("/")
    whole = False
    for index, part in enumerate(parts):
        if _is_all(part):
            whole = all(_is_all(later) for later in parts[index + 1 :])
            parent = _place("/" + "/".join(parts[:index]), scope)
            if parent.place is Place.HOME and not whole:
                return Location(Place.PERSONAL, absolute, vague=vague)
            if parent.place in (Place.ROOT, Place.SYSTEM, Place.HOME, Place.KERNEL, Place.DEVICE):
                return Location(parent.place, absolute, whole=True, vague=vague)
            if whole:
                return Location(parent.place, absolute, whole=parent.whole, vague=vague)
    found = _place(absolute, scope)
    return Location(found.place, absolute, found.whole or path.endswith("/."), vague)


def _real(absolute: str, scope: Scope) -> str:
    """Takes detours through /proc out of a path."""
    changed = re.sub(r"^/proc/(?:self|thread-self|\d+)/root(?=/|$)", "", absolute) or "/"
    return re.sub(r"^/proc/(?:self|thread-self)/cwd(?=/|$)", lambda _: scope.workdir, changed)


def _place(path: str, scope: Scope) -> Location:
    if path == "/":
        return Location(Place.ROOT, path, whole=True)
    work = scope.workdir.rstrip("/")
    if _is_proper_work(work) and (path == work or path.startswith(work + "/")):
        return Location(Place.WORK, path, whole=path == work)
    for temporary in _TEMPORARY:
        if path == temporary or path.startswith(temporary + "/"):
            return Location(Place.TEMP, path, whole=path == temporary)
    first, *rest = path[1:].split("/")
    names = [name for name in _TOP if fnmatch.fnmatchcase(name, _as_pattern(first))] if is_pattern(first) else [first]
    for name in names:
        found = _below(name, path, rest)
        if found:
            return found
    return Location(Place.OUTSIDE, path)


def _is_proper_work(work: str) -> bool:
    """A work folder that is itself the system's or a whole home gives no right to what is in it."""
    parts = work.strip("/").split("/")
    if parts[0] in ("home", "Users"):
        return len(parts) > 2
    if parts[0] == "root":
        return len(parts) > 1
    return parts[0] not in _TOP or bool(_SOFT.match(work)) or work.startswith("/var/lib/") or parts[0] == "data"


def _below(first: str, path: str, rest: list[str]) -> Location | None:
    if first not in _TOP:
        return None
    if first in ("proc", "sys"):
        return Location(Place.KERNEL, path, whole=not rest)
    if first == "dev":
        harmless = _HARMLESS_DEVICE.match(path)
        return Location(Place.TEMP if harmless else Place.DEVICE, path, whole=not rest)
    if first in ("home", "Users", "root"):
        depth = 0 if first == "root" else 1
        if len(rest) <= depth:
            return Location(Place.HOME, path, whole=True)
        return Location(Place.PERSONAL, path)
    if _SOFT.match(path):
        return Location(Place.OUTSIDE, path)
    return Location(Place.SYSTEM, path, whole=not rest)


def _as_pattern(text: str) -> str:
    """A glob in which every unknown stretch matches anything."""
    for mark in ALL:
        text = text.replace(mark, "*")
    return text.replace("[^", "[!")


def is_credential(path: str, scope: Scope) -> bool:
    """Whether the path names (or its pattern takes in) a file that holds keys, tokens or password hashes."""
    if not path or path[:1] in _ANYTHING or len(path) > 4096:
        return False
    absolute = _real(scope.absolute(path), scope)
    if _CREDENTIAL.search(erased(absolute)):
        return True
    if not is_pattern(absolute) or not absolute.startswith("/"):
        return False
    pattern = _as_pattern(absolute)
    patterns = (pattern, pattern.replace("/**/", "/"))
    return any(
        fnmatch.fnmatchcase(sample, one)
        for one in patterns
        for sample in _SAMPLES
        if sample.count("/") == one.count("/")
    )


def is_local_secret(path: str) -> bool:
    """Whether the name is one that projects keep secrets under (.env, *.pem)."""
    return bool(_LOCAL_SECRET.search(path))


def is_known_place(path: str) -> bool:
    """Whether the path says where it lies (no unknown beginning)."""
    return path[:1] not in ALL


def is_raw_device(path: str, scope: Scope) -> bool:
    """Whether the path is a disk, memory or another device beyond the harmless ones."""
    location = locate(path, scope)
    return location.place is Place.DEVICE and not location.path.startswith(("/dev/tcp", "/dev/udp"))


def is_network_device(path: str) -> bool:
    """Whether bash opens a connection for this path."""
    return bool(re.search(r"/dev/(?:tcp|udp)/", path))


def runs_by_itself(location: Location) -> bool:
    """Whether something starts or obeys this file without being asked: shell start-up files, keys, cron, hooks."""
    if location.place in (Place.PERSONAL, Place.HOME):
        return bool(_STARTUP.search(location.path)) or location.path.startswith("/root/.")
    return False


def is_critical(location: Location) -> bool:
    """Whether the system depends on this path."""
    if location.place in (Place.ROOT, Place.KERNEL):
        return True
    if location.place is Place.DEVICE:
        return True
    return location.place is Place.SYSTEM and bool(_CRITICAL.search(location.path))


def is_hook(location: Location) -> bool:
    """Whether a tool runs or obeys this file of the work folder."""
    return location.place is Place.WORK and bool(_HOOKS.search(location.path))
