"""The keyword planner: a small grammar over the words that each operation brings.

normalise (tokens) -> clauses -> mentions -> match (a clause against a phrase) -> understand (the best phrase)
-> reader (conditions, order, references) -> timeline (needs) -> planner (a checked plan).
"""

from reign.planner.keyword.explain import lines
from reign.planner.keyword.planner import KeywordPlanner

__all__ = ["KeywordPlanner", "lines"]
