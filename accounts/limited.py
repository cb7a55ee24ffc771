"""An endpoint that counts what its callers ask for."""

from collections.abc import Iterator, Mapping
from typing import Any

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.limits import count_customers, count_request, take_back


class Limited(APIView):
    """A view that counts its callers' requests, and the customers that it lets a key read.

    A customer is what the address names as `customer_id`, or each `customer_id` at the top of an answer and in its lists.
    """

    throttle_classes = ()  # it counts by itself, and earlier

    def perform_authentication(self, request: Request) -> None:
        """Find out who calls, and count it before anything else is done. Raises `RateLimited` or `HarvestLimit` (429)."""
        super().perform_authentication(request)
        count_request(request, self.kwargs.get("customer_id"))

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        """Count whom the answer tells of; an answer beyond the limit is replaced before anybody sees it."""
        if isinstance(response, Response):
            try:
                if response.status_code == status.HTTP_404_NOT_FOUND:
                    take_back(request)
                elif response.status_code < status.HTTP_400_BAD_REQUEST:
                    count_customers(request, list(_customers_in(response.data, named="customer_id" in self.kwargs)))
            except Exception as problem:  # nobody else would turn it into an answer: the method's own errors are dealt with
                response = self.handle_exception(problem)
        final: Response = super().finalize_response(request, response, *args, **kwargs)
        return final


def _customers_in(data: Any, *, named: bool) -> Iterator[str]:
    """Ids of the customers in an answer; `named` if its address names the one at the top, who is counted already."""
    if not isinstance(data, Mapping):
        return
    if "customer_id" in data and not named:
        yield str(data["customer_id"])
    for value in data.values():
        if isinstance(value, list):
            yield from (str(row["customer_id"]) for row in value if isinstance(row, Mapping) and "customer_id" in row)
