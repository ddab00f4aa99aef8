"""Parts of all commands: options, output, and how they find a local stack."""
