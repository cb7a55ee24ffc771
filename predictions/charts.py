"""Numbers as ECharts options. Pure: colours are names ("$brand") that the page's script looks up in the style sheet."""

from math import sqrt
from typing import Any

from predictions.judged import Judged

_SMALLEST, _LARGEST = 6, 26
"""Pixels across a dot."""


def calibration_chart(judged: Judged) -> dict[str, Any]:
    """What was said against what happened, a dot for each tenth of the scale, as large as it holds scores."""
    most = max((size for *_, size in judged.curve), default=1)
    dots = [
        {
            "name": f"Said {100 * said:.0f}%, happened {100 * happened:.0f}%: {size:,} scores",
            "value": [round(100 * said, 1), round(100 * happened, 1)],
            "symbolSize": max(_SMALLEST, round(_LARGEST * sqrt(size / most))),
        }
        for said, happened, size in judged.curve
    ]
    option = {
        "aria": {"enabled": False},
        "grid": {"left": 56, "right": 20, "top": 16, "bottom": 64},
        "legend": {"bottom": 0, "data": ["What happened", "Perfect"]},
        "xAxis": _axis("What we said", 28),
        "yAxis": _axis("What happened", 42),
        "series": [
            {
                "name": "Perfect",
                "type": "line",
                "data": [[0, 0], [100, 100]],
                "symbol": "none",
                "silent": True,
                "itemStyle": {"color": "$field-border"},
                "lineStyle": {"type": "dashed", "width": 1.5},
                "tooltip": {"show": False},
            },
            {
                "name": "What happened",
                "type": "line",
                "data": dots,
                "symbol": "circle",
                "clip": False,
                "itemStyle": {"color": "$brand", "opacity": 0.85},
                "lineStyle": {"width": 1.5},
            },
        ],
        "tooltip": {"trigger": "item", "formatter": "{b}"},
    }
    return {"still": True, "format": "pct", "option": option}


def _axis(name: str, gap: int) -> dict[str, Any]:
    return {
        "type": "value",
        "min": 0,
        "max": 100,
        "interval": 20,
        "name": name,
        "nameLocation": "middle",
        "nameGap": gap,
        "nameTextStyle": {"color": "$tblr-secondary-color"},
    }
