"""What is over: messages of long ago, and secrets that nothing is signed with any more."""

from datetime import datetime, timedelta

from integrations.models import WebhookEndpoint, WebhookEvent

KEPT = timedelta(days=30)
AT_ONCE = 500


def forget_old(as_of: datetime) -> int:
    """Delete events of more than thirty days ago with their deliveries, 500 in a transaction; the number of events.

    Only ids are read. One query where there is nothing to forget.
    """
    forgotten = 0
    while ids := list(WebhookEvent.objects.filter(created_at__lt=as_of - KEPT).values_list("pk", flat=True)[:AT_ONCE]):
        WebhookEvent.objects.filter(pk__in=ids).only("pk").delete()
        forgotten += len(ids)
    return forgotten


def forget_former_secrets(as_of: datetime) -> int:
    """Erase secrets whose overlap with their successors is over at `as_of`; how many. One statement."""
    over = WebhookEndpoint.objects.filter(previous_secret_until__lte=as_of)
    return over.update(previous_secret="", previous_secret_until=None)
