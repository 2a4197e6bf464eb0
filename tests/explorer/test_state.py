"""What the sliders say, and what of it is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perceptron_pruning.explorer.state import RANGES, State

NUMBERS = {name: st.floats(*ends).map(lambda value: float(f"{value:.6g}")) for name, ends in RANGES.items()}
CHOICES = {
    "abscissa": st.sampled_from(["pool", "kept"]),
    "rule": st.sampled_from(["hardest", "easiest", "random"]),
    "label_aware": st.booleans(),
    "probe": st.sampled_from(["independent", "trained"]),
    "probe_loss": st.sampled_from(["square", "logistic", "hinge", "squared_hinge"]),
    "student": st.sampled_from(["square", "logistic", "hinge", "squared_hinge"]),
}


@given(st.builds(State, **NUMBERS, **CHOICES))
def test_a_state_is_its_query(state):
    assert State.read(state.query()) == state


def test_the_first_state_is_the_empty_query():
    assert State.read("") == State()
    assert State().query() == ""


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("alpha=0", r"`alpha` must be in \[0.1, 200\]; got 0"),
        ("alpha=nan", "`alpha` must be a number; got 'nan'"),
        ("keep_fraction=two", "`keep_fraction` must be a number; got 'two'"),
        ("rule=middling", "`rule` must be one of hardest, easiest, random, window; got 'middling'"),
        ("label_aware=yes", "`label_aware` must be one of 0, 1; got 'yes'"),
        ("beta=1", "`beta` is not a parameter; these are: alpha, "),
        ("alpha", "a state reads name=value&name=value; got 'alpha'"),
        ("rule=window&keep_fraction=0.9&lower=0.2", "start it at 0.1 or below"),
        ("rule=window&keep_fraction=0.9231&lower=0.08", "start it at 0.0769 or below"),
        ("alpha=2&rule=random&alpha=3", "`alpha` must be given once; got it twice"),
        ("keep_fraction=1.0000001", r"`keep_fraction` must be in \[0.05, 1\]; got 1.0000001"),
        ("label_noise=0.1", "the max-margin student needs clean labels"),
    ],
    ids=[
        "range",
        "nan",
        "word",
        "choice",
        "switch",
        "unknown",
        "no value",
        "window",
        "another window",
        "twice",
        "just beyond",
        "max-margin with noise",
    ],
)
def test_what_is_no_state_is_refused(query, message):
    with pytest.raises(ValueError, match=message):
        State.read(query)
