"""Every row of the goal table, proved or not: `make conformance`.

A row is proved by tests of this repository, by commands of its own against a real API server, or it
says why it could not be. What nothing was run for is never called passed.
"""
