"""The container that AWS publishes for XGBoost."""

from collections.abc import Mapping

from aws_cdk import Aws, CfnMapping
from constructs import Construct

VERSION = "3.2-0"
"""XGBoost 3.2.0 on Python 3.12, which AWS patches until 13 May 2027.

The version before it, 3.0-5, is patched no longer since 17 November 2026. AWS publishes both in the same regions from
the same accounts. What 3.2-0 has lost concerns no script of ours: its own reader takes no Pipe mode, but in script mode
SageMaker makes the pipe and the script reads it; and a script cannot be installed without a network, which jobs here
have.

Sources: https://github.com/aws/deep-learning-containers/tree/main/docs/src/data/sagemaker-xgboost (``eop``),
``docker/xgboost`` and ``test/xgboost/e2e/test_network_isolation.py`` there
"""

ACCOUNTS: Mapping[str, str] = {
    "af-south-1": "510948584623",
    "ap-east-1": "651117190479",
    "ap-northeast-1": "354813040037",
    "ap-northeast-2": "366743142698",
    "ap-northeast-3": "867004704886",
    "ap-south-1": "720646828776",
    "ap-south-2": "628508329040",
    "ap-southeast-1": "121021644041",
    "ap-southeast-2": "783357654285",
    "ap-southeast-3": "951798379941",
    "ap-southeast-4": "106583098589",
    "ca-central-1": "341280168497",
    "ca-west-1": "190319476487",
    "cn-north-1": "450853457545",
    "cn-northwest-1": "451049120500",
    "eu-central-1": "492215442770",
    "eu-central-2": "680994064768",
    "eu-north-1": "662702820516",
    "eu-south-1": "978288397137",
    "eu-south-2": "104374241257",
    "eu-west-1": "141502667606",
    "eu-west-2": "764974769150",
    "eu-west-3": "659782779980",
    "il-central-1": "898809789911",
    "me-central-1": "272398656194",
    "me-south-1": "801668240914",
    "sa-east-1": "737474898029",
    "us-east-1": "683313688378",
    "us-east-2": "257758044811",
    "us-gov-east-1": "237065988967",
    "us-gov-west-1": "414596584902",
    "us-iso-east-1": "833128469047",
    "us-isob-east-1": "281123927165",
    "us-isof-east-1": "108575199400",
    "us-isof-south-1": "124985052026",
    "us-west-1": "746614075791",
    "us-west-2": "246618743249",
}
"""AWS's own account that publishes the image in a region.

Source: sagemaker-core 2.27.0, sagemaker/core/image_uri_config/xgboost.json, training and inference, version 3.2-0
"""


class XGBoostImage(Construct):
    """Finds the image of SageMaker's XGBoost container in the region that is deployed to.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/ecr-us-east-1.html (a page for each region)
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        accounts = CfnMapping(
            self, "Accounts", mapping={region: {"account": account} for region, account in ACCOUNTS.items()}
        )
        account = accounts.find_in_map(Aws.REGION, "account")
        self.uri = f"{account}.dkr.ecr.{Aws.REGION}.{Aws.URL_SUFFIX}/sagemaker-xgboost:{VERSION}"
