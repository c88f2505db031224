"""The schema of the answer cache, as numbered SQL files."""
