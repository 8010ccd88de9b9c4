"""What each metric says, in a line, for readers who have not met it."""

from collections.abc import Iterable, Mapping

_MEANINGS: Mapping[str, str] = {
    "nDCG": "how early the right documents stand in the ranking; 1 is ideal",
    "R": "the share of the right documents among the first so many",
    "MRR": "one over the rank of the first right document",
    "passage_R": "the gold passage lies in one of the first so many chunks retrieved",
    "EM": "the answer is word for word an expected one",
    "F1": "words shared with the expected answer, precision and recall weighed alike",
    "F1_sentence": "F1 of the best single sentence quoted",
    "EM_span": "the words marked as the answer are an expected one, word for word",
    "F1_span": "words that the marked answer shares with the expected one",
    "best_F1_span": "F1_span at the best threshold for refusing, chosen on these very questions",
    "relevance_AUROC": "how well the reranker tells passages with the answer from others found; .5 is chance",
    "best_F1": "F1 at the best threshold for refusing, chosen on these very questions",
    "ROUGE-L": "the longest common subsequence with an expert's answer",
    "BLEU": "runs of words shared with an expert's answer, 0 to 100",
    "evidence_hit": "the gold passage stands inside a quotation",
    "citation_recall": "the share of sentences borne out by their quotations together",
    "citation_precision": "the share of quotations that their sentence needs",
    "quote_exists": "quotations are found word for word in the stored text",
    "accuracy": "answered rightly, or refused where there is no answer",
    "coverage": "the share of questions answered",
    "risk": "the share wrong of what was answered; lower is better",
    "answerability_AUROC": "how well confidence tells answerable questions from others; .5 is chance",
    "abstention_recall": "the share of unanswerable questions that were refused",
    "false_abstention": "the share of answerable questions left unanswered; lower is better",
    "Brier": "squared distance of confidence from what came out; lower is better",
    "log_loss": "surprise at what came out, given the confidence; lower is better",
    "smECE": "how far confidence is off, on average; lower is better",
    "AUROC": "how well confidence puts right answers before wrong ones; .5 is chance",
    "AURC": "the mean risk over all coverages; lower is better",
    "failed": "the share of questions that ended in an error; lower is better",
}


def meanings_of(metrics: Iterable[str]) -> Mapping[str, str]:
    """The meaning of each metric that has one; `R@10` goes by its part before the @."""
    stems = dict.fromkeys(name.split("@", maxsplit=1)[0] for name in metrics)
    return {stem: _MEANINGS[stem] for stem in stems if stem in _MEANINGS}
