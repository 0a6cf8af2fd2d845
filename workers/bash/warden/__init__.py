"""The warden: a small program between the worker and a command. It sets the walls, watches, and ends what is left.

It runs in an interpreter of its own (``python -I -S``) and imports nothing but the standard library, so it is up in a
few hundredths of a second. A worker that dies takes it along, unless it keeps a process that was asked to stay.
"""
