"""How the tables of this package are written."""

from __future__ import annotations


def names(text: str) -> frozenset[str]:
    """The words of a text as a set: a long table stays readable, and its lines stay short."""
    return frozenset(text.split())


SHELLS = names("sh bash dash ash ksh ksh93 mksh pdksh zsh rbash rzsh rksh lksh yash osh posh fish csh tcsh hush")

# Programs whose name among data may be a command in hiding.
DESTRUCTIVE = SHELLS | names(
    "rm dd mkfs wipefs shred chmod chown mv sudo su shutdown reboot halt poweroff curl wget nc ncat socat kill "
    "killall pkill python python3 perl ruby node php eval iptables mount umount insmod modprobe useradd usermod "
    "passwd crontab tee docker find xargs env truncate fdisk parted systemctl"
)
