"""Settings: from the environment (``REIGN_*``), then ``reign.toml``, then defaults that need nothing installed."""

from __future__ import annotations

import os
import secrets
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from reign.core.errors import InvalidInput, Unavailable, did_you_mean

_KEY_LEAST = 16  # bytes of a key that can be one


def _default_data_dir() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "reign"


def _config_file() -> Path:
    given = os.environ.get("REIGN_CONFIG")
    return Path(given) if given else Path("reign.toml")


class Surroundings(BaseModel):
    """What is special to one environment (``[environments.NAME]`` of reign.toml)."""

    model_config = ConfigDict(extra="forbid")

    params: dict[str, Any] = Field(default_factory=dict, description="values of parameters here, by name")
    protected: bool = Field(default=False, description="every change asks for approval")
    secrets: list[str] | None = Field(default=None, description="beginnings of the references allowed; default: all")
    next: str | None = Field(default=None, description="where a run is promoted to by default")

    @field_validator("secrets")
    @classmethod
    def _references(cls, prefixes: list[str] | None) -> list[str] | None:
        for prefix in prefixes or ():
            if not prefix.startswith("secret://"):
                raise ValueError(f"{prefix!r} is no beginning of a secret reference: it starts with secret://")
        return prefixes


class Settings(BaseSettings):
    """All settings. Times are in seconds. An environment variable is the name in capitals after ``REIGN_``."""

    model_config = SettingsConfigDict(env_prefix="REIGN_", extra="ignore", validate_default=True)

    data_dir: Path = Field(default_factory=_default_data_dir, description="where the embedded parts keep their files")
    database_url: str | None = Field(default=None, description="postgresql://...; default: SQLite in the data folder")
    broker_url: str | None = Field(default=None, description="redis:// or rediss://; default: the embedded Valkey")
    signing_key: SecretStr | None = Field(
        default=None, description="signs messages and seals kept content; default: made in the data folder"
    )

    api_host: str = Field(default="127.0.0.1", description="address that the API listens on")
    api_port: int = Field(default=8470, ge=0, le=65535, description="port that the API listens on")
    api_url: str | None = Field(default=None, description="where clients find the API, if not at host and port")
    api_token: SecretStr | None = Field(default=None, description="required of clients; a must beyond loopback")
    flower_port: int = Field(default=5555, ge=0, le=65535, description="0: no Flower")

    environment: str = Field(default="dev", description="of a plan that names none")
    concurrency: int = Field(default=2, ge=1, le=256, description="processes of each pool under `reign up`")
    agents: dict[str, dict[str, Any]] = Field(default_factory=dict, description="options of each agent")

    audit_heads: Path | None = Field(
        default=None, description="file that the audit's heads are anchored in; default: audit/heads in the data folder"
    )
    environments: dict[str, Surroundings] = Field(
        default_factory=dict, description="what is special to dev, staging, prod, ...: see docs/environments.md"
    )
    backup_every: float = Field(default=86400.0, ge=0, description="between automatic backups of the state; 0: none")
    backup_keep: int = Field(default=7, ge=1, le=1000, description="automatic backups kept")

    planner: Literal["auto", "keyword", "llm"] = Field(
        default="auto", description="auto: the LLM planner where a model can be reached, else the keyword planner"
    )
    llm_model: str | None = Field(
        default=None, description="anthropic:NAME, openai:NAME or ollama:NAME; default: by the key that is there"
    )
    llm_fallback_model: str | None = Field(default=None, description="asked when the model does not answer well")
    llm_base_url: str | None = Field(default=None, description="another address that speaks the model's protocol")
    llm_timeout: float = Field(default=120.0, gt=0, le=3600, description="one planning, all its rounds and waits")
    llm_rounds: int = Field(default=3, ge=0, le=10, description="times that a model may repair a faulty plan")
    llm_max_tokens: int = Field(default=8192, ge=256, description="of one answer")
    llm_tokens_per_run: int = Field(default=200_000, ge=0, description="of one planning; 0: no limit")
    llm_tokens_per_day: int = Field(default=2_000_000, ge=0, description="of all plannings of a day (UTC); 0: no limit")
    llm_money_per_run: float = Field(default=1.0, ge=0, description="dollars for one planning; 0: no limit")
    llm_money_per_day: float = Field(default=10.0, ge=0, description="dollars for a day (UTC); 0: no limit")
    llm_requests_per_minute: float = Field(default=50.0, ge=0, description="of all processes; 0: no limit")
    llm_tokens_per_minute: float = Field(default=0.0, ge=0, description="of all processes; 0: no limit")
    llm_cache: float = Field(default=604_800.0, ge=0, description="how long a model's plan is kept; 0: not at all")

    policy: Path | None = Field(default=None, description="YAML file of rules: what is allowed, asked about, denied")
    gates: Literal["words", "all", "none"] = Field(
        default="words", description="checks put before risky tasks: of plans made from words, of all, of none"
    )
    preview_timeout: float = Field(default=8.0, ge=0, le=300, description="for engines to show a change; 0: not asked")

    keep_processes: bool = Field(
        default=False, description="what bash.start_process started goes on when `reign up` ends"
    )
    heartbeat: float = Field(default=1.0, gt=0, le=60, description="between two beats of a worker")
    lease: float = Field(default=6.0, gt=0, le=600, description="a worker silent for so long has lost its claims")
    segment_limit: int = Field(default=8, ge=1, le=64, description="tasks of a chain that one message carries")
    max_attempts_lost: int = Field(default=3, ge=1, description="attempts that may die with their worker")
    log_lines: int = Field(default=20_000, ge=100, description="lines kept of one attempt")
    hand_over: bool = Field(default=True, description="a worker goes on with a ready successor of its own agent")
    repair: Literal["off", "propose", "auto"] = Field(
        default="propose", description="off, propose; auto: apply what adds no risk without asking"
    )
    repair_rounds: int = Field(default=3, ge=1, le=20, description="repairs of one run without asking")
    memory: Literal["off", "suggest", "apply"] = Field(
        default="suggest", description="off, suggest; apply: plans get what it suggests"
    )
    memory_days: int = Field(default=180, ge=1, le=3650, description="what is older is forgotten")
    memory_rows: int = Field(default=50_000, ge=100, le=1_000_000, description="attempts that are remembered at most")
    dispatch_window: int = Field(default=4, ge=1, le=100_000, description="messages of one run in a pool's queue")
    pool_limits: dict[str, PositiveInt] = Field(
        default_factory=dict, description='tasks at the same time of a pool, as {"docker": 4}; default: its processes'
    )
    environment_limits: dict[str, PositiveInt] = Field(
        default_factory=dict, description='tasks at the same time in an environment, as {"prod": 2}'
    )
    retain: float = Field(
        default=7_776_000.0, ge=0, description="how long a finished run keeps its events and logs; 0: for ever"
    )
    archive: bool = Field(default=True, description="what retention takes out is kept as files in the data folder")
    socket_timeout: float = Field(default=10.0, gt=0, description="for the broker to answer")
    crash_point: str | None = Field(default=None, description="tests only: die at this point of the spine")
    testing: bool = Field(default=False, description="a test build of the settings: crash points are obeyed")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, _config_file())

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: str | None) -> str | None:
        if url is None or url.startswith(("sqlite:", "postgresql:", "postgres:", "postgresql+psycopg:")):
            return url
        raise ValueError("a database is sqlite:///PATH or postgresql://USER@HOST/NAME")

    @field_validator("broker_url")
    @classmethod
    def _known_broker(cls, url: str | None) -> str | None:
        if url is None or url.startswith(("redis://", "rediss://", "unix://", "redis+socket://")):
            return url
        raise ValueError("a broker is redis://HOST:PORT/DB or rediss://HOST:PORT/DB")

    @model_validator(mode="after")
    def _token_beyond_loopback(self) -> Self:
        if self.api_host not in ("127.0.0.1", "localhost", "::1") and self.api_token is None:
            raise ValueError("beyond loopback the API needs a token: set REIGN_API_TOKEN")
        return self

    @classmethod
    def load(cls, **given: Any) -> Self:
        """Settings of this process. Raises InvalidInput naming the wrong setting."""
        try:
            settings = cls(**{name: value for name, value in given.items() if value is not None})
        except ValidationError as error:
            first = error.errors()[0]
            name = "REIGN_" + str(first["loc"][0]).upper() if first["loc"] else "settings"
            within = ".".join(str(part) for part in first["loc"][1:])
            message, hint = first["msg"].removeprefix("Value error, "), None
            if first["type"] == "extra_forbidden":
                message = "there is no such key"
                hint = did_you_mean(str(first["loc"][-1]), Surroundings.model_fields)
            raise InvalidInput(
                f"{name}{', ' + within if within else ''}: {message}", hint=hint or "see docs/settings.md"
            ) from None
        except SettingsError as error:
            raise InvalidInput(f"the settings in the environment: {error}", hint="lists and objects are JSON") from None
        except (ValueError, OSError) as error:
            raise InvalidInput(f"{_config_file()}: {error}", hint="it must be TOML") from None
        settings._refuse_unknown()
        return settings

    def _refuse_unknown(self) -> None:
        known = {"REIGN_" + name.upper() for name in type(self).model_fields} | {"REIGN_CONFIG"}
        own = ("REIGN_REQUIRE", "REIGN_TEST_", "REIGN_COMPLETE", "REIGN_EXTRA_AGENTS")
        for name in os.environ:
            if name.startswith("REIGN_") and name not in known and not name.startswith(own):
                raise InvalidInput(
                    f"there is no setting {name}", hint=did_you_mean(name, known) or "see docs/settings.md"
                )
        path, fields = _config_file(), type(self).model_fields
        for name in tomllib.loads(path.read_text()) if path.is_file() else ():
            if name not in fields:
                hint = did_you_mean(name, fields) or "see docs/settings.md"
                raise InvalidInput(f"{path}: there is no setting {name!r}", hint=hint)

    @property
    def database(self) -> str:
        """The database URL in force."""
        if self.database_url is None:
            return f"sqlite:///{self.data_dir / 'reign.db'}"
        for short in ("postgres://", "postgresql://"):
            if self.database_url.startswith(short):
                return "postgresql+psycopg://" + self.database_url.removeprefix(short)
        return self.database_url

    @property
    def broker(self) -> str:
        """The broker URL in force; the embedded Valkey listens on a socket in the data folder, on no port."""
        if self.broker_url is None:
            return f"redis+socket://{self.socket_path}"
        return self.broker_url

    @property
    def socket_path(self) -> Path:
        """The embedded Valkey's socket. A path longer than a socket may have goes to a short one in /tmp."""
        path = self.data_dir.absolute() / "valkey.sock"
        if len(str(path)) < 100:
            return path
        from reign.core.resource import digest

        return Path("/tmp") / f"reign-{os.getuid()}-{digest(str(path))[:12]}.sock"  # noqa: S108

    def surroundings(self, environment: str) -> Surroundings:
        """What is special to an environment; the defaults for one that the settings do not name."""
        return self.environments.get(environment, Surroundings())

    def allowed_secrets(self, environment: str) -> tuple[str, ...]:
        """Beginnings of the secret references that tasks of an environment may use."""
        allowed = self.surroundings(environment).secrets
        return ("secret://",) if allowed is None else tuple(allowed)

    @property
    def heads(self) -> Path:
        """Where the audit's heads are anchored."""
        return self.audit_heads or self.data_dir / "audit" / "heads"

    @property
    def url(self) -> str:
        """Where clients find the API."""
        return self.api_url or f"http://{self.api_host}:{self.api_port}"

    @cached_property
    def key(self) -> bytes:
        """The key that signs messages. Raises Unavailable if the data folder cannot hold it."""
        if self.signing_key is not None:
            return self.signing_key.get_secret_value().encode()
        return self._kept_key("signing.key")

    def _kept_key(self, name: str) -> bytes:
        path = self.data_dir / name
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                self._make_key(path)
            key = path.read_bytes()
        except OSError as error:
            raise Unavailable(
                f"the data folder {self.data_dir} cannot be used: {error.strerror}", hint="set REIGN_DATA_DIR"
            ) from None
        if len(key) < _KEY_LEAST:
            raise Unavailable(f"the signing key {path} is cut off", hint="put the whole one back from where it is kept")
        return key

    @staticmethod
    def _make_key(path: Path) -> None:
        """A whole key or none, also on a full disk; of several processes that try at once, one makes it."""
        draft = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(secrets.token_hex(32).encode())
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(draft, path)
            except FileExistsError:
                return
            except OSError:  # a file system without links
                draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)

    def writable_data_dir(self) -> Path:
        """The data folder, made if needed and seen to take a file. Raises Unavailable."""
        probe = self.data_dir / f".write-test-{os.getpid()}"
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            probe.write_bytes(b"x")
            probe.unlink()
        except OSError as error:
            raise Unavailable(
                f"the data folder {self.data_dir} is not writable: {error.strerror}",
                hint="set REIGN_DATA_DIR to a folder that is, or make room",
            ) from None
        return self.data_dir
