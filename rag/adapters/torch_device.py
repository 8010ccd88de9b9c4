"""Where torch runs a model, and in which precision: imported only where a model is opened."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class TorchDevice:
    """A device by torch's name, and the type that weights have on it."""

    name: str
    dtype: torch.dtype


def best_device() -> TorchDevice:
    """A GPU in half precision where there is one, else the CPU in float32."""
    if torch.cuda.is_available():
        return TorchDevice("cuda", torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16)
    return TorchDevice("cpu", torch.float32)
