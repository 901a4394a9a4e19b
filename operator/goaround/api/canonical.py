"""Canonical JSON, and SHA-256 as we write it: what both chains of records are hashed by.

The same value gives the same text, whoever stored it in between.
"""

import hashlib
import json

BEGINNING = "sha256:" + "0" * 64
"""What the first link of a chain has in place of the hash before it."""


canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
"""JSON with sorted keys and no spaces."""


def sha256_of(text: str) -> str:
    """`sha256:<64 hex>` of the text in UTF-8; halves of surrogate pairs count as they stand."""
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
