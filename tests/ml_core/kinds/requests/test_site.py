"""What a site's own requests say, without labels."""

from __future__ import annotations

import numpy as np

from ml_core.kinds.requests.site import FEWEST, LEAST, Site


def shop(count: int, seed: int = 1) -> list[str]:
    """Harmless requests of a shop: two pages, names and numbers of many lengths."""
    rng = np.random.default_rng(seed)
    names = ["".join(rng.choice(list("abcdefgh"), rng.integers(3, 9))) for _ in range(50)]
    return [
        f"GET /shop/buy?item={rng.choice(names)}&count={rng.integers(1, 500)}"
        if i % 2
        else f"POST /shop/login\nuser={rng.choice(names)}{rng.integers(99)}&pin={rng.integers(999)}"
        for i in range(count)
    ]


STRANGE = (
    "GET /shop/buy?item=abc&count=-5",  # a sign that no count has
    "GET /shop/buy?item=abc&count=500&price=0",  # a parameter that nobody gives this page
    "GET /shop/buy?count=5",
    "POST /shop/login\nuser=admin&pin=1234567890123",  # a length that no pin has
    "POST /shop/login\nuser=admin';&pin=123",
)


def test_what_is_unlike_its_site_is_strange_in_any_spelling() -> None:
    site = Site.of(shop(2_000))
    assert site is not None
    assert site.strange(STRANGE).all()
    assert site.strange(["get /shop/buy?item=abc&count=%2D5 HTTP/1.1"]).all()
    assert site.strange(shop(500, seed=2)).mean() < 0.05


def test_attacks_among_what_it_is_told_by_do_not_hide_themselves() -> None:
    site = Site.of(shop(2_000) + [*STRANGE] * 4)
    assert site is not None
    assert site.strange(STRANGE).all()


def test_what_every_other_request_does_is_not_strange() -> None:
    seen = shop(2_000)
    site = Site.of(seen + ["GET /shop/buy?item=abc&count=-5"] * 1_000)
    assert site is not None
    assert not site.strange(["GET /shop/buy?item=abc&count=-5"]).any()


def test_too_few_requests_and_what_has_no_parameters_tell_nothing() -> None:
    assert Site.of(shop(LEAST - 1)) is None
    site = Site.of([*shop(LEAST), *(f"GET /page/{i}" for i in range(500))])
    assert site is not None
    others = ["GET /never/seen", "1' or '1'='1", "", "GET /page/5", "GET /other?id=';"]
    assert not site.strange(others).any()


def test_rarity_among_few_values_is_chance() -> None:
    seen = shop(LEAST) + [f"GET /find?q={i}" for i in range(FEWEST - 1)]
    site = Site.of(seen)
    assert site is not None
    assert not site.strange(["GET /find?q=';--"]).any()
    site = Site.of([*seen, "GET /find?q=100"])
    assert site is not None
    assert site.strange(["GET /find?q=';--"]).all()
