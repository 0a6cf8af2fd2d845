"""``reign up``: everything on one machine with embedded parts."""
