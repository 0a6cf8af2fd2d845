"""HTTP: the same services as the command line, thin over ReignGeneral."""
