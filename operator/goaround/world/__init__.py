"""Ports to the outside: the API server, metrics, notifications, the clock.

Each port decides how the outside is asked and what its failures are called, never what follows.
"""
