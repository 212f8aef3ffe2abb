"""The flow meter and the networks meet by column names alone; here they are held together."""

from __future__ import annotations

import json
from importlib.resources import files

from apps.acquisition.traffic.flow_columns import FLOW_FEATURES, flow_name
from ml_core.kinds.flows.columns import FLOW_COLUMNS, INPUT_COLUMNS
from ml_core.readers.cicflowmeter import SPELLINGS


def test_the_shipped_flow_model_reads_what_is_made_of_those_columns() -> None:
    model = files("knowledge_base") / "models" / "flows-bilstm-dnn" / "model.json"
    assert tuple(json.loads(model.read_text())["columns"]) == INPUT_COLUMNS


def test_every_column_the_networks_know_is_one_the_meter_writes() -> None:
    assert set(FLOW_COLUMNS) <= set(FLOW_FEATURES)


def test_older_spellings_mean_the_same_to_the_networks_and_to_the_meter() -> None:
    for ours in set(SPELLINGS) & set(FLOW_FEATURES):
        assert {flow_name(other) for other in SPELLINGS[ours]} == {ours}
