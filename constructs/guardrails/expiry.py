"""The end of a sandbox that was deployed for some hours only."""

import json
from collections.abc import Sequence
from typing import Any

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from guardrails.acknowledge import acknowledge, acknowledge_wildcard_resources

_WARNING = Duration.hours(1)
_POLL = Duration.seconds(30)
_PAUSE = Duration.minutes(10)
_ROUNDS = 3
_TIME_TO_DELETE = Duration.days(1)


class Expiry(Construct):
    """A state machine that waits, warns an hour ahead, and deletes these stacks in this order, its own at the end.

    It waits until one is gone before it goes on to the next. Whatever else becomes of a stack counts as failed: a
    deletion that CloudFormation refuses leaves the stack as it was, in CREATE_COMPLETE for example. The others are
    deleted all the same; then the topic is told which stacks are left and why, and they are tried again. After three
    rounds the execution fails, and the stack of this machine stays. What it could not tell does not keep it from
    deleting.

    It may delete and describe these stacks alone. The resources are deleted by the role with which each stack was
    deployed, since DeleteStack names none: the CDK CLI deploys with a role of ``cdk bootstrap``, which no stack here
    takes away. A stack that was deployed without one is not deleted, for the machine itself may delete no resource.

    How long it waits is in an execution's input, of which ``input`` is that of a lifetime. An execution has no log
    group: Step Functions writes logs through a resource policy of the account, which no stack removes.

    Sources: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html on the role,
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html on what is gone,
    https://github.com/boto/botocore/issues/2590 on what is refused, and on the names of errors
    https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
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
        delete = self._delete_each()
        left = "$join($failed.(stack & ': ' & reason), '\\n')"
        give_up = self._tell(
            "Tell what stays",
            "could not delete itself",
            f"{left} & '\\nIt does not try again: remove what is in the way, then run make destroy.'",
            then=sfn.Fail.jsonata(self, "Give up", error="StacksLeft", cause=f"{{% {left} %}}"),
        )
        pause = self._wait("Pause", "pause_seconds")
        again = self._tell(
            "Tell what is left", "has stacks left", f"{left} & '\\nIt tries again in some minutes.'", then=pause
        )
        done = self._tell(
            "Tell that all are gone",
            "has deleted itself",
            "'Its stacks are gone. What services left behind: python -m practice sweep --aws'",
            then=self._cloudformation("Delete the own stack", "DeleteStack", Stack.of(self).stack_name),
        )
        until_end = self._wait("Wait until the end", "delete_after_seconds")
        until_warning = self._wait("Wait until the warning", "warn_after_seconds", stacks=stack_names, rounds=0)
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

    def _delete_each(self) -> sfn.Map:
        """A round: one stack after the other; ``failed`` is then those that are not gone, each with the reason."""
        delete = self._cloudformation("Delete", "DeleteStack", "{% $states.input %}", outputs="{% $states.input %}")
        poll = self._wait("Wait for the deletion", "poll_seconds")
        look = self._cloudformation(
            "Look",
            "DescribeStacks",
            "{% $states.input %}",
            outputs="{% $states.input %}",
            assign={
                "status": "{% $states.result.Stacks[0].StackStatus %}",
                "reason": "{% $states.result.Stacks[0].(StackStatus & ' ' & StackStatusReason) %}",
            },
        )
        gone = sfn.Pass.jsonata(self, "Gone", outputs={"stack": "{% $states.input %}", "gone": True})
        failed = sfn.Pass.jsonata(
            self, "Failed", outputs={"stack": "{% $states.input %}", "gone": False, "reason": "{% $reason %}"}
        )
        error = "$states.errorOutput.(Error & ' ' & Cause)"
        settled = (
            sfn.Choice.jsonata(self, "What became of it?")
            .when(sfn.Condition.jsonata("{% $status = 'DELETE_IN_PROGRESS' %}"), poll)
            .when(sfn.Condition.jsonata("{% $status = 'DELETE_COMPLETE' %}"), gone)
            .otherwise(failed)
        )
        delete.add_catch(failed, outputs="{% $states.input %}", assign={"reason": f"{{% {error} %}}"})
        look.add_catch(
            settled,
            outputs="{% $states.input %}",
            assign={
                "status": f"{{% $contains({error}, 'does not exist') ? 'DELETE_COMPLETE' : 'UNKNOWN' %}}",
                "reason": f"{{% {error} %}}",
            },
        )
        return sfn.Map.jsonata(
            self,
            "Delete the stacks",
            items=sfn.ProvideItems.jsonata("{% $stacks %}"),
            max_concurrency=1,
            assign={
                "failed": "{% [$states.result[gone = false]] %}",
                "stacks": "{% [$states.result[gone = false].stack] %}",
                "rounds": "{% $rounds + 1 %}",
            },
        ).item_processor(delete.next(poll).next(look).next(settled))

    def _wait(self, construct_id: str, seconds: str, **assign: Any) -> sfn.Wait:
        given = f"{{% $states.context.Execution.Input.{seconds} %}}"
        return sfn.Wait.jsonata(self, construct_id, time=sfn.WaitTime.seconds(given), assign=assign or None)

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

    def _cloudformation(self, construct_id: str, action: str, stack_name: str, **more: Any) -> tasks.CallAwsService:
        return tasks.CallAwsService.jsonata(
            self,
            construct_id,
            service="cloudformation",
            action=action[0].lower() + action[1:],
            iam_action=f"cloudformation:{action}",
            iam_resources=self._stack_arns,
            parameters={"StackName": stack_name},
            **more,
        )
