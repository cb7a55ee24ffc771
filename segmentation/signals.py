"""What others may want to know of segmentation. Sent after the commit."""

from django.dispatch import Signal

run_published = Signal()
"""Readers now see another run. `run`: the `SegmentationRun`."""
