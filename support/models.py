"""Tickets and their messages, as far as we know them from a help desk."""

from typing import Self

from django.db import models
from django.utils import timezone

from customers.models import Customer

ENDED_STATUSES = ("closed", "solved", "resolved", "done", "spam")
"""What help desks call a ticket that nobody works on any more, in lower case."""


class TicketQuerySet(models.QuerySet["Ticket"]):
    """Tickets."""

    def open(self) -> Self:
        """Those that somebody still waits for an answer to, the longest wait first."""
        return self.filter(closed_at=None).exclude(status__in=ENDED_STATUSES).order_by("created_at", "id")


class Ticket(models.Model):
    """One conversation with the shop's support."""

    class Channel(models.TextChoices):
        EMAIL = "email", "E-mail"
        CHAT = "chat", "Chat"
        PHONE = "phone", "Phone"
        SMS = "sms", "Text message"
        SOCIAL = "social", "Social media"
        HELP_CENTER = "help_center", "Help center"
        OTHER = "other", "Other"

    class Topic(models.TextChoices):
        """What the ticket is about, read from its tags and subject by `support.topics`."""

        TECHNICAL = "technical", "Technical problem"
        HOW_TO = "how_to", "How to use something"
        PRICE_MATCH = "price_match", "Price or price match"
        DELIVERY = "delivery", "Delivery"
        RETURN = "return", "Return or refund"
        OTHER = "other", "Something else"

    ticket_id = models.CharField(max_length=64)
    customer = models.ForeignKey(
        Customer, null=True, blank=True, on_delete=models.CASCADE, related_name="tickets", db_index=False
    )
    channel = models.CharField(max_length=12, choices=Channel, default=Channel.OTHER)
    topic = models.CharField(max_length=12, choices=Topic, default=Topic.OTHER)
    subject = models.CharField(max_length=255, blank=True)
    status = models.CharField(max_length=24, blank=True, db_index=True)
    created_at = models.DateTimeField(db_index=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    reopened = models.BooleanField(default=False)
    satisfaction_score = models.SmallIntegerField(null=True, blank=True, help_text="1 (unhappy) to 5 (happy).")
    tags = models.JSONField(default=list, blank=True)
    source = models.CharField(max_length=24, default="generic")
    message_count = models.PositiveIntegerField(db_default=0, help_text="As the source states it; 0 where it does not.")
    stored_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = TicketQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["customer", "-created_at"], name="ticket_of_customer")]
        constraints = [
            models.UniqueConstraint(fields=["ticket_id"], name="ticket_id_once"),
            models.CheckConstraint(
                condition=models.Q(satisfaction_score__isnull=True) | models.Q(satisfaction_score__range=(1, 5)),
                name="satisfaction_1_to_5",
            ),
        ]

    def __str__(self) -> str:
        return self.subject or f"Ticket {self.ticket_id}"


class TicketMessage(models.Model):
    """One message of a ticket, from the customer or from an agent."""

    message_id = models.CharField(max_length=64)
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="messages", db_index=False)
    created_at = models.DateTimeField()
    from_agent = models.BooleanField(default=False)
    body_text = models.TextField(blank=True)

    class Meta:
        ordering = ["created_at"]
        constraints = [models.UniqueConstraint(fields=["message_id"], name="message_id_once")]
        indexes = [models.Index(fields=["ticket", "created_at"], name="message_of_ticket")]

    def __str__(self) -> str:
        return f"message {self.message_id}"
