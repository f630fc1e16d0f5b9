"""One state machine runs the refinery from raw to the feature store."""

from collections.abc import Mapping

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from guardrails.acknowledge import acknowledge
from guardrails.encrypted_logs import EncryptedLogs
from guardrails.notifications import NotificationTopic
from lakehouse.zone import Zone
from refinery.crawler_run import CrawlerRun
from refinery.engine import SparkJob

_TIMEOUT = Duration.hours(3)


class RefineryPipeline(Construct):
    """Crawl customers, gate, clean, build features, gate, publish, crawl curated, ingest, fit transformations.

    The inputs are judged before anything is computed from them: a broken file of customers fails its gate, which says
    why, and not the job that would read it next. A gate that fails ends the run before anything is published, so
    curated keeps what it had. What a run computes is said by its input, ``as_of`` and ``cutoffs``; without it, by the
    moment it was started. Only what passes by itself is retried: an engine out of capacity, or too many requests.
    Whatever else goes wrong is published to the topic with the reason, and then the run fails.

    Source: https://docs.aws.amazon.com/step-functions/latest/dg/connect-glue.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        jobs: Mapping[str, SparkJob],
        rulesets: Mapping[str, str],
        crawlers: Mapping[Zone, Mapping[str, str]],
        topic: NotificationTopic,
        key: kms.IKey,
        log_retention: logs.RetentionDays,
    ) -> None:
        super().__init__(scope, construct_id)
        self._jobs = jobs
        self._rulesets = rulesets
        dates = {"--as_of": sfn.JsonPath.string_at("$.as_of")}
        cutoffs = dates | {"--cutoffs": sfn.JsonPath.string_at("$.cutoffs")}
        inputs = sfn.Parallel(self, "Gate inputs", result_path=sfn.JsonPath.DISCARD)
        inputs.branch(self._gate("customers"), self._gate("orders"))
        refine = (
            sfn.Chain.start(self._crawl("Customers", crawlers[Zone.RAW]))
            .next(inputs)
            .next(self._run("Clean", "clean_orders", dates))
            .next(self._run("Build features", "build_customer_features", cutoffs))
            .next(self._gate("customer_features"))
            .next(self._run("Publish", "publish_features", dates))
            .next(self._crawl("Curated", crawlers[Zone.CURATED]))
            .next(self._run("Ingest", "ingest_features", cutoffs))
            .next(self._run("Fit transformations", "fit_transformations", dates))
        )
        self.log_group = EncryptedLogs(self, "Logs", key=key, retention=log_retention)
        whole = sfn.Parallel(self, "Refine", result_path=sfn.JsonPath.DISCARD).branch(refine)
        whole.add_catch(self._report(topic), result_path="$.failure")
        self.state_machine = sfn.StateMachine(
            self,
            "StateMachine",
            # given, because the CDK lets the role use the key for a state machine of this name alone
            state_machine_name=name,
            definition_body=sfn.DefinitionBody.from_chainable(self._dates(whole)),
            timeout=_TIMEOUT,
            tracing_enabled=True,
            logs=sfn.LogOptions(destination=self.log_group, level=sfn.LogLevel.ALL, include_execution_data=True),
            encryption_configuration=sfn.CustomerManagedEncryptionConfiguration(
                # by ARN, so that the CDK does not repeat what the key's own policy says of log delivery
                kms.Key.from_key_arn(self, "Key", key.key_arn)
            ),
            removal_policy=RemovalPolicy.DESTROY,
        )
        topic.accept_from(self.state_machine)
        acknowledge(
            self.state_machine,
            {
                "AwsSolutions-IAM5[Resource::*]": "Log delivery and X-Ray have no resource to name",
            },
        )

    def _dates(self, then: sfn.IChainable) -> sfn.IChainable:
        """Give every run its dates: those of its input, or the moment it was started."""
        started = sfn.JsonPath.string_at("$$.Execution.StartTime")
        run_id = sfn.JsonPath.string_at("$$.Execution.Name")
        as_of = sfn.JsonPath.string_at("$.as_of")
        moment = sfn.Pass(self, "As of now", parameters={"as_of": started, "cutoffs": "", "run_id": run_id})
        day = sfn.Pass(self, "As of the input", parameters={"as_of": as_of, "cutoffs": "", "run_id": run_id})
        given = sfn.Pass(
            self,
            "With the cutoffs of the input",
            parameters={"as_of": as_of, "cutoffs": sfn.JsonPath.string_at("$.cutoffs"), "run_id": run_id},
        )
        for state in (moment, day, given):
            state.next(then)
        return (
            sfn.Choice(self, "Which dates?")
            .when(sfn.Condition.and_(sfn.Condition.is_present("$.as_of"), sfn.Condition.is_present("$.cutoffs")), given)
            .when(sfn.Condition.is_present("$.as_of"), day)
            .otherwise(moment)
        )

    def _crawl(self, what: str, crawlers: Mapping[str, str]) -> sfn.IChainable:
        """Crawl a zone, with its crawlers by what they find: at once, if there are several."""
        if len(crawlers) == 1:
            (name,) = crawlers.values()
            return CrawlerRun(self, f"Crawl{what}", crawler_name=name).prefix_states(f"{what}: ")
        return sfn.Parallel(self, f"Crawl {what.lower()}", result_path=sfn.JsonPath.DISCARD).branch(
            *(
                CrawlerRun(self, f"{found} crawler", crawler_name=name).prefix_states(f"{found}: ")
                for found, name in crawlers.items()
            )
        )

    def _gate(self, dataset: str) -> sfn.IChainable:
        return self._run(
            f"Gate {dataset.replace('_', ' ')}",
            "quality_gate",
            {
                "--dataset": dataset,
                "--ruleset": self._rulesets[dataset],
                "--as_of": sfn.JsonPath.string_at("$.as_of"),
                "--run_id": sfn.JsonPath.string_at("$.run_id"),
            },
        )

    def _run(self, construct_id: str, job: str, arguments: Mapping[str, str]) -> sfn.IChainable:
        return self._jobs[job].run(self, construct_id, arguments)

    def _report(self, topic: sns.ITopic) -> sfn.IChainable:
        error, cause = (sfn.JsonPath.string_at(f"$.failure.{name}") for name in ("Error", "Cause"))
        return tasks.SnsPublish(
            self,
            "Tell",
            topic=topic,
            subject="The refinery has failed",
            message=sfn.TaskInput.from_object({"execution": sfn.JsonPath.execution_id, "error": error, "cause": cause}),
            result_path=sfn.JsonPath.DISCARD,
        ).next(sfn.Fail(self, "Give up", error_path="$.failure.Error", cause_path="$.failure.Cause"))
