"""Pure: what changed around a feature, and the ledger of it. No I/O, no clock, no randomness."""
