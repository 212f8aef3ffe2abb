"""Files to arrays."""

from ml_core.readers.flows import FlowTable, read_flows
from ml_core.readers.frames import labelled, read_frames
from ml_core.readers.texts import read_texts, text_column

__all__ = ["FlowTable", "labelled", "read_flows", "read_frames", "read_texts", "text_column"]
