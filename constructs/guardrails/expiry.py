"""The end of a sandbox that was deployed for some hours only."""

import json
from collections.abc import Sequence

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from guardrails.acknowledge import acknowledge, acknowledge_wildcard_resources
from guardrails.stack_deletion import call_cloudformation, delete_each, wait

_WARNING = Duration.hours(1)
_POLL = Duration.seconds(30)
_PAUSE = Duration.minutes(10)
_ROUNDS = 3
_TIME_TO_DELETE = Duration.days(1)


class Expiry(Construct):
    """A state machine that waits, warns an hour ahead, and deletes these stacks in this order, its own at the end.

    When one fails to delete, the others are deleted all the same; then the topic is told which stacks are left and
    why, and they are tried again. After three rounds the execution fails, and the stack of this machine stays. What it
    could not tell does not keep it from deleting.

    It may delete and describe these stacks alone. The resources are deleted by the role with which each stack was
    deployed, since DeleteStack names none: the CDK CLI deploys with a role of ``cdk bootstrap``, which no stack here
    takes away. A stack that was deployed without one is not deleted, for the machine itself may delete no resource.

    How long it waits is in an execution's input, of which ``input`` is that of a lifetime. The machine has no log
    group: Step Functions writes logs through a resource policy of the account, which no stack removes.

    Sources: on the role, https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html; on
    logs, https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        sandbox_name: str,
        stack_names: Sequence[str],
        lifetime: Duration,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        self._sandbox_name = sandbox_name
        self._topic = topic
        stack = Stack.of(self)
        self._stack_arns = [
            stack.format_arn(service="cloudformation", resource="stack", resource_name=f"{name}/*")
            for name in [*stack_names, stack.stack_name]
        ]
        seconds = int(lifetime.to_seconds())
        ahead = min(seconds, int(_WARNING.to_seconds()))
        self.input = json.dumps(
            {
                "warn_after_seconds": seconds - ahead,
                "delete_after_seconds": ahead,
                "poll_seconds": _POLL.to_seconds(),
                "pause_seconds": _PAUSE.to_seconds(),
            }
        )
        self.state_machine = sfn.StateMachine(
            self,
            "StateMachine",
            query_language=sfn.QueryLanguage.JSONATA,
            definition_body=sfn.DefinitionBody.from_chainable(self._definition(stack_names)),
            timeout=lifetime.plus(_TIME_TO_DELETE),
            removal_policy=RemovalPolicy.DESTROY,
        )
        no_tracing = "It calls one API after the other; the history of an execution has every call"
        acknowledge(
            self.state_machine,
            {
                "AwsSolutions-SF1": "The history of an execution says it; a log would leave a policy in the account",
                "AwsSolutions-SF2": no_tracing,
                "Serverless-StepFunctionStateMachineXray": no_tracing,
            },
        )
        by_name = "CloudFormation gives a stack its id; the name before it is exact"
        acknowledge_wildcard_resources(self.state_machine, dict.fromkeys(self._stack_arns, by_name))

    def _definition(self, stack_names: Sequence[str]) -> sfn.IChainable:
        delete = delete_each(self, self._stack_arns)
        left = "$join($failed.(stack & ': ' & reason), '\\n')"
        give_up = self._tell(
            "Tell what stays",
            "could not delete itself",
            f"{left} & '\\nIt does not try again: remove what is in the way, then run make destroy.'",
            then=sfn.Fail.jsonata(self, "Give up", error="StacksLeft", cause=f"{{% {left} %}}"),
        )
        pause = wait(self, "Pause", "pause_seconds")
        again = self._tell(
            "Tell what is left", "has stacks left", f"{left} & '\\nIt tries again in some minutes.'", then=pause
        )
        done = self._tell(
            "Tell that all are gone",
            "has deleted itself",
            "'Its stacks are gone. What services left behind: python -m practice sweep --aws'",
            then=call_cloudformation(
                self,
                "Delete the own stack",
                "DeleteStack",
                stack_name=Stack.of(self).stack_name,
                stack_arns=self._stack_arns,
            ),
        )
        until_end = wait(self, "Wait until the end", "delete_after_seconds")
        until_warning = wait(self, "Wait until the warning", "warn_after_seconds", stacks=stack_names, rounds=0)
        until_warning.next(
            self._tell(
                "Warn",
                "deletes itself within the hour",
                "'Deploy it again to restart its clock, or with sandbox:lifetime_hours=0 to keep it.'",
                then=until_end,
            )
        )
        until_end.next(delete)
        delete.next(
            sfn.Choice.jsonata(self, "Are all gone?")
            .when(sfn.Condition.jsonata("{% $count($failed) = 0 %}"), done)
            .when(sfn.Condition.jsonata(f"{{% $rounds < {_ROUNDS} %}}"), again)
            .otherwise(give_up)
        )
        pause.next(delete)
        return until_warning

    def _tell(self, construct_id: str, subject: str, message: str, *, then: sfn.IChainable) -> tasks.SnsPublish:
        """Tell the topic, and go on even if that fails."""
        notice = tasks.SnsPublish.jsonata(
            self,
            construct_id,
            topic=self._topic,
            subject=f"The sandbox {self._sandbox_name} {subject}",
            message=sfn.TaskInput.from_text(f"{{% {message} %}}"),
        )
        notice.add_catch(then)
        notice.next(then)
        return notice
