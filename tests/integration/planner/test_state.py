"""The desk on the SQL state: budgets, the pace that processes share, kept answers."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from reign.config import Settings
from reign.core.resource import Change, Observation
from reign.engine import planning as wiring
from reign.engine.planning import Informed, StateDesk, opened, planner_here, usage
from reign.memory.requests import PastRequest
from reign.planner.keyword import KeywordPlanner
from reign.planner.llm.ports import BudgetSpent, Estimate, Taken
from reign.planner.protocol import PlanRequest
from reign.store import planning, schema
from reign.store.database import Database
from reign.store.tables import resources
from tests.fakes.llm.script import Failure, plan
from tests.integration.planner.vendors import asking

WEB = {"uses": "docker.run", "with": {"image": "nginx", "name": "web"}, "because": "run nginx as web"}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite state that is copied: making one takes longer than most tests."""
    path = tmp_path_factory.mktemp("state") / "template.db"
    made = Database(f"sqlite:///{path}")
    schema.upgrade(made)
    made.close()
    return path


@pytest.fixture
def url(tmp_path: Path, template: Path) -> str:
    return f"sqlite:///{shutil.copy(template, tmp_path / 'state.db')}"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    made = Database(url)
    yield made
    made.close()


@pytest.fixture
def either(database_url: str, template: Path) -> Iterator[Database]:
    """SQLite and PostgreSQL, for what they do differently."""
    made = Database(Settings.load(database_url=database_url).database)
    if made.is_sqlite:
        shutil.copy(template, str(made.url.database))
    else:
        schema.upgrade(made)
    yield made
    made.close()


def estimate(tokens: int = 100, cost: int | None = 1000, model: str = "m") -> Estimate:
    return Estimate("p1", "plan", model, tokens, 0, cost)


def desk(database: Database, **settings: Any) -> StateDesk:
    return StateDesk(database, Settings.load(**settings))


def test_a_day_has_so_many_tokens_and_so_much_money(database: Database) -> None:
    by_tokens = desk(database, llm_tokens_per_day=250, llm_money_per_day=0)
    first = by_tokens.reserve(estimate())
    by_tokens.reserve(estimate())
    with pytest.raises(BudgetSpent, match="budget of the day"):
        by_tokens.reserve(estimate())
    by_tokens.settle(first, Taken("done", 10, 5, 3, 40))  # it took less than was reserved: there is room again
    by_tokens.reserve(estimate())
    by_money = desk(database, llm_tokens_per_day=0, llm_money_per_day=0.0025)
    with pytest.raises(BudgetSpent):
        by_money.reserve(estimate())
    desk(database, llm_tokens_per_day=0, llm_money_per_day=0).reserve(estimate(10**9, None))


def test_yesterdays_requests_do_not_count(database: Database) -> None:
    with database.write() as tx:
        for at in (100.0, 86_500.0):
            planning.reserve(
                tx, planning="p", purpose="plan", model="m", input_tokens=10, output_tokens=1, cost=None, now=at, day=0
            )
        assert planning.totals(tx, 86_400.0).tokens == 11
        assert planning.totals(tx, 0.0, planning="p").requests == 2
        assert planning.totals(tx, 0.0, planning="q").requests == 0


def test_many_at_once_do_not_pass_the_budget(database_url: str, either: Database) -> None:
    settings = Settings.load(database_url=database_url, llm_tokens_per_day=1000, llm_money_per_day=0)

    def one(_: int) -> bool:
        own = Database(settings.database)
        try:
            StateDesk(own, settings).reserve(estimate())
        except BudgetSpent:
            return False
        finally:
            own.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(one, range(20))) == 10


def test_the_bucket_fills_evenly_for_everybody(either: Database) -> None:
    def take(now: float, tokens: int = 1, requests: float = 2, stock: float = 0) -> float:
        with either.write() as tx:
            return planning.take(tx, "m", tokens=tokens, requests_per_minute=requests, tokens_per_minute=stock, now=now)

    assert [take(1000.0) for _ in range(3)] == [0.0, 0.0, 30.0]
    assert take(1029.0) == pytest.approx(1.0)
    assert take(1030.0) == 0.0
    assert take(5000.0, tokens=900, requests=0, stock=600) == pytest.approx(60, abs=60)
    assert take(6000.0, tokens=900, requests=0, stock=600) == 0.0  # more than a bucket holds passes when it is full
    assert take(6001.0, tokens=100, requests=0, stock=600) == pytest.approx(9.0)


def test_a_vendors_wish_holds_all_processes(url: str, database: Database) -> None:
    one = desk(database)
    other = StateDesk(Database(url), Settings.load())
    one.hold("m", 60)
    one.hold("m", 5)
    assert 50 < other.take("m", 1) <= 60
    assert other.take("n", 1) == 0
    other.hold("m", 120)
    assert one.take("m", 1) > 100
    other.database.close()


def test_answers_are_kept_for_a_time_and_only_so_many(either: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = desk(either)
    keeper.keep("k", "m", {"a": 1})
    keeper.keep("k", "m", {"a": 2})
    assert keeper.answer("k") == {"a": 2}
    assert keeper.answer("other") is None
    never = desk(either, llm_cache=0)
    never.keep("n", "m", 1)
    assert never.answer("k") is None
    assert keeper.answer("n") is None
    monkeypatch.setattr(planning, "KEPT_ANSWERS", 2)
    with either.write() as tx:
        for n in range(4):
            planning.keep_answer(tx, f"old{n}", "m", n, n)
        assert planning.answer(tx, "k", 0) == {"a": 2}
        assert planning.answer(tx, "old3", 0) == 3
        assert planning.answer(tx, "old0", 0) is None


def test_a_state_that_is_away_costs_no_plan(tmp_path: Path) -> None:
    gone = StateDesk(Database("postgresql+psycopg://nobody@127.0.0.1:1/none"), Settings.load())
    assert gone.answer("k") is None
    gone.keep("k", "m", 1)
    assert gone.reserve(estimate()) == 0
    gone.settle(0, Taken("done"))
    assert gone.take("m", 1) == 0.0
    gone.hold("m", 1)


def test_usage_adds_up(either: Database) -> None:
    made = desk(either, llm_tokens_per_day=0, llm_money_per_day=2.0)
    number = made.reserve(estimate(model="anthropic:a"))
    made.settle(number, Taken("done", 1000, 100, 800, 1_500_000))
    made.reserve(estimate(model="openai:b", cost=None))
    found = usage(either, made.settings)
    assert found["today"]["requests"] == 2
    assert found["today"]["money"] == 1.5
    assert found["today"]["requests_without_price"] == 1
    assert found["today"]["models"]["anthropic:a"]["cached_tokens"] == 800
    assert found["last_30_days"]["tokens"] == 1200
    assert found["budget"]["money_left_today"] == 0.5
    assert found["budget"]["tokens_left_today"] is None


def test_a_planner_writes_down_what_it_took_and_is_told_what_is_recorded(database: Database) -> None:
    with database.write() as tx:
        for environment, address in (("dev", "docker:container/web-1"), ("prod", "docker:container/web-9")):
            seen = Observation(resource=address, exists=True)
            assert Change(resource=address, before=Observation(resource=address, exists=False), after=seen)
            tx.execute(
                resources.insert().values(
                    environment=environment, address=address, exists=True, observation="{}", change_id=1, run_id=1,
                    task_id=1, updated_at=time.time(),
                )
            )  # fmt: skip
    script = [Failure(500, retry_after="0"), plan(web=WEB)]
    with asking("anthropic", script, desk=desk(database)) as asked:
        found = Informed(asked.planner, database).plan(PlanRequest("run nginx as web"))
        assert found.source.startswith("llm:")
        assert "docker:container/web-1" in asked.vendor.asked[0].text
        assert "docker:container/web-9" not in asked.vendor.asked[0].text
        Informed(asked.planner, database).plan(PlanRequest("run nginx as web"))
        assert len(asked.vendor.asked) == 2
        bare = Informed(asked.planner, None).plan(PlanRequest("run nginx as web"))
        assert "no budget of the day was counted" in bare.warnings[-1]
    with database.read() as tx:
        (totals,) = planning.by_model(tx, 0).values()
    assert totals.requests == 3
    assert totals.cost > 0


def test_the_state_is_used_as_it_is_or_not_at_all(tmp_path: Path) -> None:
    fresh = Settings.load(data_dir=tmp_path / "data")
    made = opened(fresh)
    assert made is not None
    schema.downgrade(made, "0001")
    made.close()
    assert opened(fresh) is None
    assert opened(Settings.load(data_dir=Path("/proc/nowhere"))) is None
    assert opened(Settings.load(data_dir=tmp_path, database_url="postgresql://nobody@127.0.0.1:1/none")) is None


def test_without_a_model_the_state_is_not_even_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "opened", lambda _: pytest.fail("opened"))
    assert isinstance(planner_here(Settings.load(data_dir=tmp_path), "keyword"), KeywordPlanner)


def test_experience_with_such_requests_is_told(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    past = PastRequest("run nginx as web2", "p", ("docker.pull", "docker.run"), False, "calm-fox", 1.0)
    monkeypatch.setattr("reign.store.memory.requests", lambda tx: [past])
    with asking("anthropic", [plan(web=WEB)]) as asked:
        Informed(asked.planner, database).plan(PlanRequest("run nginx as web"))
        Informed(asked.planner, database, remembers=False).plan(PlanRequest("run nginx as web"))
        texts = [request.text for request in asked.vendor.asked]
    assert "was planned as docker.pull, docker.run and failed" in texts[0]
    assert "calm-fox" not in texts[0]
    assert "docker.pull, docker.run" not in texts[1]
