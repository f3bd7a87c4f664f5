"""A term says at once that it does nothing that is known, or that it has too few terms or too many."""

import pytest

from dnnexplain.contract import Of
from dnnexplain.contract.terms import DOES


@pytest.mark.parametrize(("does", "count"), DOES.items())
def test_a_term_takes_as_many_terms_as_it_says(does, count):
    for given in range(5):
        fits = given == count if count else given > 0
        if fits:
            assert len(Of(does, (1.0,) * given).terms) == given
        else:
            with pytest.raises(ValueError, match=f"not '{does}' with {given}"):
                Of(does, (1.0,) * given)


def test_what_no_term_does_is_refused():
    with pytest.raises(ValueError, match="not 'power' with 2"):
        Of("power", ("size", 2.0))
