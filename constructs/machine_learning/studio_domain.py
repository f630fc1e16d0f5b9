"""The Studio domain and its users."""

from collections.abc import Sequence

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from machine_learning.instance_types import StudioInstanceType
from machine_learning.studio_instance_types import hidden_instance_types
from machine_learning.studio_network import StudioNetwork

_IDLE_MINUTES = 60
"""The shortest time after which SageMaker shuts down an idle app."""

_VOLUME_GB = 5
_LARGEST_VOLUME_GB = 20


class StudioDomain(Construct):
    """A domain that costs nothing while nobody works in it and leaves nothing when it is deleted.

    - There is no home file system: SageMaker would leave it and its security groups behind, and they would keep
      the VPC from being deleted. Work is kept on the volume of a space, which is small.
    - JupyterLab and Code Editor shut down after an idle hour, in the spaces of users and in shared ones. Shortest
      and longest time are the same hour, so nobody can set another or switch it off.
    - Instance types that the learner's role may not start are hidden.
    - What learners start carries the tags of the domain.

    `AuthMode`, `DomainName` and `KmsKeyId` replace the domain when they change, with all that lies in its spaces.

    Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/studio-updated-idle-shutdown.html,
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-sagemaker-domain.html,
    https://docs.aws.amazon.com/sagemaker/latest/dg/custom-tags.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        sandbox_name: str,
        users: Sequence[str],
        network: StudioNetwork,
        execution_role: iam.IRole,
        instance_types: Sequence[StudioInstanceType],
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, construct_id)
        jupyter_lab = sagemaker.CfnDomain.JupyterLabAppSettingsProperty(
            default_resource_spec=_default(instance_types), app_lifecycle_management=_idle_shutdown()
        )
        security_groups = [network.endpoints.apps.security_group_id] if network.endpoints else None
        domain = sagemaker.CfnDomain(
            self,
            "Domain",
            domain_name=sandbox_name,
            auth_mode="IAM",
            app_network_access_type="VpcOnly" if network.endpoints else "PublicInternetOnly",
            vpc_id=network.vpc.vpc_id,
            subnet_ids=[subnet.subnet_id for subnet in network.vpc.isolated_subnets],
            kms_key_id=key.key_arn,
            home_efs_file_system_creation="Disabled",
            tag_propagation="ENABLED",
            default_user_settings=sagemaker.CfnDomain.UserSettingsProperty(
                execution_role=execution_role.role_arn,
                security_groups=security_groups,
                auto_mount_home_efs="Disabled",
                studio_web_portal="ENABLED",
                default_landing_uri="studio::",
                studio_web_portal_settings=sagemaker.CfnDomain.StudioWebPortalSettingsProperty(
                    hidden_instance_types=hidden_instance_types(instance_types)
                ),
                jupyter_lab_app_settings=jupyter_lab,
                code_editor_app_settings=sagemaker.CfnDomain.CodeEditorAppSettingsProperty(
                    default_resource_spec=_default(instance_types), app_lifecycle_management=_idle_shutdown()
                ),
                space_storage_settings=_small_volumes(),
            ),
            default_space_settings=sagemaker.CfnDomain.DefaultSpaceSettingsProperty(
                execution_role=execution_role.role_arn,
                security_groups=security_groups,
                jupyter_lab_app_settings=jupyter_lab,
                space_storage_settings=_small_volumes(),
            ),
        )
        self.id = domain.attr_domain_id
        self.url = domain.attr_url
        self.user_profiles = [
            sagemaker.CfnUserProfile(
                self,
                f"User-{user}",
                domain_id=self.id,
                user_profile_name=user,
                user_settings=sagemaker.CfnUserProfile.UserSettingsProperty(
                    security_groups=[network.endpoints.of_user[user].security_group_id]
                )
                if network.endpoints
                else None,
            )
            for user in users
        ]


def _default(instance_types: Sequence[StudioInstanceType]) -> sagemaker.CfnDomain.ResourceSpecProperty:
    return sagemaker.CfnDomain.ResourceSpecProperty(instance_type=instance_types[0])


def _idle_shutdown() -> sagemaker.CfnDomain.AppLifecycleManagementProperty:
    return sagemaker.CfnDomain.AppLifecycleManagementProperty(
        idle_settings=sagemaker.CfnDomain.IdleSettingsProperty(
            lifecycle_management="ENABLED",
            idle_timeout_in_minutes=_IDLE_MINUTES,
            min_idle_timeout_in_minutes=_IDLE_MINUTES,
            max_idle_timeout_in_minutes=_IDLE_MINUTES,
        )
    )


def _small_volumes() -> sagemaker.CfnDomain.DefaultSpaceStorageSettingsProperty:
    return sagemaker.CfnDomain.DefaultSpaceStorageSettingsProperty(
        default_ebs_storage_settings=sagemaker.CfnDomain.DefaultEbsStorageSettingsProperty(
            default_ebs_volume_size_in_gb=_VOLUME_GB, maximum_ebs_volume_size_in_gb=_LARGEST_VOLUME_GB
        )
    )
