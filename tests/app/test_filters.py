"""Free text as terms, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.filters import LONGEST_TEXT, terms_of, text_of
from offload.store.base import Term


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", ()),
        ("North wing", (Term("any", "north"), Term("any", "wing"))),
        ('"north wing"', (Term("any", "north wing"),)),
        ('error:"no luck"', (Term("error", "no luck"),)),
        ("param.a:2", (Term("param", "2", "a"),)),
        ("param.a:", (Term("param", "", "a"),)),
        ("param.:2", (Term("any", "param.:2"),)),
        ('"', ()),
    ],
)
def test_words_parameters_and_errors_are_told_apart(text: str, terms: tuple[Term, ...]) -> None:
    assert terms_of(text) == terms


@given(st.text(alphabet=st.sampled_from('aZ :."éparm\t\u2003error'), max_size=60))
def test_terms_are_written_as_they_were_read(text: str) -> None:
    try:
        terms = terms_of(text)
    except ValueError:
        return

    assert terms_of(text_of(terms)) == terms
    assert len(text_of(terms)) <= min(len(text), LONGEST_TEXT)
