"""Evidence: what counters prove about a release, as anytime-valid tests.

Pure: windows in, verdicts out. No clock, no randomness, no I/O. The tests and where they come
from are described beside each formula; `judge` is the room's front door.
"""
