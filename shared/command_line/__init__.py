"""What all commands share: options, output, and how they find a local stack."""
