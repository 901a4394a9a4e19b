"""GoAround: flies AI releases on evidence, and goes around on proof of harm."""

__version__ = "0.1.0"
