"""What can go wrong with another system. The message is one sentence that may be shown, without addresses or answers."""


class IntegrationError(Exception):
    """The other system was not asked, or what it answered cannot be used."""


class TemporaryIntegrationError(IntegrationError):
    """It gave no answer at all this time; asking again later may help."""
