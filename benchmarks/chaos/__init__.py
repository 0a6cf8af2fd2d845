"""Chaos: many runs, many kills at random points, and the count of what was lost."""
