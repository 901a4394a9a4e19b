"""Who is silent: the candidate alone, everybody, or only a signal that cannot be read."""

from datetime import timedelta

from tests.unit.runtime.flown import BEGAN, INTERVAL, START, Flown, a_signal

ERRORS, RATINGS = a_signal("errors", max="0.05"), a_signal("ratings", max="0.05")
HEALTHY = {"candidate": 0.01, "stable": 0.01}


def silence(flown: Flown) -> timedelta:
    """For how long the candidate owes an answer."""
    judged = flown.judged()
    if judged.silent_since is None or judged.through is None:
        return timedelta()
    return judged.through - judged.silent_since


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def test_a_candidate_that_reports_is_not_silent() -> None:
    assert silence(Flown(ERRORS, RATINGS).fly(20, 0.01, 0.01)) == timedelta()


def test_a_candidate_is_silent_since_its_last_window_with_a_request() -> None:
    flown = Flown(ERRORS, RATINGS).fly(5, 0.01, 0.01).fly(7, None, 0.01)
    assert silence(flown) == seconds(7 * INTERVAL)
    assert flown.judged().silent_since == BEGAN + seconds(5 * INTERVAL)


def test_one_request_ends_the_silence() -> None:
    flown = Flown(ERRORS, RATINGS).fly(12, None, 0.01)
    flown.requests["candidate"] = 1.0
    assert silence(flown.fly(1, 0.0, 0.01)) == timedelta()


def test_both_silent_is_nobodys_fault_and_is_told_apart() -> None:
    flown = Flown(ERRORS, RATINGS).fly(5, 0.01, 0.01).fly(20, None, None)
    judged = flown.judged()
    assert silence(flown) == timedelta()
    assert judged.deaf_since == BEGAN + seconds(5 * INTERVAL)
    assert flown.fly(1, None, 0.01).judged().deaf_since is None


def test_time_in_which_stable_is_silent_too_does_not_count_against_the_candidate() -> None:
    flown = Flown(ERRORS, RATINGS).fly(3, None, 0.01).fly(50, None, None).fly(2, None, 0.01)
    assert silence(flown) == seconds(5 * INTERVAL)


def test_with_little_traffic_quiet_is_not_silent() -> None:
    flown = Flown(ERRORS, RATINGS, requests=10)
    assert silence(flown.fly(11, None, 0.0)) == timedelta()
    assert silence(flown.fly(1, None, 0.0)) == seconds(12 * INTERVAL)


def test_what_a_few_held_back_users_ask_says_how_much_the_candidate_owes() -> None:
    flown = Flown(ERRORS, RATINGS, weight=98, requests=100)
    assert silence(flown.fly(1, None, 0.0)) == seconds(INTERVAL)


def test_a_signal_that_sees_few_requests_does_not_make_anybody_silent() -> None:
    flown = Flown(ERRORS, RATINGS)
    for _ in range(20):
        flown.feed(flown.windows({"errors": HEALTHY, "ratings": {"stable": 0.0}}))
    assert silence(flown) == timedelta()


def test_nobody_is_silent_while_the_signal_that_would_know_cannot_be_read() -> None:
    flown = Flown(ERRORS, RATINGS)
    late = []
    for _ in range(20):
        windows = flown.windows({"errors": HEALTHY, "ratings": {"stable": 0.0}})
        late.append({"errors": windows["errors"]})
        flown.feed({"ratings": windows["ratings"]})
    assert silence(flown) == timedelta()
    assert flown.judged().through == BEGAN
    for windows in late:
        flown.feed(windows)
        assert silence(flown) == timedelta()
    assert flown.judged().deaf_since is None


def test_a_signal_without_any_request_makes_nobody_deaf_when_it_catches_up() -> None:
    flown = Flown(ERRORS, RATINGS)
    late = []
    for _ in range(20):
        windows = flown.windows({"errors": HEALTHY, "ratings": {}})
        late.append({"ratings": windows["ratings"]})
        flown.feed({"errors": windows["errors"]})
    for windows in late:
        flown.feed(windows)
        assert flown.judged().deaf_since is None


def test_silence_survives_a_crash() -> None:
    flown = Flown(ERRORS, RATINGS).fly(5, 0.01, 0.01)
    for _ in range(6):
        flown.fly(1, None, 0.01).crash()
    assert silence(flown) == seconds(6 * INTERVAL)
    flown.fly(4, None, None).crash()
    assert flown.judged().deaf_since == BEGAN + seconds(11 * INTERVAL)


def test_a_signal_that_cannot_be_read_delays_no_verdict_on_the_others() -> None:
    flown = Flown(ERRORS, RATINGS).fly(3, 0.01, 0.01)
    bad = {"candidate": 0.4, "stable": 0.01}
    windows = 0
    while flown.judged().breach is None:
        flown.feed(flown.windows({"errors": bad}))
        windows += 1
    undisturbed = Flown(ERRORS, RATINGS).fly(3, 0.01, 0.01)
    for _ in range(windows):
        undisturbed.feed(undisturbed.windows({"errors": bad, "ratings": HEALTHY}))
    judged, same = flown.judged(), undisturbed.judged()
    assert same.breach is not None
    assert judged.breach is not None
    assert judged.breach.proven_at == same.breach.proven_at


def test_nothing_is_accepted_past_what_every_signal_has_been_read_to() -> None:
    flown = Flown(ERRORS, RATINGS).fly(3, 0.01, 0.01)
    for _ in range(30):
        flown.feed(flown.windows({"errors": HEALTHY}))
    assert flown.judged().through == BEGAN + seconds(3 * INTERVAL)


def test_what_could_not_be_read_catches_up_to_the_same_state() -> None:
    flown, undisturbed = Flown(ERRORS, RATINGS), Flown(ERRORS, RATINGS).fly(20, 0.01, 0.01)
    late = []
    for _ in range(20):
        windows = flown.windows(dict.fromkeys(flown.names, HEALTHY))
        late += windows.pop("ratings")
        flown.feed(windows)
    flown.feed({"ratings": late})
    assert flown.flight.main.states == undisturbed.flight.main.states
    assert flown.flight.outage.states == undisturbed.flight.outage.states
    assert flown.flight.log == undisturbed.flight.log
    assert flown.flight.last_t == START + 20 * INTERVAL
