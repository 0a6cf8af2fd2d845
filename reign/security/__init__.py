"""Secrets: where they may come from, and how they are kept out of everything that is written down."""
