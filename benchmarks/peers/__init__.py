"""One module a peer; each runs alone, in the Python that has its packages."""
