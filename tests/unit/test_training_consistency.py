from training.consistency import consistent
from training.examples import Example, Task


def judged(claim: str, passage: str, label: str) -> Example:
    return Example(Task.SUPPORT, "en", "made", "group", claim, "", passage, label=label)


def test_copies_are_kept_once_and_pairs_of_two_labels_not_at_all() -> None:
    long = "It rained. " * 40
    kept = judged("It rained.", "It rained in May.", "supported")
    same_beginning = judged(long, "It rained.", "supported"), judged(long + "No.", "It rained.", "partial")
    elsewhere = judged("It rained.", "It snowed.", "unsupported")
    assert list(consistent([kept, *same_beginning, kept, elsewhere])) == [kept, elsewhere]


def asked(passage: str, *spans: tuple[int, int]) -> Example:
    return Example(Task.READ, "en", "made", "group", "When?", "", passage, spans=spans)


def test_a_question_that_one_passage_does_and_does_not_answer_is_left_out() -> None:
    answered, unanswered = asked("In 1957.", (3, 7)), asked("In 1957.")
    elsewhere = asked("In May.", (3, 6))
    assert list(consistent([answered, unanswered, elsewhere])) == [elsewhere]
