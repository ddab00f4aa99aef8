"""Parts of all commands: options, output, and the local stack that they find."""
