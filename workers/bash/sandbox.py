"""The sandbox of a command: what it may see, write and reach under a profile, as an order to the warden."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import uuid4

from reign.executor import Context, FailureKind, TaskFailed
from reign.executor.process import ToolResult
from workers.bash.boundary import Boundary, Kind, boundary
from workers.bash.hidden import hidden_places, readable_around
from workers.bash.limits import limits_for
from workers.bash.warden.order import Limits, Order, Verdict, Walls

WARDEN = Path(__file__).parent / "warden" / "__main__.py"
_PRIVATE = ("/tmp", "/var/tmp", "/run", "/dev/shm")  # noqa: S108 - inside the sandbox, of its own
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty")
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TERM", "SSL_CERT_FILE", "SSL_CERT_DIR")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
_TMP_SIZE = 1 << 30  # bytes at most; it is memory, and of no process


class Profile(StrEnum):
    """How much of the machine a command is given."""

    READ_ONLY = "read-only"  # sees the machine less its secrets, writes nothing that lasts, no network
    WORKSPACE = "workspace"  # ... and writes in the work folder
    NETWORK = "network"  # ... and reaches the network
    HOST = "host"  # no sandbox: only where the operator of the worker allows it


@dataclass(frozen=True)
class Sandbox:
    """A profile on this machine for one work folder."""

    profile: Profile
    boundary: Boundary
    workdir: Path
    roots: tuple[Path, ...]
    home: Path  # where HOME and TMPDIR are if the boundary has no private /tmp
    show: tuple[Path, ...] = ()  # read-only, though hidden or below a private folder
    hide: tuple[Path, ...] = ()
    limits: Limits = field(default_factory=Limits)

    @classmethod
    def of(cls, ctx: Context, profile: Profile, *, limits: Mapping[str, Any] | None = None) -> Sandbox:
        """The sandbox for an attempt. Raises TaskFailed where the profile cannot be had."""
        found = boundary(ctx.options.get("boundary"))
        allowed = bool(ctx.options.get("allow_unsandboxed"))
        if profile is Profile.HOST:
            if not allowed:
                raise TaskFailed(
                    "the sandbox profile `host` is not allowed on this worker",
                    kind=FailureKind.PERMISSION,
                    hint="use `workspace` or `network`, or let the operator set allow_unsandboxed for the bash agent",
                )
            found = Boundary(Kind.NONE, "no boundary: the profile is `host`")
        elif found.kind is Kind.NONE and not allowed:
            raise TaskFailed(
                f"commands are not run here, since no sandbox can be set up: {found.why}",
                kind=FailureKind.MISSING_PREREQUISITE,
                hint="install bubblewrap or allow user namespaces (see `reign doctor`), "
                "or let the operator set allow_unsandboxed",
            )
        roots = allowed_roots(ctx)
        if profile in (Profile.WORKSPACE, Profile.NETWORK) and found.kind is not Kind.NONE:
            for root in roots:
                if root == Path("/"):
                    raise TaskFailed(
                        "the work folder is /, which would make the whole machine writable",
                        kind=FailureKind.WRONG_INPUT,
                        hint="run it from a folder of its own",
                    )
        home = ctx.scratch / "home"
        return cls(
            profile,
            found,
            ctx.workdir.resolve(),
            roots,
            home,
            (),
            private_places(ctx),
            limits_for(ctx.options.get("limits"), limits),
        )

    @property
    def writable(self) -> tuple[Path, ...]:
        return self.roots if self.profile in (Profile.WORKSPACE, Profile.NETWORK) else ()

    @property
    def network(self) -> bool:
        return self.profile in (Profile.NETWORK, Profile.HOST)

    def showing(self, *places: Path) -> Sandbox:
        """The same sandbox, in which ``places`` can be read too."""
        return replace(self, show=(*self.show, *places))

    def environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        """The whole environment of the command: a few harmless names of the worker's, and ``extra``."""
        kept = [*_PASSED_ON, *(_PROXIES if self.network else ())]
        result = {name: os.environ[name] for name in kept if name in os.environ}
        result.setdefault("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        if self.profile is Profile.HOST:
            result |= {name: os.environ[name] for name in ("HOME", "USER", "LOGNAME") if name in os.environ}
        elif self.boundary.kind is Kind.BUBBLEWRAP:
            result |= {"HOME": "/tmp/home", "TMPDIR": "/tmp"}  # noqa: S108 - inside
        else:
            result |= {"HOME": str(self.home), "TMPDIR": str(self.home / "tmp")}
        return result | dict(extra)

    def walls(self) -> Walls:
        """The boundary as the warden sets it up."""
        if self.boundary.kind is Kind.BUBBLEWRAP:
            return Walls("bubblewrap", options=[self.boundary.program, *self._bubblewrap()])
        if self.boundary.kind is Kind.LANDLOCK:
            (self.home / "tmp").mkdir(parents=True, exist_ok=True)
            hidden = self._hidden()
            own = [path for root in self.writable for path in readable_around(hidden, root)]
            shown = [path for place in self._shown() for path in readable_around(hidden, place)]
            read = [*readable_around([Path("/dev"), *hidden]), *shown, *_paths(_DEVICES), Path("/dev/fd"), *own]
            write = [*own, self.home, *_paths(_DEVICES)]
            return Walls("landlock", read=[*map(str, read)], write=[*map(str, write)], network=self.network)
        return Walls("none")

    def announce(self, ctx: Context) -> None:
        """Say in the log which boundary is in force, and what about it may surprise."""
        ctx.log(f"sandbox: {self.profile.value}, {self.boundary.detail}")
        if caveat := self._caveat():
            ctx.log(f"sandbox: {caveat}")

    def _caveat(self) -> str | None:
        if self.boundary.kind is not Kind.LANDLOCK:
            return None
        for root in self.writable:
            inside = [place for place in self._hidden() if place.is_relative_to(root)]
            if inside:
                # Landlock knows no exceptions below a folder that it opens, so only what lies beside them is open.
                return f"nothing new can be made directly in {root}, since {inside[0]} in it is hidden"
        return None

    def _hidden(self) -> list[Path]:
        return [place for place in hidden_places(self.hide) if place not in self.roots]

    def _shown(self) -> list[Path]:
        """What must be seen wherever it lies: the work folder, the interpreter on PATH, and what the task brings."""
        covered = [*_paths(_PRIVATE), *self._hidden()]
        interpreters = {Path(path).resolve() for path in (sys.prefix, sys.base_prefix)}
        lost = [path for path in interpreters if any(path.is_relative_to(cover) for cover in covered)]
        resolver = Path("/etc/resolv.conf").resolve()  # often a link into /run
        names = [resolver] if self.network and resolver.exists() else []
        places = [*self.roots, *lost, *names, *(path.resolve() for path in self.show)]
        return [path for path in places if path not in self.writable]

    def _bubblewrap(self) -> list[str]:
        """Later mounts cover earlier ones, so they go from the root down; at one place, the task's own come last."""
        size = min(_TMP_SIZE, self.limits.memory or _TMP_SIZE)
        private = [place for place in _paths(_PRIVATE) if place.is_dir() and not place.is_symlink()]
        covers: list[tuple[Path, int, list[str]]] = [
            (Path("/"), 0, ["--ro-bind", "/", "/"]),
            (Path("/dev"), 0, ["--dev", "/dev"]),
            (Path("/proc"), 0, ["--proc", "/proc"]),
            *((place, 1, ["--size", str(size), "--tmpfs", str(place)]) for place in private),
            *((place, 1, _cover(place)) for place in self._hidden() if place not in private),
            (Path("/tmp/home"), 1, ["--dir", "/tmp/home"]),  # noqa: S108 - inside
            *((place, 2, ["--ro-bind", str(place), str(place)]) for place in self._shown()),
            *((place, 3, ["--bind", str(place), str(place)]) for place in self.writable),
        ]
        mounts = [word for _, _, words in sorted(covers, key=lambda c: (len(c[0].parts), c[1])) for word in words]
        share = ["--share-net"] if self.network and "--unshare-all" in self.boundary.options else []
        options = [o for o in self.boundary.options if not (self.network and o == "--unshare-net")]
        # bubblewrap's /dev is memory without a bound; its devices and /dev/shm are mounts of their own.
        return [*options, *share, *mounts, "--remount-ro", "/dev"]

    def order(self, ctx: Context, argv: list[str], cwd: Path) -> Order:
        """One command in this sandbox."""
        verdict = ctx.scratch / f"verdict-{uuid4().hex[:8]}.json"
        return Order(argv, str(cwd), str(verdict), self.walls(), self.limits)

    def run(
        self, ctx: Context, argv: list[str], *, cwd: Path, env: Mapping[str, str], keep: int, quiet: bool = False
    ) -> tuple[ToolResult, Verdict]:
        """Run a command to its end. Raises TaskFailed if the sandbox could not be set up or a limit ended it."""
        order = self.order(ctx, argv, cwd)
        path = order.write(ctx.scratch / f"order-{uuid4().hex[:8]}.json")
        result = ctx.tool(
            [sys.executable, "-I", "-S", str(WARDEN), str(path)],
            cwd=Path("/"),
            env=self.environment(env),
            keep=keep,
            on_line=(lambda stream, line: None) if quiet else None,
            grace=order.grace + 2,
            tidies=True,
        )
        verdict = Verdict.read(Path(order.verdict))
        if verdict is None or not verdict.started:
            raise TaskFailed(
                f"the command could not be started: {ctx.masker.mask(result.tail(3)) or 'the sandbox was refused'}",
                kind=FailureKind.MISSING_PREREQUISITE,
                hint="`reign doctor` shows which sandbox this machine can set up",
                details={"boundary": self.boundary.detail},
            )
        if verdict.killed:
            raise TaskFailed(
                f"ended by its limits: {verdict.killed}",
                hint="make the command smaller, or let the operator raise `limits` for the bash agent",
                details={"boundary": self.boundary.detail, "stderr": ctx.masker.mask(result.stderr[-2000:])},
            )
        return result, verdict


def _paths(texts: Iterable[str]) -> list[Path]:
    return [Path(text) for text in texts]


def _cover(place: Path) -> list[str]:
    """Nothing at all instead of a folder, an empty file instead of a file."""
    return ["--size", "65536", "--tmpfs", str(place)] if place.is_dir() else ["--ro-bind", "/dev/null", str(place)]


def private_places(ctx: Context) -> tuple[Path, ...]:
    """What belongs to REIGN or was named by the operator (option `hide`): no plan sees or touches it."""
    return (ctx.state_dir, ctx.scratch, *ctx.private, *map(Path, ctx.options.get("hide", ())))


def allowed_roots(ctx: Context) -> tuple[Path, ...]:
    """Folders that tasks may write in: the work folder and those that the operator named, links resolved."""
    named = [ctx.workdir, *(ctx.workdir / Path(root).expanduser() for root in ctx.options.get("roots", ()))]
    return tuple(dict.fromkeys(root.resolve() for root in named))
