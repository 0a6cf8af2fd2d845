"""A terraform or tofu in a command that says that its folder is not initialised, and the init that comes first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from reign.executor import Context, Proposal, Step
from workers.bash.sandbox import Profile

_ASKS = re.compile(r"\b(?:terraform|tofu) init\b")
_PROVIDERS = re.compile(r"provider|plugin|lock file", re.IGNORECASE)
_WORD = r"(?:\"[\w./~@%+, -]+\"|'[\w./~@%+, -]+'|[\w./~@%+-]+)"  # a word, or a quoted one, that holds nothing to expand
_CALL = re.compile(
    r"(?:^|[;&|(\n]|\b(?:then|do|else|exec)\b)[ \t]*"
    rf"(?P<set>(?:TF_\w+={_WORD}[ \t]+)*)(?:\w+=\S*[ \t]+)*"
    r"(?P<program>(?:[\w./~-]*/)?(?:terraform|tofu))"
    rf"(?P<chdir>(?:[ \t]+-chdir={_WORD})?)[ \t]+(?P<does>[a-z]+)"
)
_FOLDER = re.compile(rf"(?:^|[;&|(\n])[ \t]*cd[ \t]+(?P<folder>{_WORD})[ \t]*(?:&&|;|\n)")


def not_initialised(last: Sequence[str]) -> bool:
    """Whether the last lines of a command ask for an init. ``init`` itself never does."""
    return _ASKS.search(" ".join(last)) is not None


def init_first(ctx: Context, inputs: Any, text: str, last: Sequence[str]) -> Proposal | None:
    """The same terraform's ``init``, in the same folder and sandbox, before the command with that ``text``.

    Where providers are missing and the sandbox keeps it from the network, the init gets the network; then it is a
    person who says yes. None if the text calls no terraform, has its own init, or where it runs cannot be told.
    """
    calls = list(_CALL.finditer(text))
    if not not_initialised(last) or not calls or any(call["does"] == "init" for call in calls):
        return None
    call = calls[0]
    before = text[: call.end()]
    folders = [found["folder"] for found in _FOLDER.finditer(before)]
    if len(folders) != len(re.findall(r"\b(?:cd|pushd)\b", before[: call.start("program")])):
        return None
    command = f"{call['set']}{call['program']}{call['chdir']} init -input=false"
    command = " && ".join([*(f"cd {folder}" for folder in folders), command])
    profile = Profile.WORKSPACE if inputs.sandbox is Profile.READ_ONLY else inputs.sandbox
    fetches = profile is Profile.WORKSPACE and _PROVIDERS.search(" ".join(last)) is not None
    given = inputs.model_dump(mode="json", exclude_defaults=True, include={"cwd", "env", "shell", "limits"})
    given |= {"command": command}
    if (chosen := Profile.NETWORK if fetches else profile) is not Profile.WORKSPACE:
        given["sandbox"] = chosen.value
    if ctx.masker.mask(str(given)) != str(given):  # a secret in it would not come back as one
        return None
    where = "/".join(folders) or call["chdir"].partition("=")[2] or inputs.cwd or "the work folder"
    reason = f"{where} is not initialised; `{call['program']} init` comes first"
    if fetches:
        reason += ", with the network, as providers are missing"
    step = Step.model_validate({"id": "init", "uses": "bash.run", "with": given})
    return Proposal(reason=reason[:500], before=(step,), sure=not fetches)
