"""The four kinds as models, their names, digests, conditions and reasons.

Everything else imports from here; this room imports nothing of ours. It decides what a valid object
is and how things are called, and refuses to do I/O.
"""

GROUP = "goaround.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
