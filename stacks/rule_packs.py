"""The rule packs that `cdk synth` enforces."""

from cdk_nag import AwsSolutionsChecks, NagPack, ServerlessChecks

from guardrails.sandbox_checks import SandboxChecks

ENFORCED: tuple[type[NagPack], ...] = (AwsSolutionsChecks, ServerlessChecks, SandboxChecks)
