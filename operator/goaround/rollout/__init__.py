"""Pure: what an AIFeature should do next. No I/O, no clock, no randomness."""
