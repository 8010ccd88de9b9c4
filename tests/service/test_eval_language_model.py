"""Evals of answers that a language model words, from the questions to a calibrator that is in force."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from scripted_llm import Body, Said, ScriptedModel, as_json, error, serving, source_with
from service.devices import Fact, documents, facts
from typer.testing import CliRunner, Result

from evals.commands import eval_
from evals.records import RunFolder
from ingest.wiring import open_ingestion
from rag.adapters.packaged_minilm import PackagedMiniLM
from rag.adapters.packaged_reader import PackagedReader
from rag.decoding import Decoding
from rag.errors import ConflictError, InvalidRequestError, ModelUnavailableError
from rag.settings import load_settings
from rag.wiring import open_system

FACTS = {fact.question: fact for fact in facts()}
SAMPLED = '{"temperature": 0.7, "samples": 2}'


def fact_of(body: Body) -> Fact:
    """What a prompt asks."""
    return FACTS[body["messages"][-1]["content"].rsplit("\n\n", 1)[1].split("：")[-1].split(": ")[-1]]


def in_shape(body: Body, sentence: str, source: str) -> str:
    """The sentence with the source that holds some words, in the shape that the prompt asks for."""
    number = source_with(body, source)
    return as_json((sentence, [number])) if "structured_outputs" in body else f"{sentence} [{number}]"


def rightly(body: Body) -> list[Said]:
    sentence = fact_of(body).sentence
    return [Said(in_shape(body, sentence, sentence))] * body["n"]


@pytest.fixture(autouse=True, scope="module")
def loaded_once() -> Iterator[None]:
    """Every command opens a system of its own; the models in it are those of this process."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("rag.wiring.PackagedReader", cache(PackagedReader))
        patched.setattr("rag.wiring.PackagedMiniLM", cache(PackagedMiniLM))
        yield


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    with open_system(load_settings(folder)) as system:
        ingestion = open_ingestion(system)
        ingestion.add_texts(documents(facts()), "devices", source="test", report=lambda _: None)
        ingestion.close()
    return folder


def questions_in(folder: Path, known: list[Fact]) -> Path:
    path = folder / "devices.jsonl"
    lines = (
        json.dumps(
            {
                "id": fact.id,
                "question": fact.question,
                "passages": [{"text": fact.sentence, "document": fact.document}],
            },
            ensure_ascii=False,
        )
        for fact in known
    )
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """A file of six questions, of both languages."""
    return questions_in(tmp_path, facts()[:6])


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedModel]:
    """A model that answers rightly and is configured; a test may change its script."""
    model = ScriptedModel(rightly)
    with serving(model.app()) as url:
        monkeypatch.setenv("ATTEST_LLM_URLS", json.dumps([url]))
        yield model


def evals(*arguments: str | Path) -> Result:
    return CliRunner().invoke(eval_, [str(item) for item in arguments])


def ask(questions: Path, home: Path, out: Path, *options: str) -> Result:
    return evals("run", questions, "--collection", "devices", "--home", home, "--out", out, *options)


def asked(questions: Path, home: Path, out: Path, *options: str) -> RunFolder:
    result = ask(questions, home, out, *options)
    assert result.exit_code == 0, (result.output, result.exception)
    return RunFolder(out)


@pytest.mark.parametrize("mode", ["json", "marks"])
def test_a_run_records_who_worded_its_answers_and_how(
    served: ScriptedModel, few: Path, home: Path, tmp_path: Path, mode: str
) -> None:
    options = ("--generator", "vllm", "--profile", "technical", "--mode", mode, "--decoding", SAMPLED)
    run = asked(few, home, tmp_path / "run", *options)
    header = run.header()
    assert (header.generator, header.model, header.profile, header.mode) == (
        "vllm",
        "scripted",
        "technical",
        mode,
    )
    assert header.decoding == Decoding(temperature=0.7, samples=2)
    assert header.prompt_hash
    assert header.settings["unsupported_sentences"] == "drop"
    for record in run.records():
        assert record.is_answered
        assert record.answer == FACTS[record.question].sentence
        assert record.usage == {"prompt_tokens": 10, "completion_tokens": 5}
        assert {"model_token_mean", "model_samples_agree", "agreement", "read_span"} <= record.signals.keys()
        assert not record.is_calibrated
    assert {body["n"] for body in served.bodies} == {2}


def test_runs_of_two_generators_are_two_runs_that_can_be_compared_and_shown(
    served: ScriptedModel, few: Path, home: Path, tmp_path: Path
) -> None:
    quoted, worded = tmp_path / "quoted", tmp_path / "worded"
    first = asked(few, home, quoted).header()
    assert (first.generator, first.model, first.decoding) == ("extractive", "", None)
    assert not served.bodies
    assert asked(few, home, worded, "--generator", "vllm").header().pipeline != first.pipeline
    refused = ask(few, home, quoted, "--generator", "vllm")
    assert isinstance(refused.exception, ConflictError)
    assert "generator was 'extractive' and is 'vllm'" in str(refused.exception)
    compared = evals("compare", quoted, worded)
    said = "worded by extractive, the second by vllm scripted, profile general, mode json, greedy"
    assert said in " ".join(compared.output.split())
    page = tmp_path / "report.html"
    assert evals("report", worded, "--out", page).exit_code == 0
    assert "vllm scripted, profile general, mode json, greedy" in page.read_text(encoding="utf-8")
    mixed = evals("calibrate", quoted, worded, "--out", tmp_path / "mixed.json")
    assert isinstance(mixed.exception, ConflictError)
    assert "(vllm scripted" in str(mixed.exception)


def test_a_run_whose_server_goes_down_ends_and_is_continued(
    served: ScriptedModel, few: Path, home: Path, tmp_path: Path
) -> None:
    def failing_after_two(body: Body) -> object:
        return rightly(body) if len(served.bodies) <= 2 else error(500, "broken")

    served.script = failing_after_two  # type: ignore[assignment]
    stopped = ask(few, home, tmp_path / "run", "--generator", "vllm")
    assert isinstance(stopped.exception, ModelUnavailableError)
    for said in ("3 questions in a row", "ATTEST_LLM_URLS", f"--out {tmp_path / 'run'}"):
        assert said in str(stopped.exception)
    served.script = rightly
    continued = ask(few, home, tmp_path / "run", "--generator", "vllm")
    assert "continuing: 2 of 6 questions have their record, 3 that failed are asked again" in continued.output
    assert [record.error for record in RunFolder(tmp_path / "run").records()] == [""] * 6


def test_a_server_that_is_down_from_the_start_is_told_before_anything_is_written(
    few: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTEST_LLM_URLS", '["http://127.0.0.1:9"]')
    down = ask(few, home, tmp_path / "run", "--generator", "vllm")
    assert isinstance(down.exception, ModelUnavailableError)
    assert "http://127.0.0.1:9" in str(down.exception)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--generator", "vllm"), "ATTEST_LLM_URLS"),
        (("--mode", "marks"), "--generator vllm"),
        (("--profile", "poetic"), "there is no profile 'poetic'"),
        (("--generator", "vllm", "--decoding", '{"temperature": 3}'), "decoding.temperature"),
        (("--generator", "vllm", "--decoding", '{"samples": 4}'), "set a temperature above 0"),
        (("--generator", "vllm", "--decoding", '{"warmth": 1}'), "decoding.warmth"),
        (("--generator", "vllm", "--decoding", "greedy"), "JSON"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    few: Path, home: Path, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    refused = ask(few, home, tmp_path / "run", *options)
    assert isinstance(refused.exception, InvalidRequestError)
    assert said in str(refused.exception)
    assert not (tmp_path / "run").exists()


def test_a_suite_without_worded_answers_needs_no_language_model(tmp_path: Path) -> None:
    refused = evals("run", "retrieval/mtrag", "--out", tmp_path / "run", "--generator", "vllm")
    assert isinstance(refused.exception, InvalidRequestError)
    assert "no answer is worded in a retrieval suite" in str(refused.exception)
