"""What the networks read: flows as arrays with their windows, requests as texts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from apps.acquisition.frames import has_features, unpack_features
from apps.acquisition.traffic.flow_columns import FLOW_FEATURES
from apps.analysis.evidence import Rows
from ml_core.kinds.flows.columns import FLOW_COLUMNS
from ml_core.kinds.flows.site import Site
from ml_core.kinds.flows.windows import WINDOW, choose_columns

F32 = npt.NDArray[np.float32]

_TELLING = r"""["'<>();=%|&`$\\{}*]|\.\./"""


@dataclass(frozen=True, slots=True)
class Flows:
    """Flows of a frame that can be scored, [N] in frame order; hosts stand as numbers."""

    row: Rows  # [N] row of the frame
    features: F32  # [N, F] in the order of FLOW_FEATURES
    source: Rows  # [N]
    destination: Rows  # [N]
    port: Rows  # [N]
    time: Rows  # [N] microseconds
    site: Site | None  # what all flows of the frame say of the site; None of a handful


def readable_flows(frame: pl.DataFrame) -> npt.NDArray[np.bool_]:
    """Which rows are flows with measured features: [rows]."""
    return has_features(frame["tocsin.features"])


def readable_requests(frame: pl.DataFrame) -> npt.NDArray[np.bool_]:
    """Which rows are HTTP requests with a method and an address: [rows]."""
    known = frame.select(
        pl.col("http.request.method").is_not_null() & pl.col("url.original").is_not_null()
    )
    return known.to_series().to_numpy()


def flow_signal(frame: pl.DataFrame) -> npt.NDArray[np.float64]:
    """How much a flow moved, [rows]: what stands out among alike flows is worth a look."""
    moved = frame.select(
        pl.col("network.bytes").fill_null(0) + 100 * pl.col("network.packets").fill_null(0)
    )
    return moved.to_series().to_numpy().astype(np.float64)


def request_signal(frame: pl.DataFrame) -> npt.NDArray[np.float64]:
    """How many characters of a request belong in no ordinary one, [rows]."""
    return texts(frame).str.count_matches(_TELLING).fill_null(0).to_numpy().astype(np.float64)


def texts(frame: pl.DataFrame) -> pl.Series:
    """Requests as `ml_core` reads them: `METHOD path?query`, a line break, the body."""
    body = pl.col("http.request.body.content").fill_null("")
    line = pl.concat_str(
        pl.col("http.request.method").fill_null(""),
        pl.lit(" "),
        pl.col("url.original").fill_null(""),
    )
    return frame.select(
        pl.when(body == "").then(line).otherwise(pl.concat_str(line, pl.lit("\n"), body))
    ).to_series()


def readable_pages(frame: pl.DataFrame) -> npt.NDArray[np.bool_]:
    """Which rows are pages with a text: [rows]."""
    page = (pl.col("event.dataset") == "web.page") & (pl.col("event.original") != "")
    return frame.select(page.fill_null(False)).to_series().to_numpy()


def page_signal(frame: pl.DataFrame) -> npt.NDArray[np.float64]:
    """How long a page's text is, [rows]: of several views the one that shows more tells more."""
    return page_texts(frame).str.len_chars().to_numpy().astype(np.float64)


def page_texts(frame: pl.DataFrame) -> pl.Series:
    """Pages as `ml_core` reads them: title, visible and hidden text."""
    return frame["event.original"].fill_null("")


def flows_around(frame: pl.DataFrame, chosen: Rows) -> Flows:
    """The `chosen` rows and every flow their verdicts look at.

    A verdict on a flow looks at the window of its source's flows up to it, and at what that
    window's flows have in common with those before them: of the same source and of the same
    destination. Scoring this part of a frame gives the same verdicts as scoring all of it.
    """
    rows = np.flatnonzero(readable_flows(frame)).astype(np.int64)
    part = frame[rows]
    features = unpack_features(part["tocsin.features"])
    source, destination = _numbers(part["source.ip"]), _numbers(part["destination.ip"])
    time = part["@timestamp"].cast(pl.Int64).fill_null(0).to_numpy().astype(np.int64)
    place = np.searchsorted(rows, chosen)
    window = _before(place, source, time, WINDOW)
    seen = [
        _before(window, source, time, WINDOW + 1),
        _before(window, destination, time, WINDOW + 1),
    ]
    keep = np.unique(np.concatenate([window, *seen]))
    return Flows(
        row=rows[keep],
        features=features[keep],
        source=source[keep],
        destination=destination[keep],
        port=part["destination.port"].fill_null(-1).to_numpy().astype(np.int64)[keep],
        time=time[keep],
        site=Site.of(choose_columns(features, FLOW_FEATURES, FLOW_COLUMNS)),
    )


def _before(chosen: Rows, group: Rows, time: Rows, count: int) -> Rows:
    """The `chosen` rows and the `count` rows of their group before each of them, in time."""
    order = np.lexsort((time, group))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    reach = np.unique((rank[chosen][:, None] - np.arange(count + 1)).ravel())
    near = order[reach[reach >= 0]]
    groups = np.unique(group[chosen])
    return np.unique(near[np.isin(group[near], groups)])


def _numbers(values: pl.Series) -> Rows:
    """Equal numbers for equal values."""
    return values.fill_null("").rank("dense").to_numpy().astype(np.int64)
