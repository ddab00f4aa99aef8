"""The subcommands of `stylequeue` and their output."""
