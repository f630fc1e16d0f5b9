"""Which section of the study guide a construct illustrates."""

from aws_cdk import Tags
from constructs import IConstruct

METADATA = "guide"


def illustrates(construct: IConstruct, section: str) -> None:
    """Tag what lies under the construct with the guide's section, and note it for the map in the docs.

    The innermost section wins, so a stack names the section of all that says nothing closer.
    """
    Tags.of(construct).add("guide", section)
    construct.node.add_metadata(METADATA, section)
