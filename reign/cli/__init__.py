"""The command line: thin over the API's client and the same services."""
