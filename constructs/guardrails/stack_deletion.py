"""How a state machine deletes stacks: through CloudFormation's API, and without a function."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct


def wait(scope: Construct, construct_id: str, seconds: str, **assign: Any) -> sfn.Wait:
    """Wait for as many seconds as the execution's input says under this name."""
    given = f"{{% $states.context.Execution.Input.{seconds} %}}"
    return sfn.Wait.jsonata(scope, construct_id, time=sfn.WaitTime.seconds(given), assign=assign or None)


def call_cloudformation(
    scope: Construct, construct_id: str, action: str, *, stack_name: str, stack_arns: Sequence[str], **more: Any
) -> tasks.CallAwsService:
    """Call CloudFormation about a stack, with the permission to do so on these stacks alone."""
    return tasks.CallAwsService.jsonata(
        scope,
        construct_id,
        service="cloudformation",
        action=action[0].lower() + action[1:],
        iam_action=f"cloudformation:{action}",
        iam_resources=stack_arns,
        parameters={"StackName": stack_name},
        **more,
    )


def delete_each(scope: Construct, stack_arns: Sequence[str]) -> sfn.Map:
    """Delete ``$stacks`` one after the other, each when the one before is gone or has failed.

    Afterwards ``$failed`` and ``$stacks`` are those that are not gone, the former with the reasons, and ``$rounds`` is
    one more. A stack is gone when CloudFormation says that it does not exist, which only the message tells: the API
    has no error of its own for it. Whatever else becomes of a stack is a failure: one whose deletion is refused
    returns to the status it had, such as CREATE_COMPLETE, for the sake of an export that is in use.

    Sources: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html,
    https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html,
    https://github.com/boto/botocore/issues/2590
    """
    stack = "{% $states.input %}"
    call = partial(call_cloudformation, scope, stack_name=stack, stack_arns=stack_arns, outputs=stack)
    delete = call("Delete", "DeleteStack")
    poll = wait(scope, "Wait for the deletion", "poll_seconds")
    look = call(
        "Look",
        "DescribeStacks",
        assign={
            "status": "{% $states.result.Stacks[0].StackStatus %}",
            "reason": "{% $states.result.Stacks[0].(StackStatus & ' ' & StackStatusReason) %}",
        },
    )
    gone = sfn.Pass.jsonata(scope, "Gone", outputs={"stack": stack, "gone": True})
    failed = sfn.Pass.jsonata(scope, "Failed", outputs={"stack": stack, "gone": False, "reason": "{% $reason %}"})
    error = "$states.errorOutput.(Error & ' ' & Cause)"
    settled = (
        sfn.Choice.jsonata(scope, "What became of it?")
        .when(sfn.Condition.jsonata("{% $status = 'DELETE_IN_PROGRESS' %}"), poll)
        .when(sfn.Condition.jsonata("{% $status = 'DELETE_COMPLETE' %}"), gone)
        .otherwise(failed)
    )
    delete.add_catch(failed, outputs=stack, assign={"reason": f"{{% {error} %}}"})
    look.add_catch(
        settled,
        outputs=stack,
        assign={
            "status": f"{{% $contains({error}, 'does not exist') ? 'DELETE_COMPLETE' : 'UNKNOWN' %}}",
            "reason": f"{{% {error} %}}",
        },
    )
    return sfn.Map.jsonata(
        scope,
        "Delete the stacks",
        items=sfn.ProvideItems.jsonata("{% $stacks %}"),
        max_concurrency=1,
        assign={
            "failed": "{% [$states.result[gone = false]] %}",
            "stacks": "{% [$states.result[gone = false].stack] %}",
            "rounds": "{% $rounds + 1 %}",
        },
    ).item_processor(delete.next(poll).next(look).next(settled))
