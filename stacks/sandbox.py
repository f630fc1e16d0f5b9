"""The stacks of a sandbox, in deployment order."""

from aws_cdk import App, Tags

from stacks.ingestion_stack import IngestionStack
from stacks.lake_stack import LakeStack
from stacks.settings import Settings


def build_sandbox(app: App, settings: Settings) -> None:
    """Add the stacks of the sandbox to the app, named ``<sandbox>-<layer>``, every resource tagged.

    The tag ``sandbox`` carries the sandbox's name, the tag ``guide`` the section of the study guide that a
    resource illustrates.
    """
    lake = LakeStack(
        app,
        "Lake",
        stack_name=f"{settings.name}-lake",
        description="Machine-learning sandbox: zones, catalog and queries of the lake-house (guide 3.2, 3.5)",
        settings=settings,
    )
    ingestion = IngestionStack(
        app,
        "Ingestion",
        stack_name=f"{settings.name}-ingestion",
        description="Machine-learning sandbox: streaming ingestion into the lake-house (guide 3.4)",
        settings=settings,
        lake=lake,
    )
    Tags.of(app).add("sandbox", settings.name)
    Tags.of(lake).add("guide", "3.5")
    Tags.of(ingestion).add("guide", "3.4")
