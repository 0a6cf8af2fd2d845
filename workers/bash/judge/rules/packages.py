"""Package managers: installing runs the package's own code, removing takes programs away."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workers.bash.judge import options
from workers.bash.judge.invocation import Invocation
from workers.bash.judge.judgement import Finding
from workers.bash.judge.tables import names

_LOOKS = re.compile(
    r"list|show|search|info|policy|depends|rdepends|query|provides|whatprovides|repolist|check-update|outdated|history|files|"
    r"-q\w*|-Q\w*|-Ss|-Si|-Sl|-l|-L|-s|-S|--list|--search|--info|-W|-p|view|deps|doctor|config|leaves|madison|changelog|download|"
    r"check|verify|version|home|cat|desc|--get-selections|-V|--help|--version|-h|moo|stats|update-info|updateinfo|-c"
)
_REMOVES = re.compile(
    r"remove|purge|autoremove|erase|uninstall|-R\w*|-e|-r|-P|--remove|--purge|--erase|del|delete|unmerge|-C|"
    r"--unmerge|dist-upgrade|full-upgrade|autopurge|rm"
)
_VITAL = re.compile(
    r"(?:lib)?(?:c6|c-bin|pam\w*|systemd.*)|glibc.*|systemd.*|sudo|bash|coreutils|dpkg|apt|rpm|dnf|yum|linux-image.*|kernel.*|"
    r"openssh.*|login|init|util-linux|base-files|grub.*|network-?manager|libc.*|\*|python3(?:-minimal)?|musl"
)
_ELSEWHERE = re.compile(r"(?:git\+|https?://|ssh://|git@|file:///)|\.(?:whl|tgz|tar\.gz|deb|rpm)$")


def _runner(call: Invocation) -> Iterator[Finding]:
    """uvx, bunx, npx --yes: what is not installed is fetched and run without a question."""
    words = [argument for argument in call.args if not argument.startswith("-")]
    unasked = {
        "uvx": bool(words),
        "bunx": bool(words),
        "npx": bool({"-y", "--yes"} & set(call.args)),
        "bun": words[:1] == ["x"],
        "pnpm": words[:1] == ["dlx"],
        "yarn": words[:1] == ["dlx"],
        "uv": words[:2] == ["tool", "run"],
        "pipx": words[:1] == ["run"],
        "npm": words[:1] in (["exec"], ["x"]) and bool({"-y", "--yes"} & set(call.args)),
    }
    if unasked.get(call.name):
        yield call.ask("packages.other-source", "It fetches a package and runs it at once.")


def _system(call: Invocation) -> Iterator[Finding]:
    words = [argument for argument in call.args if re.match(r"[^-]|-[A-Za-z]", argument)]
    verb = next((word for word in words if word not in ("-y", "-q", "-qq", "-f", "-o")), "")
    removes = any(_REMOVES.fullmatch(word) for word in words[:3])
    if removes and any(_VITAL.fullmatch(word) for word in words):
        yield call.deny("packages.remove-vital", "It removes a package that the machine needs to run.")
    elif removes:
        yield call.ask("packages.remove", "It removes packages of the machine.")
    elif any(argument.startswith("--force-") or argument == "--nodeps" for argument in call.args):
        yield call.ask("packages.force", "It changes packages of the machine against its checks.")
    elif verb and not _LOOKS.fullmatch(verb):
        yield call.ask("packages.install", "It changes the packages of the machine.")


def _pip(call: Invocation) -> Iterator[Finding]:
    takes = names(
        "-r -c -e -t -i --requirement --constraint --editable --target --index-url --prefix --extra-index-url "
        "-f --find-links --python --trusted-host --proxy --cert --root -d --dest -w --wheel-dir"
    )
    args = call.args
    yield from _runner(call)
    if call.name.startswith("python"):
        if args[:2] not in (("-m", "pip"), ("-m", "ensurepip")):
            return
        args = args[2:]
    if call.name == "uv" and args[:1] == ("pip",):
        args = args[1:]
    if call.name == "uv" and args[:1] == ("tool",):
        args = args[1:]
    read = options.read(args, takes)
    verb, packages = (read.operands[0], read.operands[1:]) if read.operands else ("", [])
    if call.name == "uv" and verb == "run" and any(arg.partition("=")[0] == "--with" for arg in call.args):
        yield call.ask("packages.install", "It installs packages, which run code of their own.")
    indexes = read.values("-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--proxy")
    if verb in ("install", "add", "download", "wheel"):
        if any(index for index in indexes if "pypi.org" not in index) or read.has("--trusted-host"):
            yield call.ask("packages.other-source", "It installs from another index than the usual one.")
        if any(_ELSEWHERE.search(package) for package in packages + read.values("-e", "-r")):
            yield call.ask("packages.other-source", "It installs code from an address.")
        elif any(not package.startswith((".", "/")) for package in packages):
            yield call.ask("packages.install", "It installs packages, which run code of their own.")
        if read.has("--break-system-packages") or read.values("--target", "--prefix", "--root", "-t"):
            yield call.ask("packages.install", "It installs outside the project.")
    elif verb == "uninstall":
        yield call.ask("packages.remove", "It removes packages.")
    elif verb == "config" and packages[:1] in (["set"], ["edit"]):
        yield call.ask("packages.other-source", "It changes where packages come from.")


def _npm(call: Invocation) -> Iterator[Finding]:
    yield from _runner(call)
    read = options.read(call.args, names("--prefix --registry -w --workspace -C --cwd --loglevel --script-shell"))
    words = read.operands[1:] if read.operands[:1] == ["global"] else read.operands
    verb, packages = (words[0], words[1:]) if words else ("", [])
    if (verb in ("config", "set", "c") and "set" in words) or (verb == "config" and words[1:2] == ["edit"]):
        yield call.ask("packages.other-source", "It changes where packages come from or how their scripts run.")
    if read.values("--registry"):
        yield call.ask("packages.other-source", "It takes packages from another registry than the usual one.")
    if verb in names("install i add up update upgrade dlx create init link exec x in ins"):
        named = [package for package in packages if not package.startswith("./")]
        if (named or read.has("-g", "--global", "--location")) and verb not in ("exec", "x", "init"):
            yield call.ask("packages.install", "It installs packages, which run code of their own.")
    elif verb in names("publish unpublish deprecate token owner adduser login logout access hook"):
        yield call.ask("packages.publish", "It changes what a registry offers, or who may.")
    elif verb in ("uninstall", "remove", "rm", "un", "r") and read.has("-g", "--global"):
        yield call.ask("packages.remove", "It removes programs of the machine.")


def _language(call: Invocation) -> Iterator[Finding]:
    yield from _runner(call)
    if call.name == "go" and call.args[:1] == ("run",) and any("@" in argument for argument in call.args[1:2]):
        yield call.ask("packages.other-source", "It runs code from an address.")
    read = options.read(call.args, ("--version", "-v", "--git", "--path", "--source", "-s", "--index"))
    verb, packages = (read.operands[0], read.operands[1:]) if read.operands else ("", [])
    if verb == "add" and call.name == "poetry" and packages:
        yield call.ask("packages.install", "It installs packages, which run code of their own.")
    if verb in ("install", "get", "require", "global") and (packages or read.has("--git")):
        if not all(package.startswith((".", "/")) for package in packages) or read.has("--git"):
            yield call.ask("packages.install", "It installs packages, which run code of their own.")
    elif verb in ("publish", "push", "yank", "owner", "upload", "unpublish"):
        yield call.ask("packages.publish", "It changes what a registry offers, or who may.")
    elif verb in ("uninstall", "remove") and call.name in names("gem opam luarocks ghcup rustup sdk pipx conda mamba"):
        yield call.ask("packages.remove", "It removes packages.")


def _nix(call: Invocation) -> Iterator[Finding]:
    """A flake of somebody else's is fetched, and its code is run or built."""
    words = [argument for argument in call.args if not argument.startswith("-")]
    if words[:1] and words[0] in names("run shell develop build profile bundle") and any(":" in w for w in words[1:]):
        yield call.ask("packages.other-source", "It fetches a package and builds or runs it.")


def _builder(call: Invocation) -> Iterator[Finding]:
    if any(re.fullmatch(r"(?::\w+)*:?(?:deploy|publish\w*|release:\w+|uploadArchives)", word) for word in call.args):
        yield call.ask("packages.publish", "It changes what a registry offers.")


def _always(call: Invocation) -> Iterator[Finding]:
    yield call.ask("packages.install", "It installs programs.")


RULES = {
    **dict.fromkeys(
        names(
            "apt apt-get aptitude dpkg yum dnf microdnf rpm zypper pacman yay paru apk emerge xbps-install "
            "xbps-remove pkg pkg_add opkg brew port snap flatpak nix-env guix slackpkg eopkg swupd rpm-ostree "
            "tdnf choco winget scoop apt-key add-apt-repository dpkg-reconfigure softwareupdate"
        ),
        _system,
    ),
    **dict.fromkeys(("pip", "pip3", "pip2", "python", "python3", "uv", "pipx"), _pip),
    **dict.fromkeys(("npm", "yarn", "pnpm", "bun", "npx"), _npm),
    **dict.fromkeys(
        names(
            "gem cargo go composer luarocks opam cpan cpanm stack cabal mix dotnet conda mamba micromamba twine "
            "rustup sdk poetry pipx krew code ansible-galaxy helm-plugin"
        ),
        _language,
    ),
    "nix": _nix,
    **dict.fromkeys(("mvn", "mvnw", "gradle", "gradlew"), _builder),
    "uvx": _runner,
    "bunx": _runner,
    "cpan": _always,
    "cpanm": _always,
    "alien": _always,
    "gdebi": _always,
    "installer": _always,
    "easy_install": _always,
    "pecl": _always,
    "pear": _always,
}
