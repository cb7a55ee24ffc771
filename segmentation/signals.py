"""What others may want to know of segmentation."""

from django.dispatch import Signal

run_published = Signal()
"""Readers now see another run. Sent after the commit. `run`: the `SegmentationRun`."""
pointer_moved = Signal()
"""Readers will see another run when the transaction is over that this is sent in: what was copied from the run goes with it."""
archetype_changed = Signal()
"""A customer who was segmented alone has come into an archetype. Sent after the commit. `customer_pk`: the key."""
