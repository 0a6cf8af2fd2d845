"""A small catalog for the tests of the core."""

from __future__ import annotations

from pydantic import Field, model_validator

from reign.core.catalog import Catalog, Effect, OperationInputs, OperationResult, OperationSpec
from reign.core.resource import Undo


class Size(OperationInputs):
    cpu: int
    unit: str = "m"


class BuildInputs(OperationInputs):
    context: str
    tag: str | None = None
    from_: str = Field(default="main", alias="from")
    size: Size | None = None
    ports: dict[str, int] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _no_latest(self) -> BuildInputs:
        if self.tag == "latest":
            raise ValueError("Tags are pinned")
        return self


class ProbeInputs(OperationInputs):
    port: int = Field(default=80, ge=1)


class Made(OperationResult):
    image: str = ""
    port: int = 0


def spec(name: str, inputs: type[OperationInputs]) -> OperationSpec:
    return OperationSpec(name, f"What {name} does", inputs, Made, Undo.EXACT, Effect.CHANGE)


CATALOG = Catalog([spec("docker.run", ProbeInputs), spec("docker.build", BuildInputs), spec("bash.run", ProbeInputs)])
