"""The endpoints of one customer."""

from contextlib import suppress
from typing import NoReturn

from django.urls import NoReverseMatch, reverse
from drf_spectacular.utils import OpenApiResponse, PolymorphicProxySerializer, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import ApiView
from accounts.models import ApiKey, Shop
from accounts.permissions import HasScope, scopes_of
from accounts.revalidation import NOT_TO_BE_KEPT
from customers.clock import clock
from customers.models import Customer
from customers.order_search import search_orders
from customers.serializers import (
    ChurnParameters,
    CustomerChurnSchema,
    CustomerOrdersSchema,
    CustomerProfileSchema,
    FoundCustomerSchema,
    FoundCustomersSchema,
    LookupParameters,
    OrderParameters,
    customer_churn_json,
    found_json,
    orders_json,
    profile_json,
)
from insights.advice import advice_for, waiting_ticket
from insights.card import CardSchema, card_json
from insights.looking_up import find_by_contact
from insights.profiles import customer_profile, find_customer, random_customer
from insights.why import why


def _no_such_customer() -> NoReturn:
    """The same answer whatever id was asked for, so that nothing about it can be learned from the words."""
    raise NotFound("There is no customer with this id.")


class RandomCustomerView(ApiView):
    """GET /api/mcp/customer/random"""

    told_by_the_clock = frozenset({"as_of"})

    @extend_schema(operation_id="random_customer", tags=["customers"], responses=CustomerProfileSchema)
    def get(self, request: Request) -> Response:
        """A random customer's profile, for trying things out."""
        as_of = clock()
        while (customer := random_customer()) is not None:
            with suppress(Customer.DoesNotExist):  # erased just now: then another
                return Response(profile_json(customer_profile(customer.customer_id, as_of)))
        raise NotFound("There are no customers yet; import some first.")


class CanReadContacts(HasScope):
    """Names, addresses and numbers too."""

    scope = ApiKey.Scope.READ_PII


class CustomerLookupView(ApiView):
    """GET /api/mcp/customer/lookup

    Takes contact data and confirms it, hence the scope; the answer is not to be kept.
    """

    permission_classes = (CanReadContacts,)
    told_by_the_clock = frozenset({"as_of"})
    parameters = LookupParameters

    @extend_schema(
        operation_id="customer_lookup",
        tags=["customers"],
        parameters=[LookupParameters],
        responses={
            200: PolymorphicProxySerializer(
                component_name="LookupAnswer",
                serializers=[FoundCustomerSchema, FoundCustomersSchema],
                resource_type_field_name=None,
            ),
            404: OpenApiResponse({"$ref": "#/components/schemas/Error"}, "Nobody has it."),
        },
    )
    def get(self, request: Request) -> Response:
        """The customer with this e-mail address or telephone number.

        The profile, with name, e-mail address and telephone number. Where several have it, the first ten of them as a list,
        with a count. In an address a plain + means a blank: send that of a country code as %2B, or leave it out.
        """
        matches = find_by_contact(clock(), **self.asked)
        if not matches.profiles:
            _no_such_customer()
        return Response(found_json(matches), headers={"Cache-Control": NOT_TO_BE_KEPT})


class CustomerView(ApiView):
    """GET /api/mcp/customer/{customer_id}"""

    told_by_the_clock = frozenset({"as_of"})

    @extend_schema(operation_id="customer_profile", tags=["customers"], responses=CustomerProfileSchema)
    def get(self, request: Request, customer_id: str) -> Response:
        """One customer's profile by the shop's own id."""
        try:
            profile = customer_profile(customer_id, clock())
        except Customer.DoesNotExist:
            _no_such_customer()
        return Response(profile_json(profile))


class CustomerCardView(ApiView):
    """GET /api/mcp/customer/{customer_id}/card"""

    @extend_schema(operation_id="customer_card", tags=["customers"], responses=CardSchema)
    def get(self, request: Request, customer_id: str) -> Response:
        """One customer as a flat card for help-desk widgets. Names and values only, and no list or object."""
        try:
            profile = customer_profile(customer_id, clock())
        except Customer.DoesNotExist:
            _no_such_customer()
        with_name = ApiKey.Scope.READ_PII in scopes_of(request)
        ticket = waiting_ticket(profile.customer)
        try:
            page = request.build_absolute_uri(reverse("customer", args=[customer_id]))
        except NoReverseMatch:  # a line break: no address of a page can hold it
            page = ""
        body = card_json(profile, ticket.ticket_id if ticket else "", page, with_name=with_name)
        return Response(body, headers={"Cache-Control": NOT_TO_BE_KEPT} if with_name else None)


class CustomerChurnView(ApiView):
    """GET /api/mcp/customer/{customer_id}/churn-risk"""

    parameters = ChurnParameters

    @extend_schema(
        operation_id="customer_churn_risk", tags=["customers"], parameters=[ChurnParameters], responses=CustomerChurnSchema
    )
    def get(self, request: Request, customer_id: str) -> Response:
        """One customer's churn and lapse risk, with what to do about it and, on request, what the score is made of."""
        try:
            profile = customer_profile(customer_id, clock())
        except Customer.DoesNotExist:
            _no_such_customer()
        currency = Shop.current().currency
        explained = why(profile) if self.asked["explain"] and profile.churn else None
        may_read_words = ApiKey.Scope.READ_PII in scopes_of(request)
        ticket = waiting_ticket(profile.customer) if profile.churn else None
        advice = advice_for(profile, currency, ticket, names_subject=may_read_words)
        body = customer_churn_json(profile, advice, explained, currency)
        # A ticket's subject is a customer's own words.
        return Response(body, headers={"Cache-Control": NOT_TO_BE_KEPT} if may_read_words and ticket else None)


class CustomerOrdersView(ApiView):
    """GET /api/mcp/customer/{customer_id}/orders"""

    parameters = OrderParameters

    @extend_schema(
        operation_id="customer_orders", tags=["customers"], parameters=[OrderParameters], responses=CustomerOrdersSchema
    )
    def get(self, request: Request, customer_id: str) -> Response:
        """One customer's orders, newest first, searched by product and period."""
        try:
            customer = find_customer(customer_id)
        except Customer.DoesNotExist:
            _no_such_customer()
        found = search_orders(
            customer,
            zone=Shop.current().zone,
            terms=self.asked.get("search_terms", ()),
            start=self.asked.get("start_date"),
            end=self.asked.get("end_date"),
            limit=self.asked["limit"],
            offset=self.asked["offset"],
        )
        return Response(orders_json(customer, found))
