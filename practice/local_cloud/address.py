"""Address of the local cloud, and the credentials with which one speaks to it."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field

HOST = "127.0.0.1"
REGION = "us-east-1"
ACCOUNT = "000000000000"

NO_USER_SETTINGS = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""Variables that keep an AWS SDK from the settings and credentials of the user's own account."""


@dataclass(frozen=True)
class Access:
    """An address of the local cloud, and the access key of one of its starts.

    The secret lets its holder run code as the user whose local cloud it is. It is random at every start, and stands
    only where that user alone can read: in a file of mode 0600, and in the environment of processes.
    """

    endpoint: str
    access_key_id: str
    secret_access_key: str = field(repr=False)

    @classmethod
    def at(cls, endpoint: str) -> Access:
        """A new access key for this address."""
        return cls(endpoint, f"LOCAL{secrets.token_hex(8).upper()}", secrets.token_urlsafe(30))

    @property
    def address_and_keys(self) -> dict[str, str]:
        """The environment variables that point an AWS SDK here, which still has to be told a region.

        S3 gets an address of its own because an IP address there makes clients use path-style requests.
        """
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
        }

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables with which any AWS SDK works here."""
        return {**self.address_and_keys, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}
