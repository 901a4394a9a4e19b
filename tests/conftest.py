"""What all tests share: a property that takes long on a busy machine is no false property."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "any-machine",
    parent=settings.default,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("any-machine")
