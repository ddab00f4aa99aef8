"""The subcommands of `stylequeue` and what they print."""
