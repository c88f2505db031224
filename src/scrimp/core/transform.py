"""Transforms: pure rewritings of a request, written once for the run, the audit and the proxy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from scrimp.core.messages import Request
from scrimp.core.usage import NO_USAGE, Usage


@runtime_checkable
class Transform(Protocol):
    """Rewrites a request without calling a model.

    What calls a model to rewrite (a rolling summary) is a ContextPolicy.
    """

    def apply(self, request: Request) -> Request:
        """The rewritten request; the same object where nothing changed."""
        ...

    def cost(self, request: Request) -> Usage:
        """Tokens the rewriting itself spends; none for most."""
        ...


def apply_all(transforms: Iterable[Transform], request: Request) -> tuple[Request, Usage]:
    """Apply transforms in order; the request and the tokens they spent together."""
    spent = NO_USAGE
    for transform in transforms:
        spent = spent + transform.cost(request)
        request = transform.apply(request)
    return request, spent
