"""How people ask for what the bash agent does: commands and scripts, files, processes."""

from __future__ import annotations

from types import MappingProxyType

from reign.core.lexicon import CHECK, CREATE, REMOVE, SHOW, Gives, Kind, Phrase, Slot, Words

#: First words of what people type into a shell, so that ``run make test`` needs no backticks.
PROGRAMS = (
    *("ansible", "ansible-playbook", "apt", "apt-get", "awk", "aws", "az", "bash", "brew", "bun", "bundle", "bzip2"),
    *("cargo", "cat", "chmod", "chown", "cmake", "composer", "cp", "curl", "date", "dd", "deno", "df", "diff"),
    *("dig", "docker", "dotnet", "du", "echo", "env", "find", "flake8", "free", "gcc", "gcloud", "gem", "gh"),
    *("git", "go", "gradle", "grep", "gunzip", "gzip", "head", "helm", "hostname", "ip", "java", "jest", "jq"),
    *("kubectl", "ln", "ls", "lsof", "make", "md5sum", "mkdir", "mount", "mv", "mvn", "mypy", "mysqldump", "netstat"),
    *("node", "npm", "npx", "openssl", "perl", "pg_dump", "php", "ping", "pip", "pip3", "pnpm", "podman"),
    *("poetry", "ps", "psql", "pwd", "pylint", "pytest", "python", "python3", "rake", "redis-cli", "rsync", "ruby"),
    *("ruff", "rustc", "scp", "sed", "sh", "sha256sum", "sleep", "sort", "sqlite3", "ss", "ssh", "stat", "systemctl"),
    *("tail", "tar", "tee", "terraform", "tofu", "top", "touch", "tox", "tree", "tsc", "uname", "uniq"),
    *("unzip", "uptime", "uv", "vmstat", "wc", "wget", "whoami", "xargs", "yarn", "zip"),
)
_CUES = ("bash", "shell", "terminal", "command line")
_SHELLS = MappingProxyType({"bash": "bash", "sh": "sh", "pwsh": "pwsh", "powershell": "pwsh"})
_CWD = Slot(
    "cwd",
    Kind.PATH,
    labels=("folder", "directory", "working directory", "work folder", "cwd"),
    after=("in", "inside", "from", "at", "under", "within"),
    scope=True,
    things=("folder",),
)
_ENV = Slot("env", Kind.PAIRS, labels=("environment variable", "environment", "env", "variable"))
_SHELL = Slot("shell", Kind.CHOICE, labels=("shell",), after=("with", "using", "in"), choices=_SHELLS)
_UNDO = Slot("undo", Kind.COMMAND, labels=("undo", "undo command"), after=("undone by", "undone with"), only=r"")
_SOURCE = Slot(
    "source",
    Kind.PATH,
    labels=("file",),
    after=("from",),
    bare=True,
    required=True,
    things=("file",),
    ask="which file?",
)
_DESTINATION = Slot(
    "destination",
    Kind.PATH,
    beside="source",
    labels=("destination",),
    after=("to", "into", "as", "in", "over", "onto", "called", "named"),
    required=True,
    ask="where to?",
)
_PROCESS = Slot(
    "name",
    labels=("process", "background process", "daemon"),
    bare=True,
    required=True,
    things=("process",),
    ask="which process?",
)

WORDS: Words = {
    "bash.run": (
        Phrase(
            verbs=("run", "execute", "exec", "call", "invoke", "type", "do"),
            objects=("command", "shell command", "bash command"),
            cues=_CUES,
            programs=PROGRAMS,
            slots=(
                Slot(
                    "command",
                    Kind.COMMAND,
                    labels=("command", "shell command", "bash command", "command line"),
                    after=("with", "using", "by"),
                    bare=True,
                    required=True,
                    ask="which command? put it in backticks",
                ),
                _CWD,
                _ENV,
                _SHELL,
                _UNDO,
            ),
            filler=("test", "tests"),
            example="run `make test` in ./app",
        ),
        Phrase(
            verbs=("wait", "sleep", "pause"),
            slots=(
                Slot(
                    "command", Kind.DURATION, after=("for",), bare=True, required=True, form="sleep {}", ask="how long?"
                ),
            ),
            example="wait 30 seconds",
        ),
        Phrase(
            verbs=(*SHOW, *CHECK),
            cues=_CUES,
            slots=(
                Slot(
                    "command",
                    Kind.COMMAND,
                    labels=("command", "output"),
                    after=("with", "using", "by", "of"),
                    bare=True,
                    required=True,
                    only=r"",
                    ask="which command? put it in backticks",
                ),
                _CWD,
            ),
            filler=("it",),
            weight=-2,
        ),
    ),
    "bash.script": (
        Phrase(
            verbs=("run", "execute", "exec", "call", "invoke", "start", "launch"),
            cues=_CUES,
            slots=(
                Slot(
                    "script",
                    Kind.PATH,
                    labels=("script", "shell script", "bash script"),
                    bare=True,
                    required=True,
                    things=("file",),
                    only=r"\.(sh|bash|zsh|ksh|ps1)$",
                    ask="which script?",
                ),
                Slot("args", Kind.ARGUMENTS, labels=("argument", "arg"), after=("with",)),
                _CWD,
                _ENV,
                _SHELL,
                _UNDO,
            ),
            weight=-2,  # in backticks it is a command
            example="run the script ./scripts/migrate.sh",
        ),
    ),
    "bash.write_file": (
        Phrase(
            verbs=("write", "put", "save", "store", *CREATE),
            objects=("file",),
            slots=(
                Slot(
                    "path",
                    Kind.PATH,
                    labels=("file", "text file"),
                    after=("in", "into", "to", "at", "as", "called", "named"),
                    bare=True,
                    required=True,
                    things=("file",),
                    ask="into which file?",
                ),
                Slot(
                    "content",
                    Kind.TEXT,
                    labels=("text", "content", "line", "string", "word"),
                    after=("with", "containing", "saying", "holding", "that says"),
                    bare=True,
                    required=True,
                    ask="what should the file hold? put it in quotes",
                ),
                Slot("mode", Kind.REF, labels=("mode", "permission")),
            ),
            gives=(Gives("file", "{path}"),),
            example="write 'hello' to ./out/hello.txt",
        ),
    ),
    "bash.copy_file": (
        Phrase(
            verbs=("copy", "cp", "duplicate", "back up", "backup"),
            objects=("file",),
            slots=(_SOURCE, _DESTINATION),
            example="copy ./a.txt to ./b.txt",
        ),
    ),
    "bash.move_file": (
        Phrase(
            verbs=("move", "rename", "mv"),
            objects=("file",),
            slots=(_SOURCE, _DESTINATION),
            gives=(Gives("file", "{destination}", into="source"),),
            example="move ./a.txt to ./b.txt",
        ),
    ),
    "bash.delete_file": (
        Phrase(
            verbs=REMOVE,
            objects=("file",),
            slots=(
                Slot(
                    "path",
                    Kind.PATH,
                    labels=("file",),
                    bare=True,
                    required=True,
                    only=r"^[./~]|\.\w+$",
                    things=("file",),
                    ask="which file?",
                ),
            ),
            example="delete the file ./tmp/old.txt",
        ),
    ),
    "bash.make_directory": (
        Phrase(
            verbs=CREATE,
            objects=("folder", "directory", "dir"),
            object_needed=True,
            slots=(
                Slot(
                    "path",
                    Kind.PATH,
                    labels=("folder", "directory", "dir"),
                    after=("called", "named", "at"),
                    bare=True,
                    required=True,
                    things=("folder",),
                    ask="which folder?",
                ),
            ),
            gives=(Gives("folder", "{path}"),),
            example="make the folder ./out",
        ),
        Phrase(
            verbs=("mkdir",),
            slots=(Slot("path", Kind.PATH, bare=True, required=True, things=("folder",), ask="which folder?"),),
            gives=(Gives("folder", "{path}"),),
            filler=("-p",),
        ),
    ),
    "bash.start_process": (
        Phrase(
            verbs=("start", "run", "launch", "spawn", "fire up"),
            objects=("process", "background process", "daemon", "background"),
            cues=_CUES,
            programs=PROGRAMS,
            object_needed=True,
            slots=(
                Slot(
                    "command",
                    Kind.COMMAND,
                    labels=("command",),
                    after=("with", "using", "running"),
                    bare=True,
                    required=True,
                    ask="which command should it run? put it in backticks",
                ),
                Slot(
                    "name",
                    labels=("process", "background process", "daemon", "name"),
                    after=("as", "called", "named"),
                    required=True,
                    things=("process",),
                    ask="how should the process be called?",
                ),
                Slot("ready.port", Kind.PORT, labels=("port",), after=("on", "at")),
                Slot("ready.url", Kind.URL, after=("at", "on", "answers", "answering")),
                _CWD,
                _ENV,
            ),
            filler=("background",),
            gives=(Gives("process", "{name}"), Gives("endpoint", "{ready.port}")),
            example="start ./server.py on port 9000 as a process called api",
        ),
    ),
    "bash.stop_process": (
        Phrase(
            verbs=("stop", "kill", "end", "terminate", "halt", "shut down", *REMOVE),
            object_needed=True,
            slots=(_PROCESS,),
            example="stop the process api",
        ),
    ),
    "bash.process_status": (
        Phrase(
            verbs=(*SHOW, *CHECK, "status"),
            states=("running", "runs", "alive", "up"),
            objects=("process status",),
            object_needed=True,
            slots=(_PROCESS,),
            filler=("status", "state", "still", "doing", "do"),
            example="show the status of the process api",
        ),
    ),
}
