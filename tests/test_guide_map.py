"""The map from the guide to the code."""

import re

from docs.guide_map import PAGE, current_page
from tests.synthesis import ROOT, synthesize


def test_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == current_page(), "run `make docs`"


def test_names_every_resource_type_of_the_sandbox() -> None:
    page = PAGE.read_text(encoding="utf-8")
    made_by_the_cdk = {"Custom::S3AutoDeleteObjects", "Custom::VpcRestrictDefaultSG", "AWS::CDK::Metadata"}
    types = {resource.type for stack in synthesize("kinesis").values() for resource in stack.all()} - made_by_the_cdk
    assert types
    assert [type_ for type_ in types if type_ not in page] == []


def test_links_to_files_that_exist() -> None:
    links = re.findall(r"\]\(\.\./([^)]+)\)", PAGE.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (ROOT / link).is_file()] == []
