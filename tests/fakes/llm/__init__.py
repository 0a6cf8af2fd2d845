"""Servers on loopback that speak the protocols of Anthropic, OpenAI and Ollama, and answer what a test wrote down."""
