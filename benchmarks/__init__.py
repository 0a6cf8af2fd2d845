"""Measurements that are part of the project: speed beside its peers, recovery, and how well requests are understood."""
