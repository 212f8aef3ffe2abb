"""How oddly the signs of a request follow each other."""

from __future__ import annotations

import pytest
import torch

from ml_core.kinds.requests import encode
from ml_core.network.oddity import Oddity

PAGES = [
    f"GET /shop/{name}.php?item={n}&lang=en" for n, name in enumerate(("tea", "cup", "pot") * 9)
]


def bits(oddity: Oddity, *texts: str) -> list[float]:
    steps = torch.from_numpy(encode(texts)[0]).long()
    found = [float(oddity(row[row > 0].unsqueeze(0))) for row in steps]
    # alone and in a batch, with padding behind
    assert oddity(steps).tolist() == pytest.approx(found, rel=1e-5)
    return found


@pytest.fixture
def oddity() -> Oddity:
    fitted = Oddity()
    fitted.fit(torch.from_numpy(encode(PAGES)[0]))
    return fitted


def test_signs_as_no_harmless_request_has_them_are_odd(oddity: Oddity) -> None:
    usual, quoted = bits(oddity, PAGES[0], "GET /shop/tea.php?item=1') or ('a'='a&lang=en")
    assert quoted > usual + 8


def test_words_and_numbers_that_nobody_sent_before_are_not(oddity: Oddity) -> None:
    usual, new, long = bits(
        oddity,
        PAGES[0],
        "GET /garden/xq7vkz.jsp?zwpf=0x1f&h=W\u00f6rter",
        f"GET /shop/{'tea4' * 40}.php?item=1&lang=en",
    )
    assert usual == pytest.approx(new) == pytest.approx(long)


def test_the_oddest_place_counts_wherever_it_stands(oddity: Oddity) -> None:
    odd = "<{[(;"
    early, late, among = bits(
        oddity,
        f"GET /shop/tea.php?item={odd}a&lang=en",
        f"GET /shop/tea.php?lang=en&item={odd}a",
        f"GET /shop/tea.php?item={odd}a{'&item=1' * 30}",
    )
    assert early == pytest.approx(late) == pytest.approx(among)


def test_a_text_of_nothing_and_one_of_one_symbol_have_their_bits(oddity: Oddity) -> None:
    nothing, one = bits(oddity, "", "x")
    assert nothing > 0
    assert one > 0
