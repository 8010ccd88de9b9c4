"""A real vLLM server with a tiny model of random weights, started and stopped by tests."""

import json
import os
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from rag.adapters.packaged_minilm import package_folder

MODEL, KEY = "tiny", "s3cret"
CONTEXT_TOKENS = 2_048
START_SECONDS = 240  # a bound for a broken server; it takes about 40
CHAT_OPTIONS = (
    "--max-model-len",
    str(CONTEXT_TOKENS),
    "--structured-outputs-config",
    '{"backend":"xgrammar","disable_any_whitespace":true}',
)
POOLING_OPTIONS = ("--runner", "pooling")
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@dataclass
class VllmServer:
    """One server process on a port of its own."""

    program: str
    model: Path
    log: Path
    options: tuple[str, ...]
    port: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Without /v1."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start and wait until it answers; on the port it had before, if it had one."""
        self.port = self.port or _free_port()
        command = [self.program, "serve", str(self.model), "--served-model-name", MODEL]
        command += ["--dtype", "float32", "--enforce-eager", *self.options]
        command += ["--host", "127.0.0.1", "--port", str(self.port), "--api-key", KEY]
        own = {
            "VLLM_CPU_KVCACHE_SPACE": "1",
            "VLLM_NO_USAGE_STATS": "1",
            "HF_HUB_OFFLINE": "1",
            "TORCHDYNAMO_DISABLE": "1",  # else the first request with log probabilities compiles for 16 s
        }
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, env=kept | own, stdout=log, stderr=log, start_new_session=True
            )
        end = time.monotonic() + START_SECONDS
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > end:
                self.kill()
                pytest.fail(f"vLLM did not start:\n{self.log.read_text(errors='replace')[-3_000:]}")
            time.sleep(0.5)

    def kill(self) -> None:
        """As a crash would, with its children."""
        if self.process is not None:
            with suppress(ProcessLookupError):  # it ended by itself
                os.killpg(self.process.pid, 9)
            self.process.wait()

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        lines = httpx.get(f"{self.url}/metrics").text.splitlines()
        return sum(
            float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name}{{", f"{name} "))
        )

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=2).is_success
        except httpx.HTTPError:
            return False


def random_model(folder: Path) -> Path:
    """1.3 million random parameters in the shape of Qwen2, with a byte-level vocabulary of the handbook."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=4_096, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    pages = sorted((Path(__file__).parents[2] / "docs").rglob("*.md"))
    tokenizer.train([str(page) for page in pages], trainer)
    fast = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )
    fast.chat_template = CHAT_TEMPLATE
    fast.save_pretrained(folder)
    torch.manual_seed(1)
    config = Qwen2Config(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT_TOKENS,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.token_to_id("<|im_end|>"),
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    generation = {"eos_token_id": config.eos_token_id}
    (folder / "generation_config.json").write_text(json.dumps(generation))
    return folder


def random_cross_encoder(folder: Path) -> Path:
    """A small BERT with one label and random weights, and the vocabulary of the packaged embedding model."""
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=30_522,
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=128,
        num_labels=1,  # type: ignore[call-arg]  # every configuration of transformers has it
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"):
        shutil.copy(package_folder() / name, folder / name)
    return folder


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
