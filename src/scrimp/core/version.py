"""The version of scrimp, in one place."""

VERSION = "0.1.0"
