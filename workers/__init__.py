"""The data plane: one package per agent, plus the worker entry point."""
