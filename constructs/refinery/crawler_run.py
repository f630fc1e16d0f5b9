"""Crawling as a step of a state machine."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

_LOOK_EVERY = Duration.seconds(5)


class CrawlerRun(sfn.StateMachineFragment):
    """Start a crawler and wait until it has finished; fail if it did not succeed.

    Step Functions waits for Glue jobs by itself, but not for crawlers. A crawler that runs already, because somebody
    started it, is waited for.

    Source: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-crawling.html
    """

    def __init__(self, scope: Construct, construct_id: str, *, crawler_name: str) -> None:
        super().__init__(scope, construct_id)
        arn = Stack.of(self).format_arn(service="glue", resource="crawler", resource_name=crawler_name)
        start = self._call("Start", "startCrawler", crawler_name, arn)
        look = self._call("Look", "getCrawler", crawler_name, arn)
        wait = sfn.Wait(self, "Wait", time=sfn.WaitTime.duration(_LOOK_EVERY))
        done = sfn.Pass(self, "Done")
        failed = sfn.Fail(
            self,
            "Failed",
            error="CrawlerFailed",
            cause_path=sfn.JsonPath.format(
                "Crawler {} ended as {}",
                sfn.JsonPath.string_at("$.crawl.Crawler.Name"),
                sfn.JsonPath.string_at("$.crawl.Crawler.LastCrawl.Status"),
            ),
        )
        start.add_catch(wait, errors=["Glue.CrawlerRunningException"], result_path=sfn.JsonPath.DISCARD)
        start.next(wait).next(look).next(
            sfn.Choice(self, "Finished?")
            .when(sfn.Condition.not_(sfn.Condition.string_equals("$.crawl.Crawler.State", "READY")), wait)
            .when(sfn.Condition.string_equals("$.crawl.Crawler.LastCrawl.Status", "SUCCEEDED"), done)
            .otherwise(failed)
        )
        self._start, self._end = start, done

    @property
    def start_state(self) -> sfn.State:
        return self._start

    @property
    def end_states(self) -> list[sfn.INextable]:
        return [self._end]

    def _call(self, construct_id: str, action: str, crawler_name: str, arn: str) -> tasks.CallAwsService:
        task = tasks.CallAwsService(
            self,
            construct_id,
            service="glue",
            action=action,
            parameters={"Name": crawler_name},
            iam_resources=[arn],
            result_path="$.crawl" if action == "getCrawler" else sfn.JsonPath.DISCARD,
        )
        task.add_retry(
            errors=["Glue.ThrottlingException", "Glue.OperationTimeoutException"],
            interval=Duration.seconds(5),
            backoff_rate=2,
            max_attempts=4,
        )
        return task
