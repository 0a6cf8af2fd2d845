"""From a request in words to a plan."""

from reign.planner.protocol import Note, Planner, PlanRequest, Proposal

__all__ = ["Note", "PlanRequest", "Planner", "Proposal"]
