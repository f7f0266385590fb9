"""Checks that the reply is a translation at all: not blank, no talk around it, no refusal, not cut off."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ketl.checks import _patterns as pat
from ketl.checks.base import Severity, check
from ketl.checks.subject import Subject

_BLANK_WORDS = frozenset({"null", "none", "undefined", "nan", "n/a", "na", "nil", "[]", "{}", "todo", "tbd", "[object object]"})

# Each language's "here is the translation", in the words that models use.
_CHATTER = re.compile(
    r"```|</?think>|<\|[a-z_]+\|>|^\s*(?:\{\s*[\"'][\w ]+[\"']\s*:|\[\s*[\"'])"
    r"|^\W*(?:sure|certainly|of course|absolutely|okay|no problem|happy to help)\b\s*[,!.:—-]"
    r"|^\W*(?:here(?:’|')?s|here (?:is|are)|below (?:is|are)|the following is|this is)\b(?=.{0,80}(?:translat|version|text|:))"
    r"|\b(?:i (?:have |’ve |'ve )?translated|(?:is|as) follows\s*:|let me know if|i hope this helps|feel free to|would you like me to)"
    r"|\b(?:translation|translated text|translated version)\b(?:\s*\([^)]*\))?\s*[:：=-]|\btranslat(?:ion|ed)\b(?=.{0,40}(?:into|to|in|of)\b)"
    r"|(?:^|\n|[.)!?»”]\s)\(?(?:translator(?:’|')?s note|note|please note|explanation|output|answer|result)\s*:"
    r"|\b(?:aquí (?:está|tienes?)|esta es) la traducción|\btraducción\s*:|\bvoici (?:la|une|votre) (?:traduction|version)|\btraduction\s*:"
    r"|\bhier ist (?:die|deine|ihre) übersetzung|\bübersetzung\s*:|\becco la traduzione|\btraduzione\s*:|\baqui está a tradução"
    r"|\btradução\s*:|\bhier is de vertaling|\bvertaling\s*:|\b(?:oto|poniżej znajduje się) tłumaczenie|\btłumaczenie\s*:"
    r"|\bвот (?:перевод|ваш перевод)|\bперевод\s*:|以下(?:は|が).{0,12}翻訳|翻訳\s*[:：]|以下是.{0,12}(?:翻译|翻譯|译文)|(?:翻译|翻譯|译文)\s*[:：]"
    r"|번역\s*(?:은|결과)?\s*(?:다음과|:)|(?:إليك|هذه هي) الترجمة|الترجمة\s*:|översättning\s*:|oversættelse\s*:|oversettelse\s*:",
    re.IGNORECASE,
)
_REFUSAL = re.compile(
    r"\b(?:i(?:’|')?m|i am|we(?:’|')?re|we are) (?:very |so |really )?(?:sorry|afraid|unable|not able)\b"
    r"|\bi (?:can(?:’|')?t|cannot|can not|won(?:’|')?t|am not able to|must decline)\b"
    r"|\b(?:my apologies|i apologi[sz]e|sorry, (?:but )?i\b|unable to (?:translate|comply|assist|process|complete|provide|help))"
    r"|\bas an? (?:ai|artificial|large language|language model)|\bcannot (?:assist|help|comply|fulfil)|\bagainst my (?:guidelines|policy|programming)"
    r"|\blo siento,|\bno puedo (?:traducir|ayudar|cumplir)|\bje suis désolée?\b|\bje ne peux pas (?:traduire|vous aider)|\bdésolée?, (?:mais )?je"
    r"|\b(?:es )?tut mir leid, (?:aber )?|\bich kann (?:diesen|das|dies|dir|ihnen)\b.{0,40}\bnicht\b|\bmi dispiace, (?:ma )?non|\bnon posso (?:tradurre|aiutar)"
    r"|\bdesculpe, (?:mas )?|\bsinto muito|\bnão posso (?:traduzir|ajudar)|\bhet spijt me|\bsorry, (?:maar )?ik|\bik kan (?:dit|deze|u|je)\b.{0,30}\bniet\b"
    r"|\bprzykro mi, (?:ale )?|\bprzepraszam, (?:ale )?nie|\bизвините, (?:но )?|\bк сожалению, я\b|\bя не могу (?:перевести|помочь|выполнить)"
    r"|申し訳(?:ありません|ございません)|(?:抱歉|对不起|對不起)[，,]?(?:但)?(?:我|作为)|我(?:无法|不能|無法)(?:翻译|提供|协助|完成|翻譯)|죄송(?:합니다|하지만)"
    r"|(?:عذرا|عذرًا|آسف|أعتذر)[،, ]|لا (?:أستطيع|يمكنني) (?:ترجمة|المساعدة|تقديم)|\bbeklager, |\btyvärr kan jag|\bomlouvám se|\büzgünüm",
    re.IGNORECASE,
)
_ERROR_TEXT = re.compile(
    r"^\W*(?:\w*error|exception|fatal|failed|failure|warning)\b\s*(?:[:\-–(]|\d{3}|code)|\btraceback \(most recent|\b\w+(?:Error|Exception)\b"
    r"|\b(?:internal server error|bad gateway|service unavailable|gateway time-?out|too many requests|rate limit|quota exceeded|request timed out"
    r"|connection (?:refused|reset|error|timed out)|time-?out (?:error|exceeded|while)|access denied|unauthorized|invalid api key|out of memory)"
    r"|\bHTTP(?:/\d(?:\.\d)?)?\s*[45]\d\d\b|\bstatus(?: code)?\s*[:=]?\s*[45]\d\d\b|\berror (?:code )?[45]\d\d\b|\b[45]\d\d (?:error|internal|bad|service|too many)"
    r"|\btranslation (?:failed|unavailable|not available|error|missing)|\b(?:failed|unable|error|could not|couldn(?:’|')?t) (?:to )?translat"
    r"|\berror (?:while|during|occurred|processing)|\ban? (?:unexpected |unknown )?error\b|<!doctype html|^\s*<html|\{\s*[\"']error[\"']",
    re.IGNORECASE,
)
_QUOTE_PAIRS = {'"': '"', "“": "”", "„": "“”", "«": "»", "「": "」", "『": "』", "‘": "’", "'": "'", "`": "`"}


@check("empty", Severity.ERROR)
def empty(subject: Subject) -> Iterable[str]:
    """Empty translation.

    Blank, dashes only, or a program's word for nothing, although the source has text; or text for a blank
    source.
    False alarms: none known.
    """
    target = subject.translation.strip()
    if not subject.source.strip():
        return ("There is a translation although the English text is blank.",) if target else ()
    if not target:
        return ("The translation is empty.",)
    if len(target) <= 15 and subject.facts.letters:
        if not any(char.isalnum() for char in target):
            return (f"The translation is only “{target}”.",)
        if target.casefold() in _BLANK_WORDS and target.casefold() != subject.source.strip().casefold():
            return (f"The translation is only “{target}”, a program's word for nothing.",)
    return ()


@check("error-text", Severity.ERROR)
def error_text(subject: Subject) -> Iterable[str]:
    """Error text instead of a translation.

    An exception, an HTTP status or “translation failed” that the source does not have.
    False alarms: a source that speaks of errors is left alone.
    """
    found = _ERROR_TEXT.search(subject.translation)
    if found is None or _ERROR_TEXT.search(subject.source):
        return ()
    return (f"This is an error text, not a translation: “{_shorten(subject.translation)}”.",)


@check("refusal", Severity.ERROR)
def refusal(subject: Subject) -> Iterable[str]:
    """The model refused.

    “I'm sorry, but I cannot…” in English or in the target's own words, absent from the source.
    False alarms: a source that itself says sorry or cannot is left alone.
    """
    found = _REFUSAL.search(subject.translation)
    if found is None or _REFUSAL.search(subject.source) or subject.facts.words & {"sorry", "cannot", "can't", "can’t", "apologies"}:
        return ()
    return (f"The model refused instead of translating: “{_shorten(subject.translation)}”.",)


@check("chatter", Severity.ERROR)
def chatter(subject: Subject) -> Iterable[str]:
    """Talk around the translation.

    “Here is the translation:”, notes, code fences, thinking, or quotes around the whole text that the
    source does not have.
    False alarms: a source that really begins so is left alone.
    """
    found = _CHATTER.search(subject.translation)
    if found is not None and _CHATTER.search(subject.source) is None:
        return (f"The model added words of its own: “{_shorten(found[0].strip())}”.",)
    target = subject.translation.strip()
    closing = _QUOTE_PAIRS.get(target[:1])
    if (
        closing
        and len(target) > 2
        and target[-1] in closing
        and subject.source.strip()[:1] not in _QUOTE_PAIRS
        and not any(mark in target[1:-1] for mark in (target[0], target[-1]))
    ):
        return ("The whole translation stands in quotation marks that the English text does not have.",)
    return ()


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
        if last_open >= 0 and last_open > max(target.rfind(">"), target.rfind("}")) and target[last_open + 1 : last_open + 2].strip():
            return (f"The text ends in the middle of “{target[last_open:]}”.",)
    length = len(source)
    if length < 40:
        return ()
    share = len(target) / (length * subject.language.expansion)
    # The floor is far under every real translation of the shipped catalogue (shortest: 0.55 of the usual).
    if length > 80 and share < 0.4:
        return (f"The translation has {len(target)} characters for {length} in English: a part is missing.",)
    if subject.kind == "list" and facts.items >= 4:
        items = 1 + len(pat.LIST_MARK.findall(target))
        if items < facts.items - 1 and share * subject.language.expansion < facts.items and _lost_items(items, facts.items, share):
            return (f"The list has {items} entries, the English one has {facts.items}.",)
    if not facts.ends_closed or subject.language.tag == "th" or not target or not target[-1].isalnum() and target[-1] not in ",、،-":
        return ()
    if subject.kind != "prose" and facts.enders < 2:
        return ()
    enders = len(pat.SENTENCE_END.findall(target))
    if (facts.enders >= 2 and enders < facts.enders) or share < 0.7:
        return (f"The text breaks off at “…{target[-20:]}”.",)
    return ()


def _lost_items(items: int, expected: int, share: float) -> bool:
    """A list may join entries with “and”; it is cut when entries and length are gone together."""
    return items <= expected * 0.75 and share < 1.9 * items / expected


def _shorten(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[:most].rstrip()}…"
