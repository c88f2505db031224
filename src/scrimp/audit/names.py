"""Models by scrimp's names, from the many ways in which records write them."""

from __future__ import annotations

import re
from functools import lru_cache

PROVIDERS = {"openai": "openai", "azure": "openai", "azure_openai": "openai", "azure-openai": "openai",
             "az.ai.openai": "openai", "azure.ai.openai": "openai", "openai-chat": "openai", "anthropic": "anthropic",
             "bedrock": "", "aws.bedrock": "", "vertex": "", "vertex_ai": "", "google": "google", "gemini": "google",
             "gcp.gemini": "google", "gcp.vertex_ai": "google", "google_vertexai": "google", "google_genai": "google",
             "deepseek": "deepseek", "mistral": "mistral", "mistralai": "mistral", "mistral_ai": "mistral",
             "qwen": "qwen", "openrouter": "", "litellm": "", "together": ""}  # fmt: skip
"""Our prefix by what records call a provider; empty where it serves models of many makers."""

MAKERS = (
    (r"claude", "anthropic"),
    (r"gpt-|chatgpt|o[1345](-|$)|codex-mini|text-embedding|davinci", "openai"),
    (r"gemini|gemma", "google"),
    (r"deepseek", "deepseek"),
    (r"mistral|ministral|codestral|magistral|pixtral|devstral|mixtral", "mistral"),
    (r"qwen", "qwen"),
)
"""Our prefix by how a model's name begins."""

_DECORATION = re.compile(r"^(us|eu|apac|jp|global)\.|^(anthropic|meta|mistral|amazon)\.|-v\d+:\d+$|@\d{8}$")
IN_A_NAME = re.compile(
    r"(?<![a-z0-9])(gpt-[345][a-z0-9.]*(?:-(?:mini|nano|turbo|pro|codex))*|claude-[a-z0-9-]+?\d(?:-\d)?(?!\d)|"
    r"gemini-[0-9.]+-[a-z]+(?:-lite)?|deepseek-(?:chat|reasoner|v[0-9.]+))"
)


@lru_cache(maxsize=1024)
def model_name(raw: str, provider: str = "") -> str:
    """`openai:gpt-4o` for `gpt-4o`, `openai/gpt-4o`, `azure:gpt-4o`; a name nobody knows stays as it is.

    Args:
        provider: what the record says of who served it.
    """
    name = raw.strip()
    for mark in ("/", ":"):
        head, found, rest = name.partition(mark)
        if found and head.lower() in PROVIDERS:
            provider, name = head, rest
    bare = name
    while (shorter := _DECORATION.sub("", bare)) != bare:
        bare = shorter
    if not bare:
        return ""
    last = bare.rpartition("/")[2]
    maker = next((ours for pattern, ours in MAKERS if re.match(pattern, last.lower())), "")
    prefix = PROVIDERS.get(provider.lower(), "") or maker
    return f"{prefix}:{last if maker else bare}" if prefix else bare


def named_in(text: str) -> str:
    """The model that a file's name speaks of, as `tau_bench_gpt-4o_airline.jsonl` does; empty where it names none."""
    found = IN_A_NAME.search(text.lower())
    return model_name(found[0]) if found else ""
