"""As whom the API server knows the caller.

Asks the API server itself; what a kubeconfig claims is not believed.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from goaround.world.kube import Api, Body


async def review(api: "Api") -> "Body":
    """The answer to a SelfSubjectReview; {} where the API server does not give one. Raises
    Unauthenticated, Unavailable."""
    from goaround.api.resources import SELF_REVIEWS
    from goaround.world.kube import NotFound, Refused, Unauthenticated

    body = {"apiVersion": SELF_REVIEWS.api_version, "kind": SELF_REVIEWS.kind}
    try:
        return await api.create(SELF_REVIEWS, "", body)
    except Unauthenticated:
        raise
    except (NotFound, Refused):
        return {}


def user_of(told: "Body") -> "Body":
    """`username`, `groups`, … of a review."""
    found: Body = (told.get("status") or {}).get("userInfo") or {}
    return found
