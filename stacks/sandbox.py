"""The stacks of a sandbox, in deployment order."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aws_cdk import App, Stack, Tags

from guardrails.guide import illustrates
from stacks.expiry_stack import ExpiryStack
from stacks.feature_store_stack import FeatureStoreStack
from stacks.guardrails_stack import GuardrailsStack
from stacks.ingestion_stack import IngestionStack
from stacks.lake_stack import LakeStack
from stacks.monitoring_stack import MonitoringStack
from stacks.processing_stack import ProcessingStack
from stacks.regions import MISSING, missing_stacks
from stacks.settings import PREFIX, Settings
from stacks.studio_stack import StudioStack
from stacks.training_stack import TrainingStack

_CDK_JSON = Path(__file__).parent.parent / "cdk.json"


def build_sandbox(app: App, settings: Settings, region: str | None = None, *, now: datetime) -> None:
    """Add the stacks of the sandbox that the region can have, named ``<sandbox>-<layer>``, every resource tagged.

    The tag ``sandbox`` carries the sandbox's name, the tag ``guide`` the section of the study guide that a
    resource illustrates.

    Of a sandbox with a lifetime, the templates hold ``now``, the moment of synth, so that every deployment changes
    something and restarts the clock. The stack that deletes the others is deployed first, so that one
    whose deployment fails half-way ends as well, and a clock is restarted before the others change.
    """
    missing = missing_stacks(region)
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
    illustrates(lake, "3.5")
    illustrates(ingestion, "3.4")
    if "FeatureStore" not in missing:
        feature_store = FeatureStoreStack(
            app,
            "FeatureStore",
            stack_name=f"{settings.name}-feature-store",
            description="Machine-learning sandbox: features of customers, online and offline (guide 4.8)",
            settings=settings,
            lake=lake,
        )
        illustrates(feature_store, "4.8")
    if "Training" not in missing:
        training = TrainingStack(
            app,
            "Training",
            stack_name=f"{settings.name}-training",
            description="Machine-learning sandbox: spot training and model registry (guide 6.6)",
            settings=settings,
            lake=lake,
            feature_store=feature_store,
        )
        illustrates(training, "6.6")
    if "Processing" not in missing:
        processing = ProcessingStack(
            app,
            "Processing",
            stack_name=f"{settings.name}-processing",
            description="Machine-learning sandbox: Spark from raw to curated, behind quality gates (guide 3.1, 3.6)",
            settings=settings,
            lake=lake,
            feature_store=feature_store,
        )
        illustrates(processing, "3.1")
    if "Studio" not in missing:
        studio = StudioStack(
            app,
            "Studio",
            stack_name=f"{settings.name}-studio",
            description="Machine-learning sandbox: the Studio domain and its users (guide 1.2)",
            settings=settings,
            lake=lake,
            feature_store=feature_store,
            training=training,
        )
        illustrates(studio, "1.2")
    if "Guardrails" not in missing:
        guardrails = GuardrailsStack(
            app,
            "Guardrails",
            stack_name=f"{settings.name}-guardrails",
            description="Machine-learning sandbox: a budget, and guards over what costs by the hour (guide 6.6)",
            settings=settings,
            lake=lake,
            training=training,
            studio=studio,
            with_budget_type=region not in MISSING["AWS::Budgets::Budget"],
        )
        illustrates(guardrails, "6.6")
    monitoring = MonitoringStack(
        app,
        "Monitoring",
        stack_name=f"{settings.name}-monitoring",
        description="Machine-learning sandbox: a dashboard of all layers (guide 6.6)",
        settings=settings,
        ingestion=ingestion,
    )
    if "Processing" not in missing:
        monitoring.show_refinery(processing)
    if "FeatureStore" not in missing:
        monitoring.show_features(feature_store)
    if "Training" not in missing:
        monitoring.show_training(training)
    illustrates(monitoring, "6.6")
    stacks = [child for child in app.node.children if isinstance(child, Stack)]
    expiry = ExpiryStack(
        app,
        "Expiry",
        stack_name=f"{settings.name}-expiry",
        description="Machine-learning sandbox: deletes the other stacks when their time is over (guide 6.6)",
        settings=settings,
        stack_names=[stack.stack_name for stack in reversed(stacks)],
        deployed_at=now,
    )
    illustrates(expiry, "6.6")
    for stack in stacks:
        stack.add_stack_dependency(expiry)
    Tags.of(app).add("sandbox", settings.name)


def sandbox_app(**settings: Any) -> App:
    """The sandbox for tools that read templates without the CDK CLI, with the context of cdk.json.

    That context matters: it holds the feature flags, and templates differ without them. The moment of deployment is
    always the same.
    """
    context = json.loads(_CDK_JSON.read_text(encoding="utf-8"))["context"]
    app = App(context=context | {PREFIX + key: value for key, value in settings.items()})
    build_sandbox(app, Settings.from_context(app.node.get_all_context()), now=datetime(2026, 1, 1, tzinfo=UTC))
    return app
