from __future__ import annotations

from typing import Any

from reign.core.resource import Observation
from workers.docker.references import refers


def seen(address: str, state: dict[str, Any], **facts: Any) -> Observation:
    return Observation(resource=address, exists=True, state=state, facts=facts)


STATE = {
    "networks": {"front": {}, "bridge": {}},
    "host": {
        "NetworkMode": "front",
        "Binds": ["data:/data", "/srv/site:/www:ro"],
        "Mounts": [{"Type": "volume", "Source": "more"}, {"Type": "tmpfs"}],
    },
}


def test_a_container_leans_on_its_image_networks_volumes_and_files() -> None:
    assert list(refers(seen("docker:container/web", STATE, image="web"))) == [
        "docker:image/web:latest",
        "docker:network/front",
        "docker:volume/data",
        "bash:file//srv/site",
        "docker:volume/more",
    ]


def test_a_container_may_share_the_network_of_another() -> None:
    found = refers(seen("docker:container/web", {"host": {"NetworkMode": "container:db"}}))
    assert list(found) == ["docker:container/db"]


def test_a_compose_project_leans_on_what_its_containers_do() -> None:
    project = seen("docker:compose/shop", {"containers": {"web": STATE}}, containers={"web": {"image": "web:2"}})
    assert "docker:image/web:2" in refers(project)
    assert "docker:network/front" in refers(project)


def test_others_lean_on_nothing() -> None:
    assert refers(seen("docker:volume/data", {})) == ()
    assert refers(Observation.absent("docker:container/web")) == ()
    assert refers(Observation.damaged("docker:container/web", "x")) == ()
