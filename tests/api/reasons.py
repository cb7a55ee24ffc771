"""Every null has its reason beside it, and nothing else has one."""

from typing import Any


def odd_nulls(value: Any, where: str = "body") -> list[str]:
    """Nulls without a reason, and reasons without a null."""
    if isinstance(value, list):
        return [found for inner in value for found in odd_nulls(inner, f"{where}[]")]
    if not isinstance(value, dict):
        return []
    odd = [f"{where}.{name}" for name, inner in value.items() if inner is None and not value.get(f"{name}_reason")]
    odd += [
        f"{where}.{name}"
        for name in value
        if name.endswith("_reason") and value.get(name.removesuffix("_reason"), None) is not None
    ]
    return odd + [found for name, inner in value.items() for found in odd_nulls(inner, f"{where}.{name}")]
