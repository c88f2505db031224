"""The oracle's table beyond the commonest prompts, a file for each room whose methods ask them."""

from scrimp.evaluate.oracle_says import graphs, memory, search, team, tools

__all__ = ["graphs", "memory", "search", "team", "tools"]
