"""validation.scan_ports: which ports of a host are open, and is that as expected? Own hosts only, unless allowed."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import socket
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field, model_validator

from reign.core.duration import Duration
from reign.core.findings import Finding, Severity
from reign.executor import Context, FailureKind, TaskFailed
from reign.executor.contract import Observations
from reign.executor.scope import Scope
from workers.validation import patience, rehearsing
from workers.validation.checking import Check, CheckInputs, CheckResult, conclude, kept

MAX_PORTS = 10_000
_AT_ONCE = 200  # connections under way: well below the usual limit of 1024 open files
#: The worker's setting with the hosts that may be scanned beside its own: names, addresses or networks.
SCAN_HOSTS = "scan_hosts"


def ports_of(value: Any) -> tuple[int, ...]:
    """``8000``, ``"8000-8010"``, ``"22,80,8000-8010"`` or a list of these as sorted ports. Raises ValueError."""
    found: set[int] = set()
    for item in value if isinstance(value, list | tuple | set) else [value]:
        if isinstance(item, bool) or not isinstance(item, int | str):
            raise ValueError("ports are numbers, ranges such as '8000-8010', or lists of these")
        for part in str(item).split(","):
            first, dash, last = part.strip().partition("-")
            if not first.strip().isdecimal() or (dash and not last.strip().isdecimal()):
                raise ValueError(f"{part.strip()!r} is no port; write 8000, '8000-8010' or a list of these")
            low, high = int(first), int(last or first)
            if not 1 <= low <= high <= 65535:
                raise ValueError(f"{part.strip()!r}: ports go from 1 to 65535, the lower one first")
            found.update(range(low, high + 1))
    if len(found) > MAX_PORTS:
        raise ValueError(f"{len(found)} ports; at most {MAX_PORTS} are scanned at a time")
    return tuple(sorted(found))


Ports = Annotated[tuple[int, ...], BeforeValidator(ports_of)]


class ScanPorts(Check["ScanPorts.Inputs", "ScanPorts.Result"]):
    """Connects to each port; what refuses or does not answer counts as closed."""

    name: ClassVar[str] = "validation.scan_ports"
    summary: ClassVar[str] = "Find out which ports of a host are open, and whether that is as expected"

    class Inputs(CheckInputs):
        host: str = Field(min_length=1, description="name or address of one of this machine's own, or an allowed one")
        ports: Ports = Field(default=(), description="a port, a range '8000-8010', or a list of these")
        expect_open: Ports = Field(default=(), description="ports that must be open")
        expect_closed: Ports = Field(default=(), description="ports that must not be open")
        within: Duration = Field(default=5.0, description="look again until this time is over if not as expected")
        connect_timeout: Duration = Field(default=1.0, gt=0, le=30, description="a port silent for so long is closed")

        @model_validator(mode="after")
        def _asks_for_something(self) -> Self:
            if not (self.ports or self.expect_open or self.expect_closed):
                raise ValueError("name `ports`, `expect_open` or `expect_closed`")
            if both := set(self.expect_open) & set(self.expect_closed):
                raise ValueError(f"port {min(both)} is expected to be open and closed")
            if len(self.all_ports) > MAX_PORTS:
                raise ValueError(f"{len(self.all_ports)} ports; at most {MAX_PORTS} are scanned at a time")
            return self

        @property
        def all_ports(self) -> list[int]:
            return sorted({*self.ports, *self.expect_open, *self.expect_closed})

    class Result(CheckResult):
        open: list[int] = Field(description="ports that accept connections")
        closed: list[int] = Field(description="ports that refuse connections or do not answer")

    def rehearsed(self, inputs: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
        return rehearsing.ports(inputs, scope)

    def apply(self, ctx: Context, inputs: ScanPorts.Inputs, seen: Observations) -> ScanPorts.Result:
        open_ports, findings = patience.run(ctx, self._scan(ctx, inputs))
        judged = conclude(ctx, f"ports of {inputs.host}", findings, inputs, retryable=True)
        return self.Result(
            open=sorted(open_ports),
            closed=[port for port in inputs.all_ports if port not in open_ports],
            findings=kept(judged),
            summary=judged.sentence(),
        )

    async def _scan(self, ctx: Context, inputs: ScanPorts.Inputs) -> tuple[set[int], list[Finding]]:
        addresses = await _resolved(inputs.host, ctx.options.get(SCAN_HOSTS, ()))
        known: dict[int, bool] = {}

        async def attempt(_: float) -> tuple[dict[int, bool], list[Finding]]:
            ports = [port for port, is_open in known.items() if _is_wrong(inputs, port, is_open)]
            known.update(await _look(ctx, addresses, ports or inputs.all_ports, inputs.connect_timeout))
            return known, _unexpected(inputs, known)

        _, findings, _ = await patience.until_passed(ctx, inputs.within, 0.5, attempt)
        return {port for port, is_open in known.items() if is_open}, findings


def _is_wrong(inputs: ScanPorts.Inputs, port: int, is_open: bool) -> bool:
    return port in (inputs.expect_closed if is_open else inputs.expect_open)


def _unexpected(inputs: ScanPorts.Inputs, known: dict[int, bool]) -> list[Finding]:
    found = []
    for port, is_open in known.items():
        if _is_wrong(inputs, port, is_open):
            state, wanted = ("open", "closed") if is_open else ("closed", "open")
            remedy = "stop what listens there, or close it in the firewall" if is_open else "check that it runs"
            found.append(
                Finding(
                    rule=f"port-{state}",
                    severity=Severity.HIGH,
                    message=f"port {port} is {state} and should be {wanted}",
                    remedy=remedy,
                    address=f"{inputs.host}:{port}",
                )
            )
    return found


async def _look(ctx: Context, addresses: Sequence[str], ports: Sequence[int], timeout: float) -> dict[int, bool]:
    """Whether each port accepts a connection on any of the addresses."""
    slots = asyncio.Semaphore(_AT_ONCE)
    found: dict[int, bool] = {}

    async def one(port: int) -> None:
        is_open = False
        async with slots:
            for address in addresses:
                is_open = is_open or await _accepts(address, port, timeout)
        found[port] = is_open
        if len(found) % 500 == 0:
            ctx.progress(f"{len(found)} of {len(ports)} ports", len(found), len(ports))

    await asyncio.gather(*(one(port) for port in ports))
    return found


async def _accepts(address: str, port: int, timeout: float) -> bool:
    try:
        async with asyncio.timeout(timeout):
            _, writer = await asyncio.open_connection(address, port)
    except TimeoutError:
        return False
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL):
            raise TaskFailed(
                f"port {port} cannot be tried: {error.strerror}", kind=FailureKind.TRANSIENT, hint="scan fewer ports"
            ) from None
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


async def _resolved(host: str, allowed: Iterable[str]) -> list[str]:
    """The addresses to scan, if the host may be scanned. Looked up once, so that a second answer cannot differ."""
    loop = asyncio.get_running_loop()
    try:
        answers = await loop.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise TaskFailed(
            f"{host}: {patience.in_words(error)}", kind=FailureKind.WRONG_INPUT, hint="give a name or an address"
        ) from None
    addresses = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
    for address in addresses:
        if not (is_own(address) or _is_allowed(host, address, allowed)):
            raise TaskFailed(
                f"{host} is not this machine, and scanning other hosts must be allowed",
                kind=FailureKind.PERMISSION,
                hint=f"add it to {SCAN_HOSTS} in the validation agent's settings",
            )
    return addresses


def is_own(address: str) -> bool:
    """Whether this machine has the address: the kernel lets only own ones be bound to."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if ip.is_loopback:
        return True
    if ip.is_multicast or str(ip) == "255.255.255.255":
        return False
    family = socket.AF_INET6 if ip.version == 6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def _is_allowed(host: str, address: str, allowed: Iterable[str]) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    for entry in allowed:
        if entry.lower() == host.lower():
            return True
        with contextlib.suppress(ValueError):
            if ip in ipaddress.ip_network(entry, strict=False):
                return True
    return False
