"""Numbers as ECharts options. Pure: colours are names ("$brand") that the page's script looks up in the style sheet."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from insights.profiles import AxisProfile
from predictions.maths.growth import Month, months_on
from predictions.maths.projection import Projection

# A shape of fewer corners compares nothing.
AXES_AT_LEAST = 5
SHORT_AXIS_NAMES = {
    "purchase_frequency": "Frequency",
    "purchase_value": "Value",
    "category_exploration": "Categories",
    "price_sensitivity": "Price",
    "purchase_cadence": "Cadence",
    "customer_maturity": "Maturity",
    "repurchase_behavior": "Repurchase",
    "return_behavior": "Returns",
    "communication_preference": "Channel",
    "problem_complexity_profile": "Problems",
    "loyalty_trajectory": "Trajectory",
    "product_knowledge": "Knowledge",
    "value_sophistication": "Sophistication",
}


def against_archetype(
    customer: str, axes: Sequence[AxisProfile], segments: Mapping[str, str], strength: Mapping[str, float]
) -> tuple[dict[str, Any], list[tuple[str, str, float, float]]] | None:
    """The customer's shape against the archetype's, as a radar and as the rows of its table.

    On each axis both are measured in the archetype's own segment: the customer's membership in it, and the members' mean.
    `segments` and `strength` are the archetype's, by axis. A row is (axis, segment, customer's share, members' mean). Axes on
    which the customer has shown nothing, or one thing once, are left out; with fewer than `AXES_AT_LEAST` left there is None.
    """
    rows = []
    told = [axis for axis in axes if axis.is_sure]
    if len(told) < AXES_AT_LEAST:
        return None
    for axis in told:
        segment = segments.get(axis.axis, "")
        own = {name: (label, share) for name, label, share in axis.shares}
        label, share = own.get(segment, (segment, 0.0))
        rows.append((axis.label, label, share, float(strength.get(axis.axis, 0.0))))
    option = {
        "legend": {"bottom": 0, "data": [customer, "Archetype average"]},
        "radar": {
            "radius": "62%",
            "center": ["50%", "45%"],
            "indicator": [{"name": SHORT_AXIS_NAMES.get(axis.axis, axis.label), "max": 100} for axis in told],
        },
        "series": [
            {
                "type": "radar",
                "symbolSize": 4,
                "data": [
                    {
                        "name": customer,
                        "value": [round(100 * share) for *_, share, _ in rows],
                        "itemStyle": {"color": "$brand"},
                        "areaStyle": {"opacity": 0.12},
                    },
                    {
                        "name": "Archetype average",
                        "value": [round(100 * mean) for *_, mean in rows],
                        "itemStyle": {"color": "$field-border"},
                        "lineStyle": {"type": "dashed"},
                    },
                ],
            }
        ],
        "tooltip": {},
    }
    return {"still": True, "format": "pct", "option": option}, rows


# Above so many an axis is read in thousands.
IN_THOUSANDS = 10_000


def growth_lines(history: Sequence[Month], projection: Projection, today: date) -> dict[str, Any]:
    """Active customers at the end of past months, today, and projected with their range.

    Today's customers stand for the end of the month before the first one projected.
    """
    past = [(month.month, month.active_after) for month in history if month.month < months_on(projection.rows[0].month, -1)]
    coming = [(row.month, row.customers, row.low, row.high) for row in projection.rows]
    labels = [
        *(f"{month:%b %Y}" for month, _ in past),
        f"{today.day} {today:%b %Y}",
        *(f"{month:%b %Y}" for month, *_ in coming),
    ]
    no_past: list[int | None] = [None] * len(past)
    lows = [projection.active, *(low for *_, low, _ in coming)]
    highs = [projection.active, *(high for *_, high in coming)]
    line = {"type": "line", "symbol": "none", "itemStyle": {"color": "$brand"}}
    unseen = {"type": "line", "symbol": "none", "stack": "range", "lineStyle": {"opacity": 0}, "tooltip": {"show": False}}
    option = {
        "grid": {"left": 52, "right": 16, "top": 36, "bottom": 32},
        "tooltip": {"trigger": "axis"},
        "legend": {
            "top": 0,
            "left": 0,
            "itemWidth": 22,
            "data": [
                {"name": "Active", "itemStyle": {"opacity": 0}},
                {"name": "Projection", "itemStyle": {"opacity": 0}, "lineStyle": {"type": [5, 4]}},
                {"name": "80% range", "icon": "roundRect"},
            ],
        },
        "xAxis": {"type": "category", "data": labels, "boundaryGap": False, "axisLabel": {"hideOverlap": True, "margin": 12}},
        "yAxis": {"type": "value", "scale": True, "splitNumber": 4},
        "series": [
            {"name": "Low", **unseen, "data": [*no_past, *lows], "silent": True},
            {
                "name": "80% range",
                **unseen,
                "data": [*no_past, *(high - low for low, high in zip(lows, highs, strict=True))],
                "itemStyle": {"color": "$brand-3"},
                "areaStyle": {"color": "$brand-3", "opacity": 0.7},
            },
            {
                "name": "Active",
                **line,
                "lineStyle": {"width": 2},
                "data": [*(customers for _, customers in past), projection.active, *[None] * len(coming)],
            },
            {
                "name": "Projection",
                **line,
                "lineStyle": {"width": 2, "type": "dashed"},
                "data": [*no_past, projection.active, *(customers for _, customers, *_ in coming)],
            },
        ],
    }
    largest = max([*highs, *(customers for _, customers in past)])
    return {"format": "int", "axisFormat": "k" if largest >= IN_THOUSANDS else "int", "option": option}
