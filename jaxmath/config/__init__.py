"""Configs: from a TOML file to a validated study, or to sentences that say what is wrong."""
