"""From raw to curated."""

from typing import Any

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from guardrails.alarms import SandboxAlarms
from guardrails.guide import illustrates
from lakehouse.glue_encryption import GlueEncryption
from lakehouse.named_queries import NamedQueries
from lakehouse.zone import Zone
from refinery.cleaned_customers import CLEANED_CUSTOMERS_PREFIX, CleanedCustomersTable
from refinery.code import RefineryCode
from refinery.emr_serverless import EmrServerlessApplication
from refinery.emr_serverless_job import EmrServerlessJob
from refinery.engine import GLUE_ALONE, ProcessingEngine, SparkJob
from refinery.glue_job import GlueJob
from refinery.pipeline import RefineryPipeline
from refinery.quality_rulesets import QualityRulesets
from refinery.quality_tables import QUERIES, QualityTables
from refinery.trigger import PipelineTrigger
from stacks.feature_store_stack import FeatureStoreStack
from stacks.lake_stack import CUSTOMERS_PREFIX, FEATURES_PREFIX, LABELS_PREFIX, LakeStack
from stacks.settings import Settings


class ProcessingStack(Stack):
    """The refinery (guide 3.1, 3.6, 4): Spark jobs behind quality gates, run by one state machine."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        lake: LakeStack,
        feature_store: FeatureStoreStack,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        raw, processed, curated = (lake.zones[zone] for zone in Zone)

        code = RefineryCode(self, "Code")
        encryption = GlueEncryption(self, "GlueEncryption", name=f"{settings.name}-jobs", key=lake.key)
        buckets = {f"{zone}_bucket": lake.zones[zone].bucket_name for zone in Zone}
        arguments = {
            "clean_orders": ["raw_bucket", "processed_bucket"],
            "quality_gate": ["raw_bucket", "processed_bucket", "curated_bucket"],
            "build_customer_features": ["processed_bucket", "curated_bucket"],
            "publish_features": ["curated_bucket"],
            "ingest_features": ["curated_bucket", "feature_group"],
            "fit_transformations": ["curated_bucket"],
        }
        values = buckets | {"feature_group": feature_store.customer_features.name}
        application = self._application(settings, lake)
        jobs: dict[str, SparkJob] = {
            script: EmrServerlessJob(
                self,
                script.title().replace("_", ""),
                script=script,
                arguments={name: values[name] for name in names},
                code=code,
                application=application,
            )
            if application and script not in GLUE_ALONE
            else GlueJob(
                self,
                script.title().replace("_", ""),
                script=script,
                arguments={name: values[name] for name in names},
                code=code,
                log_group_prefix=f"/aws-glue/jobs/{settings.name}",
                log_retention=settings.log_retention,
                encryption=encryption,
                workers=settings.processing_workers,
                execution_class=settings.processing_execution_class,
                runs_at_once=3 if script == "quality_gate" else 1,
            )
            for script, names in arguments.items()
        }
        rulesets = QualityRulesets(self, "Quality", sandbox_name=settings.name)
        database = lake.databases[Zone.PROCESSED]
        customers = CleanedCustomersTable(self, "CleanedCustomers", database=database, bucket=processed)
        illustrates(customers, "3.5")
        tables = QualityTables(self, "QualityTables", database=database, bucket=processed)
        queries = NamedQueries(
            self,
            "Queries",
            workgroup=lake.workgroup.name,
            directory=QUERIES,
            database=database.ref,
            database_names={Zone.PROCESSED.value: database.ref},
        )
        for construct in (rulesets, tables, queries):
            illustrates(construct, "3.6")
        illustrates(self.node.find_child("FitTransformations"), "4.2")

        why_all = "Spark names its files itself; the wildcard ends at the prefix"
        clean = jobs["clean_orders"].role
        raw.grant_read_objects(clean, [CUSTOMERS_PREFIX], why_all=why_all)
        processed.grant_read_objects(clean, ["orders/"], why_all=why_all)
        processed.grant_replace_objects(clean, ["cleaned_orders/", CLEANED_CUSTOMERS_PREFIX], why_all=why_all)
        gate = jobs["quality_gate"].role
        raw.grant_read_objects(gate, [CUSTOMERS_PREFIX], why_all=why_all)
        processed.grant_read_objects(gate, ["orders/"], why_all=why_all)
        curated.grant_read_objects(gate, ["staging/"], why_all=why_all)
        processed.grant_replace_objects(gate, ["quality/", "rejected/"], why_all=why_all)
        rulesets.grant_judge(gate)
        build = jobs["build_customer_features"].role
        processed.grant_read_objects(build, ["cleaned_orders/", CLEANED_CUSTOMERS_PREFIX], why_all=why_all)
        curated.grant_replace_objects(build, ["staging/"], why_all=why_all)
        publish = jobs["publish_features"].role
        curated.grant_replace_objects(publish, ["staging/", FEATURES_PREFIX, LABELS_PREFIX], why_all=why_all)
        ingest = jobs["ingest_features"].role
        curated.grant_read_objects(ingest, [FEATURES_PREFIX], why_all=why_all)
        feature_store.customer_features.grant_write(ingest)
        fit = jobs["fit_transformations"].role
        curated.grant_read_objects(fit, [FEATURES_PREFIX, LABELS_PREFIX], why_all=why_all)
        curated.grant_replace_objects(fit, ["transformations/"], why_all=why_all)

        self.pipeline = RefineryPipeline(
            self,
            "Pipeline",
            name=f"{settings.name}-refinery",
            jobs=jobs,
            rulesets=rulesets.names,
            crawlers=lake.crawlers,
            topic=lake.notices,
            key=lake.key,
            log_retention=settings.log_retention,
        )
        if application:
            roles = [job.role for script, job in jobs.items() if script not in GLUE_ALONE]
            application.grant_run(self.pipeline.state_machine, roles)
        trigger = PipelineTrigger(
            self,
            "Trigger",
            trigger=settings.processing_trigger,
            state_machine=self.pipeline.state_machine,
            raw=raw,
            customers_prefix=CUSTOMERS_PREFIX,
        )

        alarms = SandboxAlarms(self, "Alarms", topic=lake.notices)
        alarms.watch_refinery(self.pipeline.state_machine)
        if trigger.rule:
            alarms.watch_rule("RefineryNotStarted", trigger.rule, "the refinery's state machine")

        CfnOutput(self, "PipelineArn", key="Pipeline", value=self.pipeline.state_machine.state_machine_arn)

    def _application(self, settings: Settings, lake: LakeStack) -> EmrServerlessApplication | None:
        """What runs the jobs instead of Glue, if the settings say so."""
        if settings.processing_engine == ProcessingEngine.GLUE:
            return None
        application = EmrServerlessApplication(
            self,
            "EmrServerless",
            name=f"{settings.name}-refinery",
            workers=settings.processing_workers,
            key=lake.key,
            log_retention=settings.log_retention,
        )
        illustrates(application, "3.2")
        return application
