"""What a recorded container or compose project leans on: its image, networks and volumes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reign.core.resource import Observation
from workers.docker import names
from workers.docker.record import SPECIAL_MODES


def refers(seen: Observation) -> Sequence[str]:
    """Addresses of what the observed resource needs to be there."""
    kind = seen.resource.partition(":")[2].partition("/")[0]
    if not seen.exists or seen.is_damaged:
        return ()
    if kind == "container":
        return tuple(dict.fromkeys(_of_container(seen.state, seen.facts)))
    if kind == "compose":
        facts = seen.facts.get("containers") or {}
        found = [
            address
            for name, state in (seen.state.get("containers") or {}).items()
            for address in _of_container(state, facts.get(name) or {})
        ]
        return tuple(dict.fromkeys(found))
    return ()


def _of_container(state: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterator[str]:
    if image := facts.get("image"):
        yield names.image_address(str(image))
    host = state.get("host") or {}
    for network in (*(state.get("networks") or {}), str(host.get("NetworkMode", ""))):
        way, _, other = network.partition(":")
        if way == "container":
            yield names.container_address(other)
        elif network and network not in SPECIAL_MODES:
            yield names.network_address(network)
    for bind in host.get("Binds") or ():
        source = str(bind).partition(":")[0]
        yield f"bash:file/{source}" if source.startswith("/") else names.volume_address(source)
    for mount in host.get("Mounts") or ():
        if mount.get("Type") == "volume" and mount.get("Source"):
            yield names.volume_address(str(mount["Source"]))
