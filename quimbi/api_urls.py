"""The API as one table; literal paths stand before parameters.

A customer's id is the shop's own and may hold any character, so what can stand behind an id comes before the id alone.
"""

from django.urls import URLPattern, path, re_path, register_converter
from django.urls.converters import StringConverter
from django.views.generic import TemplateView

from customers.api_views import (
    CustomerCardView,
    CustomerChurnView,
    CustomerLookupView,
    CustomerOrdersView,
    CustomerView,
    RandomCustomerView,
)
from insights.api_views import (
    ArchetypeGrowthProjectionView,
    ChurnAggregateView,
    CustomerExportView,
    CustomersView,
    GrowthProjectionView,
)
from integrations.api_views import (
    DeliveryReplayView,
    DeliveryView,
    OneWebhookView,
    WebhookDeliveriesView,
    WebhookRotateView,
    WebhooksView,
    WebhookTestView,
)
from predictions.api_views import PredictionRunsView, TrustView
from quimbi.api_errors import NoSuchEndpoint
from quimbi.api_schema import SchemaView
from quimbi.health import HealthView, LivezView, ReadyzView
from segmentation.api_views import (
    ArchetypeMembersView,
    ArchetypeMovementView,
    ArchetypeView,
    SegmentationRunsView,
    TopArchetypesView,
)


class AnyText(StringConverter):
    """Any text, slashes and line breaks too, which `path` stops at."""

    regex = "(?s:.+)"


register_converter(AnyText, "any")
urlpatterns: list[URLPattern] = [
    path("health", HealthView.as_view(), name="health"),
    path("livez", LivezView.as_view(), name="livez"),
    path("readyz", ReadyzView.as_view(), name="readyz"),
    path("api/mcp/customer/random", RandomCustomerView.as_view(), name="api-customer-random"),
    path("api/mcp/customer/lookup", CustomerLookupView.as_view(), name="api-customer-lookup"),
    path("api/mcp/customer/<any:customer_id>/orders", CustomerOrdersView.as_view(), name="api-customer-orders"),
    path("api/mcp/customer/<any:customer_id>/churn-risk", CustomerChurnView.as_view(), name="api-customer-churn-risk"),
    path("api/mcp/customer/<any:customer_id>/card", CustomerCardView.as_view(), name="api-customer-card"),
    path("api/mcp/customer/<any:customer_id>", CustomerView.as_view(), name="api-customer"),
    path("api/mcp/customers", CustomersView.as_view(), name="api-customers"),
    path("api/mcp/export/customers", CustomerExportView.as_view(), name="api-export-customers"),
    path("api/mcp/archetypes/top", TopArchetypesView.as_view(), name="api-archetypes-top"),
    path(
        "api/mcp/archetypes/growth-projection", ArchetypeGrowthProjectionView.as_view(), name="api-archetypes-growth-projection"
    ),
    path("api/mcp/archetypes/<str:archetype_id>", ArchetypeView.as_view(), name="api-archetype"),
    path("api/mcp/archetypes/<str:archetype_id>/members", ArchetypeMembersView.as_view(), name="api-archetype-members"),
    path("api/mcp/archetypes/<str:archetype_id>/movement", ArchetypeMovementView.as_view(), name="api-archetype-movement"),
    path("api/mcp/segmentation/runs", SegmentationRunsView.as_view(), name="api-segmentation-runs"),
    path("api/mcp/churn/aggregate", ChurnAggregateView.as_view(), name="api-churn-aggregate"),
    path("api/mcp/growth/projection", GrowthProjectionView.as_view(), name="api-growth-projection"),
    path("api/mcp/predictions/trust", TrustView.as_view(), name="api-predictions-trust"),
    path("api/mcp/predictions/runs", PredictionRunsView.as_view(), name="api-predictions-runs"),
    path("api/webhooks", WebhooksView.as_view(), name="api-webhooks"),
    path("api/webhooks/deliveries/<str:delivery_id>", DeliveryView.as_view(), name="api-webhook-delivery"),
    path("api/webhooks/deliveries/<str:delivery_id>/replay", DeliveryReplayView.as_view(), name="api-webhook-replay"),
    path("api/webhooks/<str:webhook_id>", OneWebhookView.as_view(), name="api-webhook"),
    path("api/webhooks/<str:webhook_id>/test", WebhookTestView.as_view(), name="api-webhook-test"),
    path("api/webhooks/<str:webhook_id>/rotate", WebhookRotateView.as_view(), name="api-webhook-rotate"),
    path("api/webhooks/<str:webhook_id>/deliveries", WebhookDeliveriesView.as_view(), name="api-webhook-deliveries"),
    path("api/schema", SchemaView.as_view(), name="api-schema"),
    path("api/docs", TemplateView.as_view(template_name="api/docs.html"), name="api-docs"),
    re_path(r"^api(?:/.*)?$", NoSuchEndpoint.as_view()),
]
