"""What other systems can hear of. A new event type is one line here, and a call of `webhooks.emit` where it happens."""

EVENTS = {
    "segmentation.published": "Customers are segmented anew, or an earlier segmentation is back in force",
    "customer.archetype_changed": "Customers moved to another archetype",
    "customer.lapse_risk_level_changed": "The lapse risk of customers crossed a level",
}

TEST = "webhook.test"
"""What the test button sends; nobody subscribes to it."""
