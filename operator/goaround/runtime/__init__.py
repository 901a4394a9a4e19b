"""The shell: kopf, the work queue, probes, metrics, and the composition of everything below."""
