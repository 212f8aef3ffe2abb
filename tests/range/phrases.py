"""What people type and link: endless harmless text, some of which looks alarming.

Everything is drawn with the dice given, so that two recordings share hardly a query.
"""

from __future__ import annotations

import random
from urllib.parse import quote, quote_plus

WORDS = [
    "lamp",
    "table",
    "mug",
    "kettle",
    "blanket",
    "notebook",
    "cable",
    "router",
    "hose",
    "cushion",
    "hammer",
    "clock",
    "shelf",
    "chair",
    "bread",
    "knife",
    "pen",
    "ink",
    "paper",
    "frame",
    "mirror",
    "candle",
    "basket",
    "bottle",
    "tray",
    "spoon",
    "plate",
    "rug",
    "curtain",
    "oak",
    "wool",
    "cotton",
    "steel",
    "glass",
    "brass",
    "linen",
    "copper",
    "red",
    "blue",
    "green",
    "black",
    "white",
    "small",
    "large",
    "round",
    "cheap",
    "new",
    "used",
    "vintage",
    "folding",
    "waterproof",
    "organic",
    "gift",
    "kitchen",
    "garden",
    "office",
    "bathroom",
    "winter",
    "for",
    "with",
    "without",
    "under",
    "from",
    "best",
    "how",
    "to",
    "clean",
    "repair",
    "choose",
    "near",
    "me",
    "today",
    "sale",
    "price",
]
FRIGHTENING = (
    "select committee",
    "credit union",
    "drop-leaf table",
    "update your wardrobe",
    "insert tray",
    "script pen",
    "order by hand",
    "where's my key?",
    "O'Reilly",
    "rock 'n' roll mug",
    "fish & chips",
    "100% wool",
    "<A5> dotted",
    "5 < 7 cm",
    "mug -- large",
    "table; chairs",
    "a=b or a>b",
    "1+1",
    "../..",
    "C:\\Users\\me\\Desktop",
    "passwd",
    "shell",
    "exec chair",
    "null modem",
    "having a sleep",
    "benchmark (wood)",
    "concat(hose, tap)",
    "union select wine",
    "how to use SELECT in SQL (book)",
    "alert bell",
    "onload crane toy",
    "cat bed & dog bed",
    "ping pong || table tennis",
    '`quoted\' "words"',
    "{curly} [square] $5",
    "admin desk",
    "root vegetables",
    "<3 gifts",
)
OTHER_TONGUES = (
    "café crème",
    "Überraschung für Oma",
    "niña y señor",
    "лампа настольная",
    "台灯 白色",
    "やかん",
    "λάμπα",
    "smørrebrød bræt",
)
STRAYS = (
    "/favicon.ico",
    "/robots.txt",
    "/sitemap.xml",
    "/apple-touch-icon.png",
    "/blog/2026/11/how-to-oil-a-table",
    "/help/returns.html#refund",
    "/de/produkte/lampen",
    "/old-offers/2024",
    "/static/fonts/inter-v12-latin-regular.woff2",
    "/wishlist/share/7f3a9c",
)
TRACKING = (
    "utm_source=newsletter&utm_campaign=spring%2026",
    "ref=mail&id_token=eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.",
    "sort=price&order=desc&page=2",
    "next=https%3A%2F%2Fshop.range%2Faccount",
    "from=10.10.2026&to=1.1.2027",
    "size%5B%5D=S&size%5B%5D=XL",
    "filter={%22price%22:{%22lt%22:20}}",
    "gclid=Cj0KCQiA-K2MBhC-ARIsAMtLKRv",
    "lang=de-DE&currency=EUR",
    "callback=jQuery3510_17953&_=1795341711",
)


def phrase(dice: random.Random) -> str:
    """Something a person might look for."""
    kind = dice.random()
    if kind < 0.55:
        return " ".join(dice.sample(WORDS, dice.randint(1, 5)))
    if kind < 0.80:
        return f"{dice.choice(FRIGHTENING)} {dice.choice(('', *WORDS))}".strip()
    if kind < 0.88:
        return dice.choice(OTHER_TONGUES)
    return dice.choice(
        (
            f"{dice.choice(WORDS)}.{dice.choice(WORDS)}@mail.range",
            f"{dice.getrandbits(128):032x}",
            f"order #{dice.randint(10_000, 99_999)}-{dice.choice('ABCDEF')}",
            f"{dice.randint(1, 28)}.{dice.randint(1, 12)}.2026",
            f"{dice.randint(1, 99)} x {dice.randint(1, 99)} cm",
            f"+49 30 {dice.randint(100_000, 999_999)}",
            f"https://shop.range/product?id={dice.randint(1, 30)}",
        )
    )


def in_query(text: str, dice: random.Random) -> str:
    """`text` as clients put it into a query: with %20 or with +; quotes bare now and then."""
    return dice.choice((quote, quote_plus))(text, safe=dice.choice(("", "", "'()*!")))


def tracked(path: str, dice: random.Random) -> str:
    """A link with the parameters that newsletters and shops hang on it, one time in four."""
    if dice.random() < 0.75:
        return path
    return path + ("&" if "?" in path else "?") + dice.choice(TRACKING)
