"""The LLM planner: a model proposes a typed plan, code checks it, and what code knows better is never asked of it.

Nothing here imports an SDK before a model is asked: they take a second to load.
"""

from reign.planner.llm.ports import Desk, Options, Progress, Told

__all__ = ["Desk", "Options", "Progress", "Told"]
