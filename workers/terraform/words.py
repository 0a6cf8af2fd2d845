"""How people ask for what the terraform agent does."""

from __future__ import annotations

from dataclasses import replace

from reign.core.lexicon import CHECK, CREATE, REMOVE, SHOW, Gives, Kind, Phrase, Slot, Words

_CUES = ("terraform", "tofu", "opentofu", "tf", "terraform-managed")
_DIRECTORY = Slot(
    "directory",
    Kind.PATH,
    labels=(
        *(
            "folder",
            "directory",
            "chdir",
            "module",
            "stack",
            "configuration",
            "config",
            "code",
            "infrastructure",
            "infra",
        ),
        *(
            "terraform",
            "terraform code",
            "terraform configuration",
            "terraform folder",
            "terraform module",
            "terraform file",
        ),
    ),
    after=("in", "from", "of", "at", "for", "on", "under", "against"),
    bare=True,
    required=True,
    scope=True,
    things=("folder",),
    like=r"infra|terraform|\btf\b|tofu",
    only=r"(?i)^(?!.*(\.(ya?ml|json|toml|sh|bash|zsh|ksh|ps1|py|js|md|txt|conf|lock)|dockerfile)$)",  # no folder
    ask="which terraform folder? for example ./infra",
)
_ADDRESS = r"^(module\.[\w-]+\.)*[a-z][a-z0-9]*_[\w-]+\.[\w-]+"
_DIRECTORY_ASIDE = replace(_DIRECTORY, bare=False)
_NEW_WORKSPACE = Slot(
    "workspace",
    labels=("workspace", "terraform workspace"),
    after=("called", "named"),
    bare=True,
    required=True,
    things=("workspace",),
    ask="which workspace?",
)
_WORKSPACE = Slot("workspace", labels=("workspace", "terraform workspace", "ws"), scope=True, things=("workspace",))
_VARIABLES = Slot("variables", Kind.SETTINGS, labels=("variable", "var", "-var", "tfvar"))
_TARGETS = Slot("targets", Kind.REF, labels=("target", "-target"), after=("targeting",), many=True)
_TARGETS_ONLY = replace(_TARGETS, labels=(), after=("for",), bare=True, only=r"^(module\.|[a-z]+_[a-z_]+\.)")
_VARIABLE_FILES = Slot(
    "var_files",
    Kind.PATH,
    labels=("variable file", "var file", "-var-file"),
    after=("with", "using", "from"),
    only=r"\.tfvars",
    many=True,
)
_WHERE = (_DIRECTORY, _WORKSPACE)
_FILLER = (
    "made",
    "created",
    "change",
    "resource",
    "everything",
    "anything",
    "all",
    "what",
    "would",
    "dry",
    "run",
    "managed",
)

WORDS: Words = {
    "terraform.init": (
        Phrase(
            verbs=("init", "initialise", "initialize", "set up"),
            cues=_CUES,
            slots=(
                _DIRECTORY,
                Slot("plugin_dir", Kind.PATH, labels=("plugin folder", "plugin directory", "plugin dir", "plugin")),
                Slot(
                    "backend", Kind.SETTINGS, labels=("backend", "backend setting", "-backend-config", "backend config")
                ),
                Slot("upgrade", Kind.CHOICE, choices={"-upgrade": True, "--upgrade": True}),
            ),
            comes_before=(
                *("terraform.validate", "terraform.plan", "terraform.apply", "terraform.destroy"),
                *("terraform.output", "terraform.show"),
            ),
            example="initialise terraform in ./infra",
        ),
    ),
    "terraform.validate": (
        Phrase(
            verbs=("validate",),
            states=("validates", "valid", "validated"),
            cues=_CUES,
            slots=(_DIRECTORY,),
            comes_before=("terraform.plan", "terraform.apply"),
            example="validate the terraform code in ./infra",
        ),
        Phrase(
            verbs=CHECK,
            states=("validates", "valid"),
            cues=_CUES,
            state_needed=True,
            slots=(_DIRECTORY,),
            comes_before=("terraform.plan", "terraform.apply"),
            weight=6,  # "is the terraform code valid?": by its own tool rather than by a linter
        ),
    ),
    "terraform.plan": (
        Phrase(
            verbs=("plan", "preview", "dry run", "dry-run"),
            cues=_CUES,
            slots=(
                *_WHERE,
                _VARIABLES,
                _VARIABLE_FILES,
                Slot(
                    "destroy",
                    Kind.CHOICE,
                    choices=dict.fromkeys(
                        ("destruction", "destroy", "destroying", "removal", "removing", "-destroy"), True
                    ),
                ),
                _TARGETS,
                _TARGETS_ONLY,
            ),
            filler=(*_FILLER, "only"),
            gives=(Gives("plan file", "{result.plan_file}"),),
            comes_before=("terraform.apply",),
            weight=1,
            example="plan ./infra in workspace staging",
        ),
        Phrase(
            verbs=(*CREATE, *SHOW, "generate", "produce", "prepare"),
            about=("plan", "terraform plan", "execution plan"),
            cues=_CUES,
            slots=(*_WHERE, _VARIABLES, _VARIABLE_FILES),
            filler=_FILLER,
            gives=(Gives("plan file", "{result.plan_file}"),),
            comes_before=("terraform.apply",),
            example="create a terraform plan for ./infra",
        ),
        Phrase(
            verbs=("change", *SHOW),
            objects=("change",),
            cues=_CUES,
            object_needed=True,
            slots=(*_WHERE, _VARIABLES),
            filler=("would", "change", "changed", "what", "has", "have", "according"),
            gives=(Gives("plan file", "{result.plan_file}"),),
            weight=-1,
        ),
    ),
    "terraform.apply": (
        Phrase(
            verbs=("apply", "provision", "deploy", "roll out"),
            objects=("plan", "change"),
            cues=_CUES,
            slots=(
                *_WHERE,
                _VARIABLES,
                _VARIABLE_FILES,
                Slot(
                    "plan_file",
                    Kind.PATH,
                    labels=("plan file", "saved plan"),
                    only=r"plan",
                    things=("plan file",),
                    implicit=True,
                ),
                _TARGETS,
                _TARGETS_ONLY,
            ),
            filler=(*_FILLER, "-auto-approve", "--auto-approve", "only"),
            example="apply the terraform code in ./infra to workspace staging",
        ),
    ),
    "terraform.destroy": (
        Phrase(
            verbs=("destroy", "tear down"),
            cues=_CUES,
            slots=(*_WHERE, _VARIABLES, _VARIABLE_FILES, _TARGETS, _TARGETS_ONLY),
            filler=(
                *_FILLER,
                "-auto-approve",
                "--auto-approve",
                "only",
                "manage",
                "managed",
                "control",
                "own",
                "created",
            ),
            example="destroy everything in ./infra/dev with terraform",
        ),
        Phrase(
            verbs=("remove", "delete"),
            objects=("infrastructure",),
            cues=_CUES,
            object_needed=True,
            slots=(*_WHERE, _VARIABLES),
            filler=_FILLER,
        ),
    ),
    "terraform.create_workspace": (
        Phrase(
            verbs=CREATE,
            cues=_CUES,
            about=("workspace", "terraform workspace"),
            slots=(_DIRECTORY_ASIDE, _NEW_WORKSPACE),
            gives=(Gives("workspace", "{workspace}"),),
            example="create the terraform workspace qa in ./infra",
        ),
    ),
    "terraform.delete_workspace": (
        Phrase(
            verbs=REMOVE,
            cues=_CUES,
            about=("workspace", "terraform workspace"),
            slots=(_DIRECTORY_ASIDE, _NEW_WORKSPACE),
            example="delete the terraform workspace qa in ./infra",
        ),
    ),
    "terraform.list_workspaces": (
        Phrase(
            verbs=SHOW,
            cues=_CUES,
            about=("workspace", "terraform workspace"),
            slots=(_DIRECTORY,),
            filler=("all", "exist", "available"),
            weight=-1,
            example="list the terraform workspaces of ./infra",
        ),
    ),
    "terraform.state_list": (
        Phrase(
            verbs=("list", "state list"),
            cues=_CUES,
            about=("address", "resource address"),
            slots=_WHERE,
            filler=("all", "state"),
            weight=1,
            example="list the resource addresses in the terraform state of ./infra",
        ),
        Phrase(verbs=("state list",), cues=_CUES, slots=_WHERE),
    ),
    "terraform.import": (
        Phrase(
            verbs=("import",),
            cues=_CUES,
            slots=(
                replace(_DIRECTORY_ASIDE, after=(*_DIRECTORY.after, "into"), only=r"^[./~]|/"),
                _WORKSPACE,
                Slot("address", Kind.REF, bare=True, only=_ADDRESS, like=_ADDRESS),
                Slot(
                    "id",
                    Kind.REF,
                    labels=("id", "object", "resource"),
                    after=("with", "from"),
                    bare=True,
                    required=True,
                    ask="which object? give the id that its provider knows",
                ),
                Slot(
                    "address",
                    Kind.REF,
                    labels=("address",),
                    after=("as", "to", "into"),
                    required=True,
                    like=_ADDRESS,
                    ask="as which address? for example aws_instance.web",
                ),
            ),
            example="import i-0abc123 as aws_instance.web into the terraform state in ./infra",
            filler=("state",),
        ),
    ),
    "terraform.output": (
        Phrase(
            verbs=(*SHOW, "output", "outputs"),
            about=("output", "terraform output", "output value"),
            cues=_CUES,
            slots=_WHERE,
            filler=("value", "all"),
            example="show the outputs of the terraform code in ./infra",
        ),
        Phrase(verbs=("output", "outputs"), cues=_CUES, slots=_WHERE),
    ),
    "terraform.show": (
        Phrase(
            verbs=("show",),
            objects=_CUES,
            slots=_WHERE,
            object_needed=True,
            filler=("all",),
        ),
        Phrase(
            verbs=SHOW,
            about=("state", "terraform state", "resource", "manages", "managed"),
            cues=_CUES,
            object_needed=True,
            slots=_WHERE,
            filler=("all", "current", "managed", "what"),
            example="show the terraform state of ./infra",
        ),
    ),
}
