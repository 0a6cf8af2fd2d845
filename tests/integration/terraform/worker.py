"""A worker of its own for the tests that kill one: applies the configuration of a world's folder."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.integration.terraform.world import World


def main() -> None:
    folder, binary, plugins, plan_file = sys.argv[1:5]
    world = World(Path(folder), binary, Path(plugins))
    for kept in (Path(folder) / "blobs").glob("*"):
        world.blobs.content[kept.name.replace("-", ":", 1)] = kept.read_bytes()
    inputs = {"plan_file": plan_file} if plan_file else {}
    world.run("apply", **inputs)


main()
