"""REIGN: ask for an infrastructure change, see it first, watch it run, take it back."""
