"""Pure: what an AIIncident should do next. No I/O, no clock, no randomness."""
