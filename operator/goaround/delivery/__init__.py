"""How a decision reaches the apps: one adapter per plane, and the flag stream.

It decides nothing about a release; it projects what status says.
"""
