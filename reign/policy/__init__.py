"""What may be done without asking, what a person must say yes to, and what is refused: rules over plans."""

from reign.policy.evaluation import Decision, evaluate, strictest
from reign.policy.rules import DEFAULT_RULES, Condition, Effective, Match, Rule, load_rules, parse_rules

__all__ = [
    "DEFAULT_RULES",
    "Condition",
    "Decision",
    "Effective",
    "Match",
    "Rule",
    "evaluate",
    "load_rules",
    "parse_rules",
    "strictest",
]
