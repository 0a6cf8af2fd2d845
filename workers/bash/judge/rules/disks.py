"""Disks, file systems and raw devices."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workers.bash.judge import options
from workers.bash.judge.invocation import Invocation
from workers.bash.judge.judgement import Finding
from workers.bash.judge.paths import Place, is_raw_device, locate
from workers.bash.judge.rules.writing import written
from workers.bash.judge.tables import names

_LOOKS = names("ls stat file lsblk df blkid findmnt test [ [[ echo printf smartctl hdparm udevadm lsof fuser")


def named_devices(call: Invocation) -> Iterator[Finding]:
    """A raw device among the arguments of a program that does not merely look."""
    if call.name in _LOOKS:
        return
    for argument in call.args:
        for candidate in {argument, argument.rpartition("=")[2]}:
            if (
                candidate.startswith(("/dev/", "/proc/self/root/dev/"))
                and " " not in argument
                and is_raw_device(candidate, call.scope)
            ):
                yield call.ask("disks.device", f"It names a raw device: {candidate}.")


def _make(call: Invocation) -> Iterator[Finding]:
    operands = options.read(call.args, names("-t -L -U -b -m -N -O -E -n -S -s")).operands
    found = [locate(operand, call.scope).place for operand in operands]
    if found and all(place in (Place.WORK, Place.TEMP) for place in found):
        yield call.ask("disks.format-image", "It makes a file system in a file.")
    else:
        yield call.deny("disks.format", "It makes a new file system, which destroys what the device holds.")


def _destroys(call: Invocation) -> Iterator[Finding]:
    yield call.deny("disks.destroy", "It erases or repartitions storage.")


def _partition(call: Invocation) -> Iterator[Finding]:
    if not any(re.fullmatch(r"-l|--list|-p|--print|print|unit|-d|--dump|-v|--verify", word) for word in call.args):
        yield from _destroys(call)


def _dd(call: Invocation) -> Iterator[Finding]:
    named = dict(argument.partition("=")[::2] for argument in call.args if "=" in argument)
    target, source = named.get("of", ""), named.get("if", "")
    if target:
        yield from written(call, target)
    if source and is_raw_device(source, call.scope):
        yield call.deny("disks.read-device", "It copies a raw device.")
    if re.match(r"/dev/(?:zero|u?random|full)$", source) and target and not target.startswith("/dev/"):
        size = _bytes(named.get("bs", "512")) * int(named.get("count", "0") if named.get("count", "").isdigit() else 0)
        if "count" not in named or size > 4 * 1024**3:
            yield call.ask("resources.disk-flood", "It may fill the disk.")


def _bytes(text: str) -> int:
    match = re.fullmatch(r"(\d+)([kKMGT]?)(?:i?B)?", text)
    return int(match[1]) * 1024 ** " KMGT".index(match[2].upper() or " ") if match else 1024**3


_VERBS = {
    "zpool": r"destroy|labelclear|remove|offline|detach|create",
    "zfs": r"destroy|rollback|rename",
    "btrfs": r"delete|remove|replace",
    "cryptsetup": r"luksFormat|erase|luksErase|luksKillSlot|luksRemoveKey|close|reencrypt",
    "mdadm": r"--zero-superblock|--stop|-S|--fail|-f|--remove|--create|-C",
    "nvme": r"format|sanitize|write-zeroes|delete-ns|fw-.*",
    "hdparm": r"--security-.*|--trim-.*|--write-sector|-[A-Za-z]*Y.*|--make-bad-sector|--fwdownload",
    "losetup": r"-d|-D|--detach.*",
    "dmsetup": r"remove.*|wipe_table|create|load",
    "lvm": r"\w*(?:remove|reduce)\w*",
    "diskutil": r"(?i)erase.*|partitionDisk|zeroDisk|secureErase|reformat|apfs",
    "sg_format": ".*",
    "sg_sanitize": ".*",
    "tune2fs": r"-[^l].*",
    "debugfs": "-w",
    "xfs_db": "-x",
    "efibootmgr": r"-[bBocDnNO].*|--delete.*|--create.*",
    "fsck": ".*",
    "lvresize": ".*",
    "resize2fs": "[^-].*",
}


def _by_verb(call: Invocation) -> Iterator[Finding]:
    if any(re.fullmatch(_VERBS[call.name], argument) for argument in call.args):
        yield from _destroys(call)


def _mount(call: Invocation) -> Iterator[Finding]:
    if not call.args or call.args in (("-l",), ("-h",)):
        return
    read = options.read(call.args, ("-o", "-t", "--source", "--target", "-O", "--types", "--options"))
    loose = read.has("-a", "-B", "-R", "--bind", "--rbind", "--move", "--all")
    sources = read.operands[:1]
    risky = any(is_raw_device(source, call.scope) or source in ("/", "proc", "sysfs") for source in sources)
    remount = any("remount" in value for value in read.values("-o", "--options"))
    if call.name == "umount":
        yield call.ask("disks.unmount", "It takes a file system away from the machine.")
    elif loose or risky or remount:
        yield call.deny("disks.mount", "It mounts a device or a folder of the machine, around the sandbox's walls.")
    else:
        yield call.ask("disks.mount", "It mounts a file system.")


def _swap(call: Invocation) -> Iterator[Finding]:
    yield call.ask("disks.swap", "It changes the machine's swap space.")


def _reread(call: Invocation) -> Iterator[Finding]:
    yield call.ask("disks.partitions", "It has the kernel read a disk's partitions anew.")


_MAKERS = names("mkfs mke2fs mkdosfs mkntfs mkswap mkreiserfs newfs newfs_hfs mkexfatfs mkudffs")
_DESTROYERS = names(
    "wipefs blkdiscard lvremove vgremove pvremove lvreduce badblocks format shredder nwipe dban flashrom "
    "flash_erase flashcp mtd pvcreate vgreduce grub-install ddrescue partclone fsfreeze"
)
RULES = {
    **dict.fromkeys(_MAKERS, _make),
    **dict.fromkeys(_DESTROYERS, _destroys),
    **dict.fromkeys(_VERBS, _by_verb),
    **dict.fromkeys(("fdisk", "sfdisk", "gdisk", "sgdisk", "cfdisk", "parted", "gparted"), _partition),
    "dd": _dd,
    "dcfldd": _dd,
    "dc3dd": _dd,
    "gdd": _dd,
    "mount": _mount,
    "umount": _mount,
    "fusermount": _mount,
    "partprobe": _reread,
    "swapoff": _swap,
    "swapon": _swap,
}
