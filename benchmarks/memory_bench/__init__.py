"""The same flaky world, run with and without memory: fewer failed attempts, less lost time, better estimates."""
