"""What a sandbox left in the account, by service; what carries its tag can be deleted."""
