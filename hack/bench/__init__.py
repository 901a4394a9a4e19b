"""Benchmarks on real parts: control plane, Prometheus, operator and flag stream, all on loopback.

They say how long things took on this machine; they refuse to say whether that is good enough, so
nothing fails because a machine was busy. What must hold anywhere is asserted in `tests/`.
"""
