"""What leans on what, by what was seen."""

from __future__ import annotations

from reign.core.resource import Observation
from reign.engine.references import Reference, named
from reign.store.history import ResourceRecord


def record(address: str, **state: object) -> ResourceRecord:
    seen = Observation(resource=address, exists=True, state=state)
    return ResourceRecord("dev", address, seen, 1, 1, 1, "run", "task", "x.y", 0.0)


def test_a_container_leans_on_the_files_of_a_folder_that_it_mounts() -> None:
    page, other = record("bash:file//srv/www/page.html"), record("bash:file//srv/www2/page.html")
    web = record("docker:container/web", host={"Binds": ["/srv/www:/www:ro"]})
    known = {item.address: item for item in (page, other, web)}
    assert list(named(known)) == [
        Reference(web.address, page.address, "it is made with the folder that holds it"),
    ]
    folder = record("bash:file//srv/www")
    assert [item.needs for item in named({**known, folder.address: folder})] == [folder.address, page.address]
