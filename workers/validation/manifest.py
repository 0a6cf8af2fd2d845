"""validation.manifest: Kubernetes objects against their schema, rules of safety, and the API server if there is one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from reign.core import schemafaults
from reign.core.findings import Finding, Severity
from reign.executor import Context
from reign.executor.contract import Observations
from workers.validation import dry_run, manifest_rules, yamltext
from workers.validation.checking import Check, CheckResult, conclude, kept
from workers.validation.sources import Source, sources
from workers.validation.subject import PathOrText
from workers.validation.yamltext import Document, NotYaml, Place

#: Groups that Kubernetes itself has, beside those that end in .k8s.io: what has no schema there does not exist.
_OWN_GROUPS = frozenset({"", "apps", "autoscaling", "batch", "extensions", "policy"})


class Manifest(Check["Manifest.Inputs", "Manifest.Result"]):
    """The schemas are Kubernetes' own, carried by kubernetes-validate.

    Where a cluster answers, the API server is asked too (a server-side dry run, which changes nothing).
    """

    name: ClassVar[str] = "validation.manifest"
    summary: ClassVar[str] = "Check Kubernetes manifests"

    class Inputs(PathOrText):
        context: str | None = Field(default=None, description="kubeconfig context whose API server is asked")
        namespace: str | None = Field(default=None, description="namespace of objects that name none")
        server: Literal["auto", "required", "never"] = Field(
            default="auto", description="whether to ask the API server; auto: where one answers"
        )
        kubernetes_version: str | None = Field(
            default=None, pattern=r"^v?\d+\.\d+", description="version whose schemas count; default: the newest known"
        )
        strict: bool = Field(default=True, description="whether unknown fields are findings")

    class Result(CheckResult):
        files: list[str] = Field(description="what was checked")
        objects: list[str] = Field(description="the objects in it, as kind/name")
        checked_by: str = Field(description="server:CONTEXT or schema:VERSION")

    def apply(self, ctx: Context, inputs: Manifest.Inputs, seen: Observations) -> Manifest.Result:
        found = sources(ctx, inputs, "manifest", is_manifest, "manifest.yaml")
        findings: list[Finding] = []
        objects: list[_Object] = []
        for source in found:
            ctx.check()
            try:
                objects += list(_objects(source))
            except NotYaml as error:
                hint = "check indentation and quotes"
                findings.append(
                    source.finding("yaml-syntax", Severity.HIGH, error.message, hint, error.line, error.column)
                )
        if not objects and not findings:
            message, remedy = "there is no object in it, and kubectl apply refuses that", "write one, or leave it out"
            findings.append(found[0].finding("k8s-empty", Severity.HIGH, message, remedy, 1))
        version = _version(inputs.kubernetes_version)
        for item in objects:
            findings += _against_schema(item, version, inputs.strict)
            findings += item.rules()
        asked = dry_run.ask(
            ctx,
            [(item.source, item.content, item.document.at(item.at)[0]) for item in objects if item.is_object],
            context=inputs.context,
            namespace=inputs.namespace,
            server=inputs.server if not any(f.severity is Severity.HIGH for f in findings) else "never",
        )
        judged = conclude(ctx, inputs.subject, [*findings, *asked.findings], inputs, place=inputs.place(ctx))
        return self.Result(
            files=[source.name for source in found],
            objects=[item.name for item in objects],
            checked_by=f"server:{asked.context}" if asked.context else f"schema:{version}",
            findings=kept(judged),
            summary=judged.sentence(),
        )


def is_manifest(file: Path) -> bool:
    """A YAML or JSON file with an object of Kubernetes in it."""
    if file.suffix not in (".yaml", ".yml", ".json"):
        return False
    try:
        with file.open("rb") as stream:
            start = stream.read(65536).decode(errors="replace")
    except OSError:
        return False
    return re.search(r"(?:^|[{,])\s*[\"']?apiVersion[\"']?\s*:", start, re.MULTILINE) is not None and "kind" in start


class _Object:
    """One object of a manifest, and where it stands; objects in a List stand alone."""

    def __init__(self, source: Source, document: Document, content: Any, at: Place) -> None:
        self.source, self.document, self.content, self.at = source, document, content, at

    @property
    def is_object(self) -> bool:
        return isinstance(self.content, dict) and isinstance(self.content.get("kind"), str)

    @property
    def name(self) -> str:
        if not self.is_object:
            return "?"
        metadata = self.content.get("metadata")
        name = metadata.get("name") or metadata.get("generateName") if isinstance(metadata, dict) else None
        return f"{self.content['kind']}/{name or '?'}"

    def finding(self, rule: str, severity: Severity, place: Place, message: str, remedy: str | None) -> Finding:
        line, column = self.document.at((*self.at, *place))
        return self.source.finding(rule, severity, f"{self.name}: {message}", remedy, line, column)

    def rules(self) -> Iterator[Finding]:
        if isinstance(self.content, Mapping):
            for rule, severity, place, message, remedy in manifest_rules.faults(self.content):
                yield self.finding(rule, severity, place, message, remedy)


def _objects(source: Source) -> Iterator[_Object]:
    for document in yamltext.documents(source.text):
        content = document.content
        if isinstance(content, dict) and content.get("kind") == "List" and isinstance(content.get("items"), list):
            for index, item in enumerate(content["items"]):
                yield _Object(source, document, item, ("items", index))
        else:
            yield _Object(source, document, content, ())


def _against_schema(item: _Object, version: str, strict: bool) -> Iterator[Finding]:
    content = item.content
    if not item.is_object or not isinstance(content.get("apiVersion"), str):
        message = "an object has `apiVersion` and `kind`"
        yield item.finding("k8s-schema", Severity.HIGH, (), message, "add what is missing")
        return
    for name, line, column in item.document.twice:
        message, remedy = f"the key {name!r} stands twice; only the last counts", "take one of them out"
        yield item.source.finding("duplicate-key", Severity.MEDIUM, message, remedy, line, column)
    kind, api = content["kind"], content["apiVersion"]
    validator = _validator(version, strict, kind, api)
    if validator is not None:
        for place, sentence in schemafaults.errors(validator, content):
            where = ".".join(map(str, place))
            remedy = f"kubectl explain {kind.lower()}" + (
                f".{where}" if where and not re.search(r"\.\d", where) else ""
            )
            yield item.finding("k8s-schema", Severity.HIGH, place, f"{where}: {sentence}".removeprefix(": "), remedy)
        if not isinstance(content.get("metadata"), dict):
            yield item.finding("k8s-schema", Severity.HIGH, (), "metadata is missing", "add metadata.name")
        return
    group = api.rpartition("/")[0]
    if group in _OWN_GROUPS or group.endswith(".k8s.io"):
        message = f"Kubernetes {version} has no {kind} in {api}"
        yield item.finding(
            "k8s-unknown-kind", Severity.HIGH, ("apiVersion",), message, "kubectl api-resources lists them"
        )
    else:
        message = f"there is no schema for {kind} of {api}; it was not checked"
        yield item.finding(
            "k8s-no-schema", Severity.INFO, ("apiVersion",), message, "a dry run on a cluster with its CRD checks it"
        )


def _version(wanted: str | None) -> str:
    """The newest known version, or the newest that is not newer than ``wanted``."""
    from kubernetes_validate.utils import all_versions

    known = [".".join(version.split(".")[:2]) for version in all_versions()]
    if wanted is None:
        return known[-1]
    limit = _numbers(wanted)
    return next((version for version in reversed(known) if _numbers(version) <= limit), known[0])


def _numbers(version: str) -> tuple[int, int]:
    major, minor = version.removeprefix("v").split(".")[:2]
    return int(major), int(minor)


@lru_cache(maxsize=256)
def _validator(version: str, strict: bool, kind: str, api: str) -> Any:
    """The validator of a kind, or None if that version has no such kind."""
    from jsonschema.validators import Draft202012Validator
    from kubernetes_validate.utils import schema_contents

    if not re.fullmatch(r"[A-Za-z]+", kind) or not re.fullmatch(r"[\w.-]+(?:/\w+)?", api):
        return None
    # apps/v1 -> apps-v1, rbac.authorization.k8s.io/v1 -> rbac-v1: how the files are named.
    group = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", api)
    try:
        schema = schema_contents(f"{_folder(version, strict)}/{kind.lower()}-{group}.json", version)
    except OSError:
        return None
    return Draft202012Validator(schema, registry=_registry(version, strict))


@lru_cache(maxsize=4)
def _registry(version: str, strict: bool) -> Any:
    from kubernetes_validate.utils import schema_contents
    from referencing import Registry, Resource

    definitions = schema_contents(f"{_folder(version, strict)}/_definitions.json", version)
    return Resource.from_contents(definitions) @ Registry()


def _folder(version: str, strict: bool) -> str:
    return f"kubernetes-json-schema/v{version}.0-local{'-strict' if strict else ''}"
