"""Who owns a key, feature by feature, is what it would be if all were looked at anew."""

from hypothesis import given, settings
from hypothesis import strategies as st

from goaround.api.kinds import AIFeature
from goaround.delivery.flagset import key_owners
from goaround.delivery.ownership import Ownership
from tests.unit.delivery import builders as b

NAMES = ("a", "b", "c", "d")
# the default key of one may be what another declares, and somebody's bucket, too
KEYS = (None, "a.release", "b.release", "k", "c.bucket")


def feature(name: str, key: str | None, age: int) -> AIFeature:
    declared = {} if key is None else {"key": key}
    return b.feature(name, created=f"2026-11-21T10:00:0{age}Z", flag=declared)


STEPS = st.lists(
    st.one_of(
        st.builds(feature, st.sampled_from(NAMES), st.sampled_from(KEYS), st.integers(0, 3)),
        st.sampled_from(NAMES),
    ),
    max_size=12,
)


@settings(max_examples=100)
@given(STEPS)
def test_after_any_history_the_owners_are_those_of_all_features_together(
    steps: list[AIFeature | str],
) -> None:
    ownership, known = Ownership(), dict[tuple[str, str], AIFeature]()
    for step in steps:
        before = dict(ownership.owners)
        if isinstance(step, str):
            known.pop(("shop", step), None)
            told = ownership.remove(("shop", step))
        else:
            known[step.key] = step
            told = ownership.put(step)
        wanted = key_owners(known.values())
        assert ownership.owners == wanted
        assert told == changed(before, dict(wanted)) & known.keys()


def changed(
    before: dict[tuple[str, str], tuple[str, str]], after: dict[tuple[str, str], tuple[str, str]]
) -> set[tuple[str, str]]:
    """Who won or lost a key."""
    flags = {flag for flag in before | after if before.get(flag) != after.get(flag)}
    return {one for flag in flags for one in (before.get(flag), after.get(flag)) if one}
