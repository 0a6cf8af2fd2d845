"""Places that hold secrets, or doors out: they are not shown to a command, whatever it may read otherwise."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable
from pathlib import Path

_IN_A_HOME = (
    ".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".oci", ".chef", ".minikube",
    ".config/gcloud", ".config/gh", ".config/hub", ".config/doctl", ".config/helm", ".config/op", ".config/rclone",
    ".config/git/credentials", ".config/containers", ".local/share/keyrings", ".password-store",
    ".netrc", ".git-credentials", ".npmrc", ".yarnrc.yml", ".pypirc", ".pgpass", ".my.cnf", ".s3cfg", ".boto",
    ".vault-token", ".terraformrc", ".terraform.d", ".cargo/credentials", ".cargo/credentials.toml",
    ".gem/credentials", ".m2/settings.xml", ".gradle/gradle.properties", ".mozilla", ".config/google-chrome",
    ".bash_history", ".zsh_history", ".python_history", ".psql_history", ".mysql_history",
)  # fmt: skip
_ON_A_MACHINE = (
    "/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/ssh", "/etc/sudoers", "/etc/sudoers.d",
    "/etc/ssl/private", "/etc/kubernetes", "/etc/rancher", "/etc/krb5.keytab", "/etc/letsencrypt", "/etc/wireguard",
    "/etc/NetworkManager/system-connections", "/etc/docker/key.json",
    "/run", "/var/run", "/var/lib/docker", "/var/lib/containerd", "/var/lib/kubelet", "/var/lib/rancher",
    "/var/lib/postgresql", "/var/lib/mysql", "/var/lib/redis", "/var/backups", "/var/spool/cron", "/boot",
)  # fmt: skip


def hidden_places(extra: Iterable[Path] = ()) -> list[Path]:
    """Those that are there, links resolved: of every home that can be seen, of the machine, and ``extra``."""
    homes = {Path(entry.pw_dir) for entry in pwd.getpwall() if entry.pw_uid == 0 or entry.pw_uid >= 1000}
    homes.add(Path.home())
    candidates = [home / name for home in homes if home != Path("/") for name in _IN_A_HOME]
    candidates += map(Path, _ON_A_MACHINE)
    candidates += extra
    found = set()
    for place in candidates:
        try:
            found.add(place.resolve(strict=True))
        except OSError:  # not there, or not to be seen by us, and so not by the command either
            continue
    return sorted(found)


def readable_around(hidden: Iterable[Path], root: Path = Path("/")) -> list[Path]:
    """The fewest paths that together make up everything below ``root`` but the hidden places."""
    hidden = list(hidden)
    if root in hidden:
        return []
    if not any(place.is_relative_to(root) for place in hidden):
        return [root]
    found: list[Path] = []
    try:
        entries = sorted(os.scandir(root), key=lambda entry: entry.name)
    except OSError:
        return []
    for entry in entries:
        if not entry.is_symlink():
            found += readable_around(hidden, Path(entry.path))
    return found
