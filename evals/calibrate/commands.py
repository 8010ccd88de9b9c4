"""`attest eval calibrate`: from runs, or an operator's own verdicts, to a calibrator's file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evals.wording_options import DecodingOption, GeneratorOption, ModeOption, ProfileOption
from rag.decoding import AnswerMode
from rag.errors import InvalidRequestError

if TYPE_CHECKING:
    from evals.calibrate.samples import Samples
    from evals.wording import Wording

HOME = "Settings are read from the environment (ATTEST_HOME and the others), as by `attest serve`."


def calibrate(
    out: Annotated[Path, typer.Option(help="The file to write.")],
    runs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[RUN]...", help="Folders of runs, all made by one pipeline."),
    ] = None,
    from_feedback: Annotated[
        str | None,
        typer.Option(metavar="COLLECTION", help="Also, or only, the verdicts on this collection's answers."),
    ] = None,
    base: Annotated[
        Path | None,
        typer.Option(help="Keep this calibrator's weights and fit only probabilities and thresholds."),
    ] = None,
    unanswerable_share: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            max=0.9,
            help="Fit as if this share of questions had no answer, however many have none here.",
        ),
    ] = None,
    for_others: Annotated[
        bool,
        typer.Option(
            "--for-others", help="Write no certificates: it will serve collections it has not seen."
        ),
    ] = False,
    confidence_level: Annotated[
        float, typer.Option(min=0.5, max=0.999, help="How sure a certificate has to be.")
    ] = 0.9,
    seed: Annotated[int, typer.Option(help="Which documents go into which part.")] = 0,
    generator: GeneratorOption = "extractive",
    profile: ProfileOption = "general",
    mode: ModeOption = AnswerMode.JSON,
    decoding: DecodingOption = "{}",
) -> None:
    """Fit a calibrator and certify thresholds for risks of 5, 10, 20 and 30 %.

    Documents are dealt into four parts: weights are fitted on one, probabilities on the next, where to begin
    certifying is chosen on the third and certified on the last. Test questions are left out. With some
    hundreds of answers of your own, take the weights over with --base: then half of them certify.

    Runs know who worded them; generator, profile, mode and decoding say which answers --from-feedback takes.
    """
    from evals.calibrate.calibration import calibrate_on, require_same_pipeline
    from evals.calibrate.report import show
    from evals.wording import wording_of
    from rag.calibrator import calibrator_to_json, load_calibrator

    wording = wording_of(generator, profile, mode, decoding)
    samples = _samples(runs or [], from_feedback, wording)
    for reason, count in samples.left_out.items():
        _say(f"left out: {count} questions {reason}")
    made = calibrate_on(
        samples,
        confidence_level=confidence_level,
        seed=seed,
        unanswerable_share=unanswerable_share,
        is_for_others=for_others,
        base=require_same_pipeline(load_calibrator(base), samples) if base else None,
        report=_say,
    )
    written = out.with_name(f".{out.name}.part")
    written.write_text(calibrator_to_json(made.calibrator), encoding="utf-8")
    written.replace(out)
    show(made)
    _say(f"{out}: calibrator {made.calibrator.id} of pipeline {samples.pipeline}")


def _samples(runs: list[Path], collection: str | None, wording: "Wording") -> "Samples":
    from evals.calibrate.samples import samples_from_runs, together
    from evals.records import RunFolder

    if collection is None:
        return samples_from_runs([RunFolder(path) for path in runs])
    feedback = _feedback(collection, wording)
    return together(samples_from_runs([RunFolder(path) for path in runs]), feedback) if runs else feedback


def _feedback(collection: str, wording: "Wording") -> "Samples":
    """The settled verdicts on the answers that the configured pipeline gave from a collection, worded so."""
    from evals.calibrate.samples import samples_from_feedback
    from rag.settings import load_settings
    from rag.wiring import open_system

    with open_system(load_settings()) as system:
        found = system.store.answers.samples(system.store.collection(collection).id)
        samples = samples_from_feedback(found, collection, wording.fingerprint_in(system))
    if not samples.items:
        raise InvalidRequestError(
            f"no verdict on an answer of collection {collection!r} by the present pipeline "
            f"({samples.pipeline}); there are {len(found)} in all. Verdicts come by POST /v1/feedback"
        )
    return samples


def _say(text: str) -> None:
    typer.echo(text, err=True)
