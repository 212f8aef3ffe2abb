"""Files to arrays: flows of every known format, texts of every kind, and their labels."""

from ml_core.readers.flows import (
    FlowTable,
    LabelledFlows,
    flow_format,
    read_flows,
    read_labelled_flows,
)
from ml_core.readers.frames import Table, read_frames
from ml_core.readers.labels import Labels, label_column, read_labels
from ml_core.readers.texts import read_texts, text_batches, text_column

__all__ = [
    "FlowTable",
    "LabelledFlows",
    "Labels",
    "Table",
    "flow_format",
    "label_column",
    "read_flows",
    "read_frames",
    "read_labelled_flows",
    "read_labels",
    "read_texts",
    "text_batches",
    "text_column",
]
