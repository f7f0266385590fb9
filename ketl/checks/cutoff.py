"""Check that the translation is whole: not cut off by a limit, no sentence or list entry missing at its end."""

from __future__ import annotations

from collections.abc import Iterable

from ketl.checks import _patterns as pat
from ketl.checks.base import Severity, check
from ketl.checks.subject import Subject

LIST_ENDS = (",", "，", "、", "،", "-", "–", "(", "（", "/")


@check("truncated", Severity.ERROR)
def truncated(subject: Subject) -> Iterable[str]:
    """Cut off.

    The provider stopped at its length limit; the text ends inside a tag or placeholder; sentences or list
    items are missing at the end.
    False alarms: a translation that drops the last full stop of several sentences; Thai, which has none,
    and scripts without spaces are judged by length alone.
    """
    if subject.finish_reason == "length":
        return ("The reply was cut off at the length limit.",)
    source, target, facts = subject.source, subject.translation.rstrip(), subject.facts
    if facts.has_tags or facts.placeholders:
        last_open = max(target.rfind("<"), target.rfind("{"))
        if (
            last_open >= 0
            and last_open > max(target.rfind(">"), target.rfind("}"))
            and target[last_open + 1 : last_open + 2].strip()
        ):
            return (f"The text ends in the middle of “{target[last_open:]}”.",)
    length = len(source)
    share = len(target) / (length * subject.language.expansion) if length else 1.0
    # Real translations of the shipped catalogue keep 0.58 of the usual length at least, long ones 0.65.
    if length >= 20 and share < (0.5 if length > 80 else 0.4):
        return (f"The translation has {len(target)} characters for {length} in English: a part is missing.",)
    if subject.kind in ("title", "option") and subject.terms and _is_piece(subject, target):
        return (f"“{target}” is only the beginning of the translation.",)
    if (
        share < 0.75
        and facts.ends_balanced
        and target.count("(") + target.count("（") > target.count(")") + target.count("）")
    ):
        return (f"The text breaks off at “…{target[-20:]}”.",)
    if length < 40:
        return ()
    if target[-1:] in LIST_ENDS and source.rstrip()[-1:] not in LIST_ENDS:
        return (f"The text breaks off at “…{target[-20:]}”.",)
    if subject.kind == "list" and facts.items >= 3:
        items = 1 + len(pat.LIST_MARK.findall(target))
        # An entry may be joined to its neighbour by “and”; two lost, or one and much of the length, were cut.
        if items <= facts.items - 2 or (items < facts.items and share < 0.8):
            return (f"The list has {items} entries, the English one has {facts.items}.",)
    if not facts.ends_closed or subject.language.tag == "th" or target[-1:] in pat.END_MARKS:
        return ()
    if subject.kind != "prose" and facts.enders < 2:
        return ()
    enders = len(pat.SENTENCE_END.findall(target))
    if (facts.enders >= 2 and enders < facts.enders) or share < 0.7:
        return (f"The text breaks off at “…{target[-20:]}”.",)
    return ()


def _is_piece(subject: Subject, target: str) -> bool:
    """Tell whether a title is nothing but its protected name, or an option the beginning of its own rendering."""
    if subject.kind == "title":
        return len(subject.facts.word_list) > 2 and any(
            term.do_not_translate and term.term == target for term in subject.terms
        )
    source, folded = subject.source.casefold(), target.casefold()
    begun = False
    for term in subject.terms:
        if term.term.casefold() == source:
            for rendering in map(str.casefold, term.renderings):
                if rendering == folded:
                    return False
                begun = begun or rendering.startswith(folded)
    return begun and len(folded) > 1
