"""What acquisition keeps: sources, their batches as they came, and the records in them."""

from apps.acquisition.models.listening import FlowExporter, FollowedFile, Listener, Listening
from apps.acquisition.models.records import Block, Record
from apps.acquisition.models.sources import Batch, BatchContent, Delivery, Piece, Source
from apps.acquisition.models.watching import Watch, WatchBaseline
from apps.acquisition.models.written import WrittenParser

__all__ = [
    "Batch",
    "BatchContent",
    "Block",
    "Delivery",
    "FlowExporter",
    "FollowedFile",
    "Listener",
    "Listening",
    "Piece",
    "Record",
    "Source",
    "Watch",
    "WatchBaseline",
    "WrittenParser",
]
