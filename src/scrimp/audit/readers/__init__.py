"""One file per trace format: how to tell it, and how its runs become Traces."""
