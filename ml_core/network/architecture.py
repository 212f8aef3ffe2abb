"""What fixes the shape of a network; stored beside its weights. No PyTorch here."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ml_core.errors import DataError

STAGES = ("numbers", "bytes", "tokens")
FOCUS = ("last", "ends")
SECOND_OF = ("addresses", "requests", "tokens")
MOST_GRAMS = 65_536


@dataclass(frozen=True)
class Architecture:
    """The input stage, the sizes and the switches of paper 2's ablations."""

    stage: str  # "numbers": flows; "bytes": characters; "tokens": hashed words
    inputs: int  # F: numbers a step; for bytes and tokens how many different ones there are
    classes: int  # C
    steps: int  # T: flows in a window (paper 1: 10), bytes or tokens of a text, at most
    hidden: int = 64  # H, nodes a direction
    dropout: float = 0.2
    bidirectional: bool = True  # False: LSTM for BiLSTM
    batch_norm: bool = True
    attention: bool = True
    recurrent: bool = True  # False: the DNN alone
    dense: bool = True  # False: the BiLSTM alone, straight into softmax
    embedding: int = 16  # E: what a byte or token is turned into
    kernel: int = 5  # bytes or tokens that a convolution joins
    pool: int = 4  # steps of a text that become one recurrent step
    grams: int = 0  # G: different groups of bytes that are looked up by hash; 0: none are
    second: int = 0  # groups that are looked up by a linear model learned apart
    second_of: str = "addresses"  # what that reads: addresses with a path, requests, or tokens
    surprise: bool = False  # whether bytes of a name are measured by a model of harmless ones
    oddity: bool = False  # whether it is measured how oddly a request's signs follow each other
    focus: str = "last"  # "last": the judged step; "ends": both ends of a text

    def __post_init__(self) -> None:
        for of in fields(self):
            said = type(getattr(self, of.name)).__name__
            if said != of.type and (said, of.type) != ("int", "float"):
                raise DataError(f"an architecture's {of.name} is a {said}, not {of.type}")
        if not 0 <= self.dropout < 1:
            raise DataError("an architecture's dropout is a share below one")
        if self.stage not in STAGES or self.focus not in FOCUS:
            raise DataError(f"unknown input stage {self.stage!r} or focus {self.focus!r}")
        if self.second_of not in SECOND_OF:
            raise DataError(f"unknown second opinion of {self.second_of!r}")
        sizes = (self.inputs, self.steps, self.hidden, self.embedding, self.kernel, self.pool)
        if min(sizes) < 1 or self.classes < 2:
            raise DataError("an architecture needs inputs, steps, hidden nodes and two classes")
        if self.grams == 1 or not 0 <= self.grams <= (MOST_GRAMS if self.stage == "bytes" else 0):
            raise DataError(f"{self.grams} groups of bytes for the input stage {self.stage!r}")
        fits = (self.second_of == "tokens") == (self.stage == "tokens")
        most = MOST_GRAMS if fits and (self.grams or self.stage == "tokens") else 0
        if self.second == 1 or not 0 <= self.second <= most:
            raise DataError(f"a second opinion of {self.second} groups beside {self.grams}")
        if (self.surprise or self.oddity) and self.stage != "bytes":
            raise DataError(f"no bytes to measure in the input stage {self.stage!r}")

    @property
    def width(self) -> int:
        """Numbers of an embedded byte or token that the convolution reads."""
        return self.embedding + self.surprise

    @property
    def votes(self) -> int:
        """Numbers of a step that are the votes of groups of bytes or tokens."""
        return self.classes if self.grams or self.second else 0
