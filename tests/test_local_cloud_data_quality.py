"""Rulesets of Glue Data Quality in the local cloud: the API and the CloudFormation type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from jobs.quality.compile import RULESETS, Ruleset, dqdl
from practice.local_cloud.lifecycle import LocalCloud
from tests.conftest import Deploy, DeploymentError

RULES = 'Rules = [ RowCount > 0, IsComplete "id" ]'


@pytest.fixture
def glue(local_cloud: LocalCloud) -> Iterator[Any]:
    """A client that leaves no ruleset behind."""
    client = local_cloud.client("glue")
    yield client
    for ruleset in client.list_data_quality_rulesets()["Rulesets"]:
        client.delete_data_quality_ruleset(Name=ruleset["Name"])


def create(glue: Any, name: str = "", **properties: Any) -> str:
    name = name or f"ruleset-{uuid4().hex[:8]}"
    answer = glue.create_data_quality_ruleset(Name=name, **{"Ruleset": RULES, **properties})
    return str(answer["Name"])


def test_a_ruleset_is_kept_as_it_was_written(glue: Any) -> None:
    table = {"DatabaseName": "raw", "TableName": "customers"}
    name = create(glue, Description="what", TargetTable=table)
    kept = glue.get_data_quality_ruleset(Name=name)
    assert kept.items() >= {"Name": name, "Ruleset": RULES, "Description": "what", "TargetTable": table}.items()
    assert kept["CreatedOn"] == kept["LastModifiedOn"]


@pytest.mark.parametrize("ruleset", RULESETS, ids=lambda ruleset: ruleset.name)
def test_the_projects_rulesets_are_taken(glue: Any, ruleset: Ruleset) -> None:
    name = create(glue, Ruleset=dqdl(ruleset))
    assert glue.get_data_quality_ruleset(Name=name)["Ruleset"] == dqdl(ruleset)


def test_a_ruleset_that_could_not_be_evaluated_is_refused(glue: Any) -> None:
    with pytest.raises(ClientError, match="cannot evaluate rules of type 'Mean'; it can: ColumnLength") as refusal:
        create(glue, "bad", Ruleset='Rules = [ Mean "x" > 1 ]')
    assert refusal.value.response["Error"]["Code"] == "InvalidInputException"
    name = create(glue)
    with pytest.raises(ClientError, match="line 1 of the ruleset"):
        glue.update_data_quality_ruleset(Name=name, Ruleset="Rules")
    assert glue.get_data_quality_ruleset(Name=name)["Ruleset"] == RULES


def test_a_name_is_taken_once(glue: Any) -> None:
    name = create(glue)
    with pytest.raises(glue.exceptions.AlreadyExistsException):
        create(glue, name)


def test_an_update_changes_what_it_names(glue: Any) -> None:
    name = create(glue, Description="before")
    glue.update_data_quality_ruleset(Name=name, Ruleset="Rules = [ RowCount > 9 ]")
    kept = glue.get_data_quality_ruleset(Name=name)
    assert (kept["Ruleset"], kept["Description"]) == ("Rules = [ RowCount > 9 ]", "before")
    assert kept["LastModifiedOn"] > kept["CreatedOn"]


def test_what_does_not_exist_is_not_found(glue: Any) -> None:
    name = create(glue)
    glue.delete_data_quality_ruleset(Name=name)
    for operation in (
        glue.get_data_quality_ruleset,
        glue.update_data_quality_ruleset,
        glue.delete_data_quality_ruleset,
    ):
        with pytest.raises(glue.exceptions.EntityNotFoundException):
            operation(Name=name)


def test_a_list_has_pages_and_counts_the_rules(glue: Any) -> None:
    names = sorted(create(glue) for _ in range(3))
    pages = [glue.list_data_quality_rulesets(MaxResults=2)]
    pages.append(glue.list_data_quality_rulesets(MaxResults=2, NextToken=pages[0]["NextToken"]))
    listed = [ruleset for page in pages for ruleset in page["Rulesets"]]
    assert [ruleset["Name"] for ruleset in listed] == names
    assert {ruleset["RuleCount"] for ruleset in listed} == {2}
    assert "NextToken" not in pages[1]


def test_a_list_is_filtered_by_table_and_tags(glue: Any) -> None:
    table = {"DatabaseName": "raw", "TableName": "customers"}
    name = create(glue, TargetTable=table, Tags={"team": "data"})
    create(glue)
    for chosen in ({"Filter": {"TargetTable": table}}, {"Filter": {"Name": name}}, {"Tags": {"team": "data"}}):
        assert [found["Name"] for found in glue.list_data_quality_rulesets(**chosen)["Rulesets"]] == [name]
    with pytest.raises(ClientError, match="does not filter rulesets by Description"):
        glue.list_data_quality_rulesets(Filter={"Description": "x"})


def template(**properties: Any) -> dict[str, Any]:
    return {"Rules": {"Type": "AWS::Glue::DataQualityRuleset", "Properties": {"Ruleset": RULES, **properties}}}


def test_a_stack_creates_updates_and_deletes_a_ruleset(local_cloud: LocalCloud, deploy: Deploy) -> None:
    glue, stack = local_cloud.client("glue"), f"rules-{uuid4().hex[:8]}"
    table = {"DatabaseName": "raw", "TableName": "customers"}
    name = deploy(template(Name=stack, TargetTable=table, Tags={"a": "1", "b": "2"}), stack)["Rules"]
    assert name == stack
    assert glue.get_data_quality_ruleset(Name=name)["TargetTable"] == table
    changed = template(Name=stack, TargetTable=table, Ruleset="Rules = [ RowCount > 9 ]", Tags={"a": "3"})
    assert deploy(changed, stack)["Rules"] == name
    assert glue.get_data_quality_ruleset(Name=name)["Ruleset"] == "Rules = [ RowCount > 9 ]"
    arn = f"arn:aws:glue:us-east-1:000000000000:dataQualityRuleset/{name}"
    own = {key: value for key, value in glue.get_tags(ResourceArn=arn)["Tags"].items() if not key.startswith("aws:")}
    assert own == {"a": "3"}
    deploy({"Other": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}, stack)
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_data_quality_ruleset(Name=name)


def test_a_stack_with_a_ruleset_that_cannot_be_evaluated_fails(deploy: Deploy) -> None:
    with pytest.raises(DeploymentError, match="cannot evaluate rules of type 'Entropy'"):
        deploy(template(Ruleset='Rules = [ Entropy "x" > 1 ]'))


def test_a_stack_cannot_move_a_ruleset_to_another_table(deploy: Deploy) -> None:
    stack = f"rules-{uuid4().hex[:8]}"
    deploy(template(TargetTable={"DatabaseName": "raw", "TableName": "a"}), stack)
    with pytest.raises(DeploymentError, match=r"TargetTable of ruleset .* cannot change"):
        deploy(template(TargetTable={"DatabaseName": "raw", "TableName": "b"}), stack)
