"""Where the local cloud listens, and as whom one speaks with it."""

from __future__ import annotations

import os

HOST = "127.0.0.1"
REGION = "us-east-1"
ACCOUNT = "000000000000"

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
