"""Statements that databases are given on the command line or on standard input."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workers.bash.judge.invocation import Invocation, Trait
from workers.bash.judge.judgement import Finding
from workers.bash.judge.outputs import content_of
from workers.bash.judge.rules.writing import written
from workers.bash.judge.tables import names

_DESTROYS = re.compile(
    r"(?is)\b(?:drop\s+(?:database|schema|table|user|role|index|view|owned|tablespace|keyspace|collection|function|extension|if)|"
    r"truncate\b|delete\s+from\s+[\w.\"`\[\]]+\s*(?:;|$|\"|')|delete\s+from\s+[\w.\"`]+\s+where\s+(?:1\s*=\s*1|true)|"
    r"update\s+[\w.\"`]+\s+set\s+(?:(?!\bwhere\b).)*$|alter\s+table\s+\S+\s+drop|alter\s+(?:user|role|system)|"
    r"grant\s+all|create\s+(?:user|role)\b.*superuser|shutdown\b|flush\s+privileges|purge\s+binary|reset\s+master|"
    r"revoke\s|set\s+password|detach\s+partition|pg_terminate_backend|kill\s+\d)"
)
_ESCAPES = re.compile(
    r"(?is)\b(?:(?:from|to)\s+program\b|xp_cmdshell|sp_oacreate|into\s+(?:out|dump)file|load_file\s*\(|load\s+data\s+(?:local\s+)?infile|"
    r"lo_(?:import|export)|pg_read_(?:binary_)?file|pg_ls_dir|pg_execute_server_program|sys_(?:exec|eval)|"
    r"copy\s[^;]*\sto\s+'(?:/(?!tmp/)|~|\.\.)|load_extension\s*\(|writefile\s*\(|utl_file|dbms_scheduler|create\s+(?:or\s+replace\s+)?function\b.*\b(?:soname|language\s+"
    r"(?:c|plpython\w*|plperlu|plsh)))"
)
_REDIS = re.compile(
    r"(?i)(?:flushall|flushdb|shutdown|debug|slaveof|replicaof|failover|swapdb|cluster reset|script flush|migrate|"
    r"config\s+(?:set|rewrite|resetstat).*|module\s+load.*|eval|acl\s+(?:setuser|deluser).*|del|unlink)"
)
_MONGO = re.compile(
    r"(?i)dropDatabase|\.drop\(|deleteMany\(\s*\{\s*\}|\.remove\(\s*\{\s*\}|dropUser|shutdownServer|dropAll|dropIndexes|"
    r"deleteMany\(\s*\)|adminCommand|db\.eval"
)


def _texts(call: Invocation) -> Iterator[str]:
    yield from call.args
    yield " ".join(call.args)
    if call.stdin is not None and call.stdin.text:
        yield call.stdin.text
    for before, after in zip(call.args, call.args[1:], strict=False):
        if before in ("-f", "--file"):
            yield content_of(after, call.scope).text or ""


def _sql(call: Invocation) -> Iterator[Finding]:
    if call.stdin is not None and Trait.NETWORK in call.stdin.traits:
        yield call.ask("databases.unseen", "It runs statements that another machine serves.")
    texts = list(_texts(call))
    if any(_ESCAPES.search(text) for text in texts):
        yield call.deny("databases.escape", "The statement reaches out of the database, to files or programs.")
    if call.name in ("sqlite3", "sqlite", "duckdb"):
        yield from _dots(call)
    if any(_DESTROYS.search(text) for text in texts):
        yield call.ask("databases.destroy", "The statement destroys data or changes who may use it.")


def _dots(call: Invocation) -> Iterator[Finding]:
    """SQLite's own commands: .load runs a library, .output and its like write files."""
    for text in _texts(call):
        if re.search(r"(?m)^\s*\.load\b", text):
            yield call.ask("shell.load", "It has the database load code from a file.")
        for path in re.findall(r"(?m)^\s*\.(?:output|once|backup|save|clone|log|trace)\s+([^\s|]\S*)\s*$", text):
            yield from written(call, path.strip("'\""))


def _redis(call: Invocation) -> Iterator[Finding]:
    words = " ".join(argument for argument in call.args if not argument.startswith("-"))
    lines = [words, *((call.stdin.text if call.stdin else None) or "").splitlines()]
    tails = [" ".join(line.split()[at:]) for line in lines for at in range(min(4, len(line.split())))]
    if "--eval" in call.args:
        yield call.ask("databases.destroy", "It runs a script inside the server.")
    if any(_REDIS.match(tail) for tail in tails):
        yield call.ask("databases.destroy", "The command destroys data or changes the server.")


def _mongo(call: Invocation) -> Iterator[Finding]:
    if any(_MONGO.search(text) for text in _texts(call)):
        yield call.ask("databases.destroy", "The statement destroys data.")


def _tool(call: Invocation) -> Iterator[Finding]:
    yield call.ask("databases.destroy", "It drops a database or a role, or overwrites one.")


def _admin(call: Invocation) -> Iterator[Finding]:
    if any(re.match(r"drop|shutdown|flush|kill|password|reload|stop|promote", argument) for argument in call.args):
        yield call.ask("databases.destroy", "It drops a database or stops the server.")


RULES = {
    **dict.fromkeys(
        names(
            "psql mysql mariadb sqlite3 sqlite sqlcmd sqlplus isql cockroach clickhouse-client clickhouse "
            "duckdb usql pgcli mycli litecli cqlsh hive beeline impala-shell snowsql trino presto bq influx "
            "osqueryi db2 tsql mssql-cli"
        ),
        _sql,
    ),
    "redis-cli": _redis,
    "valkey-cli": _redis,
    "keydb-cli": _redis,
    "mongo": _mongo,
    "mongosh": _mongo,
    **dict.fromkeys(
        names(
            "dropdb dropuser pg_resetwal pg_dropcluster mysql_install_db mongorestore pg_restore initdb "
            "mysql_secure_installation pg_ctlcluster"
        ),
        _tool,
    ),
    "mysqladmin": _admin,
    "pg_ctl": _admin,
}
