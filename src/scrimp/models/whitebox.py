"""A white-box model: a local GGUF file in PyTorch, or a random one of two layers for checks.

What stands behind `ctx.hidden`: hidden states, the best next tokens with their logits, and keys and values, of a text
that is read in one forward pass. The random model knows nothing; it shows that a method's machinery runs.
"""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio

from scrimp.core.errors import InputError, MissingExtra
from scrimp.core.protocols import Look
from scrimp.core.usage import Usage

RANDOM = "random"
"""Name of the random model of two layers."""
HIDDEN = 64
WINDOW = 2048
_REMEDY = "pip install 'scrimp[whitebox]'"


class WhiteBox:
    """A model whose inside can be seen; one text at a time, in a thread.

    Args:
        name: `small`, `gguf:NAME`, `gguf:FILE`, or `random`.
        home: `SCRIMP_HOME`.
        threads: what PyTorch may use.

    Raises:
        MissingExtra: PyTorch, transformers or gguf is not installed, or the model's file is not here.
    """

    def __init__(self, name: str, home: Path, threads: int = 1) -> None:
        self.name, self._home, self._threads = name, home, threads
        _check(name, home)
        self._loaded: tuple[Any, Any] | None = None
        self._busy = threading.Lock()

    async def read(self, text: str, look: Look) -> tuple[Mapping[str, Any], Usage]:
        """As `protocols.Hidden`; an empty text is read as the token that ends texts.

        Raises:
            InputError: the text is longer than the model's window.
        """
        return await anyio.to_thread.run_sync(self._read, text, look)

    def _read(self, text: str, look: Look) -> tuple[Mapping[str, Any], Usage]:
        import torch

        with self._busy, torch.no_grad():
            if self._loaded is None:
                self._loaded = load(self.name, self._home)
                self._loaded[0].eval()
            torch.set_num_threads(self._threads)
            model, tokenizer = self._loaded
            ids = tokenizer(text.encode("utf-8", "replace").decode())["input_ids"] or [tokenizer.eos_token_id]
            if len(ids) > model.config.max_position_embeddings:
                raise InputError(f"{self.name} reads {model.config.max_position_embeddings} tokens, not {len(ids)}")
            seen = model(input_ids=torch.tensor([ids]), output_hidden_states=True, use_cache=look.cache)
            states = seen.hidden_states[-1][0]
            found: dict[str, Any] = {"states": (states if look.states == "all" else states[-1:]).numpy()}
            if look.top:
                logits = seen.logits[0, -1]
                best = torch.topk(logits, min(look.top, logits.shape[0]))
                found["tokens"] = [tokenizer.decode([token]) for token in best.indices.tolist()]
                found["logits"], found["lse"] = best.values.numpy(), float(torch.logsumexp(logits, 0))
            if look.cache:
                layers = [torch.stack((layer.keys[0], layer.values[0])) for layer in seen.past_key_values.layers]
                found["cache"] = torch.stack(layers).numpy()
        return found, Usage(input=len(ids))


def load(name: str, home: Path) -> tuple[Any, Any]:
    """Model and tokenizer of `small`, `gguf:NAME` or `gguf:FILE` in float32, or of `random`.

    Raises:
        MissingExtra: PyTorch, transformers or gguf is not installed, or the model's file is not here.
    """
    _check(name, home)
    return _random() if name == RANDOM else _of_gguf(name, home)


def _check(name: str, home: Path) -> None:
    for package in ("torch", "transformers", "tokenizers", *(() if name == RANDOM else ("gguf", "accelerate"))):
        if importlib.util.find_spec(package) is None:
            raise MissingExtra(f"a white-box model needs the package {package}", remedy=_REMEDY)
    if name != RANDOM:
        from scrimp.models.weights import find

        find(name, home)


def _of_gguf(name: str, home: Path) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from scrimp.models.weights import find

    path = find(name, home)
    where = {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name, "local_files_only": True}
    tokenizer = AutoTokenizer.from_pretrained(**where)
    read = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32)
    config = read.config
    if hasattr(config, "quantization_config"):  # its weights are plain numbers by now, and may be trained and saved
        del config.quantization_config
    model = type(read)(config)
    model.load_state_dict(read.state_dict())
    return model, tokenizer


def _random() -> tuple[Any, Any]:
    """Two layers over bytes, the same weights everywhere."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: number for number, letter in enumerate(["<end>", *alphabet])}
    letters = Tokenizer(models.BPE(vocabulary, []))
    letters.pre_tokenizer, letters.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=letters, pad_token="<end>", eos_token="<end>")
    before = torch.random.get_rng_state()
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(vocabulary), hidden_size=HIDDEN, intermediate_size=2 * HIDDEN, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=WINDOW, pad_token_id=0, eos_token_id=0,
        bos_token_id=None,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    torch.random.set_rng_state(before)
    return model, tokenizer
