"""The options by which a command says who words answers; `evals.wording` makes a value of them."""

from typing import Annotated, Literal, TypeAlias

import typer

from rag.decoding import AnswerMode

GeneratorOption: TypeAlias = Annotated[
    Literal["extractive", "vllm"],
    typer.Option(help="Who words the answers; vllm is the language model that ATTEST_LLM_URLS names."),
]
ProfileOption: TypeAlias = Annotated[str, typer.Option(help="The rules that the language model gets.")]
ModeOption: TypeAlias = Annotated[
    AnswerMode, typer.Option(help="How the language model names its sources: in the text, or by a schema.")
]
DecodingOption: TypeAlias = Annotated[
    str,
    typer.Option(
        help="How the language model chooses its words, as in a request: "
        '\'{"temperature": 0.7, "samples": 4}\'. What is left out is greedy.'
    ),
]
