"""How SageMaker names a Studio app."""

from __future__ import annotations

from sagemaker_api.listing import Listed


def app_key(app: Listed) -> dict[str, str]:
    """How DeleteApp names an app: by the space that owns it, or else by the user profile.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteApp.html
    """
    owner = "SpaceName" if app.get("SpaceName") else "UserProfileName"
    return {name: app[name] for name in ("DomainId", owner, "AppType", "AppName")}
