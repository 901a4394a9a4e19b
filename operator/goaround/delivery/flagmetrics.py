"""What a flag replica tells Prometheus about itself.

Its own registry, so that nothing of the process at large is mixed in.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from goaround.delivery.flagstate import FlagState
from goaround.delivery.streams import Streams


class FlagMetrics:
    """The `goaround_flags_…` metrics of one replica."""

    def __init__(self, state: FlagState, streams: Streams) -> None:
        self._registry = CollectorRegistry()
        self.sets = self._counter("sets_sent", "Flag sets written to streams.")
        self.bytes = self._counter("sent_bytes", "Bytes of flag sets written to streams.")
        self.refused = self._counter("streams_refused", "Streams refused or ended.", "reason")
        self._gauge("streams", "Open streams.").set_function(lambda: len(streams))
        self._gauge("listed", "1: features and kill switches are listed.").set_function(
            lambda: float(state.listed)
        )
        self._gauge("features", "Features that have flags.").set_function(
            lambda: len(state.shown())
        )
        self._gauge("problems", "Flags replaced or left out, and what is unreadable.").set_function(
            lambda: len(state.problems)
        )

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self._registry)

    def _counter(self, name: str, help_text: str, *labels: str) -> Counter:
        return Counter(f"goaround_flags_{name}", help_text, labels, registry=self._registry)

    def _gauge(self, name: str, help_text: str) -> Gauge:
        return Gauge(f"goaround_flags_{name}", help_text, registry=self._registry)
