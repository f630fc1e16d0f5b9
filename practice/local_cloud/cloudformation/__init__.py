"""CloudFormation: custom resources, and what MiniStack lacks of stacks."""
