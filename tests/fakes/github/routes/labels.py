"""Labels of repositories and of issues."""

from __future__ import annotations

import re

from tests.fakes.github.call import Call, created, no_content
from tests.fakes.github.exchange import Answer, Page
from tests.fakes.github.problems import Problem, invalid, not_found
from tests.fakes.github.render import tracker as shown
from tests.fakes.github.routing import Routes
from tests.fakes.github.tracker import Label

routes = Routes()
ISSUE = "/repos/{owner}/{repo}/issues/{issue_number}"
READ, WRITE = "issues:read", "issues:write"
COLOR = re.compile(r"[0-9a-fA-F]{6}")
# What a label gets that is made by naming it on an issue. Source: the recorded add-labels-to-issue scenario.
IMPLICIT_COLOR = "ededed"


def named_labels(call: Call) -> list[Label]:
    """The labels of the body, those that do not exist made on the way."""
    body = call.request.json()
    given = body if isinstance(body, list) else call.body.get("labels", [])
    names = [one["name"] if isinstance(one, dict) else str(one) for one in given]
    labels = []
    for name in names:
        label = call.repository.label(name)
        if label is None:
            label = Label(call.world.new_id(), name, IMPLICIT_COLOR)
            call.repository.labels.append(label)
        labels.append(label)
    return labels


@routes.add("GET", f"{ISSUE}/labels", permission=READ, scopes="repo")
def issue_labels(call: Call) -> Page:
    return _rendered_labels(call, call.issue().labels)


@routes.add("POST", f"{ISSUE}/labels", permission=WRITE, role="triage", scopes="")
def add_labels(call: Call) -> Page:
    issue = call.issue()
    issue.labels += [label for label in named_labels(call) if label not in issue.labels]
    return _rendered_labels(call, issue.labels)


@routes.add("PUT", f"{ISSUE}/labels", permission=WRITE, role="triage", scopes="")
def set_labels(call: Call) -> Page:
    issue = call.issue()
    issue.labels = named_labels(call)
    return _rendered_labels(call, issue.labels)


@routes.add("DELETE", f"{ISSUE}/labels/{{name}}", permission=WRITE, role="triage", scopes="")
def remove_label(call: Call) -> Page:
    issue = call.issue()
    label = call.repository.label(call.params["name"])
    if label is None or label not in issue.labels:
        raise Problem(404, "Label does not exist")
    issue.labels.remove(label)
    return _rendered_labels(call, issue.labels)


@routes.add("DELETE", f"{ISSUE}/labels", permission=WRITE, role="triage", scopes="")
def remove_labels(call: Call) -> Answer:
    call.issue().labels.clear()
    return no_content()


def _rendered_labels(call: Call, labels: list[Label]) -> Page:
    return Page(labels, lambda one: shown.label(call.links, call.repository, one))


@routes.add("GET", "/repos/{owner}/{repo}/labels", permission=READ, scopes="repo")
def labels(call: Call) -> Page:
    return _rendered_labels(call, call.repository.labels)


def _label(call: Call) -> Label:
    label = call.repository.label(call.params["name"])
    if label is None:
        raise not_found()
    return label


@routes.add("GET", "/repos/{owner}/{repo}/labels/{name}", permission=READ, scopes="repo")
def get_label(call: Call) -> Answer:
    return Answer(body=shown.label(call.links, call.repository, _label(call)))


@routes.add("POST", "/repos/{owner}/{repo}/labels", permission=WRITE, role="push", scopes="")
def create_label(call: Call) -> Answer:
    call.required("Label", "name")
    color = str(call.body.get("color", IMPLICIT_COLOR))
    _check_label(call, str(call.body["name"]), color)
    label = Label(call.world.new_id(), str(call.body["name"]), color, call.text("description"))
    call.repository.labels.append(label)
    rendered = shown.label(call.links, call.repository, label)
    return created(rendered, rendered["url"])


def _check_label(call: Call, name: str, color: str, but: Label | None = None) -> None:
    other = call.repository.label(name)
    if other is not None and other is not but:
        raise invalid("Label", "name", "already_exists")
    if not COLOR.fullmatch(color):
        raise invalid("Label", "color")


@routes.add("PATCH", "/repos/{owner}/{repo}/labels/{name}", permission=WRITE, role="push", scopes="")
def update_label(call: Call) -> Answer:
    label = _label(call)
    name, color = str(call.body.get("new_name", label.name)), str(call.body.get("color", label.color))
    _check_label(call, name, color, label)
    label.name, label.color = name, color
    label.description = call.text("description", label.description)
    return Answer(body=shown.label(call.links, call.repository, label))


@routes.add("DELETE", "/repos/{owner}/{repo}/labels/{name}", permission=WRITE, role="push", scopes="")
def delete_label(call: Call) -> Answer:
    label = _label(call)
    call.repository.labels.remove(label)
    for issue in call.repository.issues.values():
        issue.labels = [one for one in issue.labels if one is not label]
    return no_content()
