"""The `fastbert` command: one thin file a subcommand, calling recipes."""
