"""Checks that the reply is a translation at all: not blank, no talk around it, no refusal, no error text."""

from __future__ import annotations

from collections.abc import Iterable

from ketl.checks import _patterns as pat
from ketl.checks import _traits as traits
from ketl.checks.autofix import is_quoted
from ketl.checks.base import Severity, check
from ketl.checks.subject import Subject

_BLANK_WORDS = frozenset({
    "null", "none", "undefined", "nan", "n/a", "na", "nil", "[]", "{}", "todo", "tbd", "[object object]",
})  # fmt: skip

# Each language's "here is the translation", in the words that models use.
_CHATTER = (
    r"```|</?think>|<\|[a-z_]+\|>|^\s*(?:\{\s*[\"'][\w ]+[\"']\s*:|\[\s*[\"'])"
    r"|^\W*(?:sure|certainly|of course|absolutely|okay|no problem|happy to help)\b\s*[,!.:—-]"
    r"|^\W*(?:here(?:’|')?s|here (?:is|are)|below (?:is|are)|the following is|this is)\b(?=.{0,80}(?:translat|version"
    r"|text|:))"
    r"|\b(?:i (?:have |’ve |'ve )?translated|(?:is|as) follows\s*:|let me know if|i hope this helps|feel free to"
    r"|would you like me to)"
    r"|\b(?:translation|translated text|translated version)\b(?:\s*\([^)]*\))?\s*[:：=-]|\btranslat(?:ion"
    r"|ed)\b(?=.{0,40}(?:into|to|in|of)\b)"
    r"|(?:^|\n|[.)!?»”]\s)\(?(?:translator(?:’|')?s note|note|please note|explanation|output|answer|result)\s*:"
    r"|\b(?:aquí (?:está|tienes?)|esta es) la traducción|\btraducción\s*:|\bvoici (?:la|une|votre) (?:traduction"
    r"|version)|\btraduction\s*:"
    r"|\bhier ist (?:die|deine|ihre) übersetzung|\bübersetzung\s*:|\becco la traduzione|\btraduzione\s*:"
    r"|\baqui está a tradução"
    r"|\btradução\s*:|\bhier is de vertaling|\bvertaling\s*:|\b(?:oto|poniżej znajduje się) tłumaczenie"
    r"|\btłumaczenie\s*:"
    r"|\bвот (?:перевод|ваш перевод)|\bперевод\s*:|以下(?:は|が).{0,12}翻訳|翻訳\s*[:：]"
    r"|以下是.{0,12}(?:翻译|翻譯|译文)"
    r"|(?:翻译|翻譯|译文)\s*[:：]"
    r"|번역\s*(?:은|결과)?\s*(?:다음과|:)|(?:إليك|هذه هي) الترجمة|الترجمة\s*:|översättning\s*:|oversættelse\s*:"
    r"|oversettelse\s*:"
)
# A remark in brackets at the end: “(Note: translated literally)”, “（注：…）”.
_REMARK = (
    r"[(（\[【]\s*(?:(?:translator|editor|author)(?:’|')?s? note|note|n\. ?b\.|nb|literal(?:ly)?|lit\."
    r"|translat(?:ed|ion|or)|(?:nota|note|remarque|anmerkung|hinweis|opmerking|uwaga|примечание|ملاحظة|注(?:意|记|記|釈)?|備考|备注|참고)\s*[:：])"
    r"[^()（）\[\]【】]*[)）\]】]\W*$"
)
_REFUSAL = (
    r"\b(?:i(?:’|')?m|i am|we(?:’|')?re|we are) (?:very |so |really )?(?:sorry|afraid|unable|not able)\b"
    r"|\bi (?:can(?:’|')?t|cannot|can not|won(?:’|')?t|am not able to|must decline)\b"
    r"|\b(?:my apologies|i apologi[sz]e|sorry, (?:but )?i\b|unable to (?:translate|comply|assist|process|complete"
    r"|provide|help))"
    r"|\bas an? (?:ai|artificial|large language|language model)|\bcannot (?:assist|help|comply|fulfil)"
    r"|\bagainst my (?:guidelines|policy|programming)"
    r"|\blo siento,|\bno puedo (?:traducir|ayudar|cumplir)|\bje suis désolée?\b|\bje ne peux pas (?:traduire"
    r"|vous aider)|\bdésolée?, (?:mais )?je"
    r"|\b(?:es )?tut mir leid, (?:aber )?|\bich kann (?:diesen|das|dies|dir|ihnen)\b.{0,40}\bnicht\b"
    r"|\bmi dispiace, (?:ma )?non|\bnon posso (?:tradurre|aiutar)"
    r"|\bdesculpe, (?:mas )?|\bsinto muito|\bnão posso (?:traduzir|ajudar)|\bhet spijt me|\bsorry, (?:maar )?ik"
    r"|\bik kan (?:dit|deze|u|je)\b.{0,30}\bniet\b"
    r"|\bprzykro mi, (?:ale )?|\bprzepraszam, (?:ale )?nie|\bизвините, (?:но )?|\bк сожалению, я\b"
    r"|\bя не могу (?:перевести|помочь|выполнить)"
    r"|申し訳(?:ありません|ございません)|(?:抱歉|对不起|對不起)[，,]?(?:但)?(?:我|作为)|我(?:无法|不能|無法)(?:翻译|提供|协助|完成|翻譯)|죄송(?:합니다|하지만)"
    r"|(?:عذرا|عذرًا|آسف|أعتذر)[،, ]|لا (?:أستطيع|يمكنني) (?:ترجمة|المساعدة|تقديم)|\bbeklager, |\btyvärr kan jag"
    r"|\bomlouvám se|\büzgünüm"
)
_ERROR_TEXT = (
    r"^\W*(?:\w*error|exception|fatal|failed|failure|warning)\b\s*(?:[:\-–(\])}>]|\d{3}|code)"
    r"|^\s*[\[(<{【*]\W*(?:fehler|erreur|errore?|erro|błąd|ошибка|خطأ|エラー|错误|錯誤|오류)\b|^\W*error\W*$"
    r"|\btraceback \(most recent"
    r"|\b(?:model|server|service|system|engine)s? (?:is |are |was )?(?:currently |temporarily )?"
    r"(?:overloaded|over capacity|at capacity|unavailable|busy|down)\b|\bplease try again (?:later|in\b)"
    r"|\b(?-i:[A-Z])\w*(?-i:Error|Exception)\b"
    r"|\b(?:internal server error|bad gateway|service unavailable|gateway time-?out|too many requests|rate limit"
    r"|quota exceeded|request timed out"
    r"|connection (?:refused|reset|error|timed out)|time-?out (?:error|exceeded|while)|access denied|unauthorized"
    r"|invalid api key|out of memory)"
    r"|^\W*time(?:d |-)?out\W*$"
    r"|\bHTTP(?:/\d(?:\.\d)?)?\s*[45]\d\d\b|\bstatus(?: code)?\s*[:=]?\s*[45]\d\d\b|\berror (?:code )?[45]\d\d\b"
    r"|\b[45]\d\d (?:error|internal|bad|service|too many)"
    r"|\btranslation (?:failed|unavailable|not available|error|missing)|\b(?:failed|unable|error|could not|couldn(?:’"
    r"|')?t) (?:to )?translat"
    r"|\berror (?:while|during|occurred|processing)|\ban? (?:unexpected |unknown )?error\b|<!doctype html|^\s*<html"
    r"|\{\s*[\"']error[\"']"
)
# One of these words, or of the pieces where words are not parted by spaces, stands in whatever the patterns
# above can match: a plain look first, as the patterns are slow.
_CHATTER_WORDS = frozenset(
    "think sure certainly course absolutely okay problem happy here here's here’s below following this translated "
    "translation translations translate translating literally literal follows know hope feel like note notes nb "
    "explanation output answer result traducción traduction traduzione tradução übersetzung vertaling tłumaczenie "
    "перевод الترجمة översättning oversættelse oversettelse nota remarque anmerkung hinweis opmerking uwaga "
    "примечание ملاحظة lit n b".split()
)
_CHATTER_PIECES = ("翻訳", "翻译", "翻譯", "译文", "번역", "注", "备注", "備考", "참고")
_REFUSAL_WORDS = frozenset(
    "sorry afraid unable able can't can’t cannot can won't won’t decline apologies apologize apologise ai model "
    "artificial against siento puedo désolé désolée peux leid ich dispiace posso desculpe sinto spijt kan przykro "
    "przepraszam извините сожалению могу عذرا عذر آسف أعتذر أستطيع يمكنني beklager tyvärr omlouvám üzgünüm".split()
)
_REFUSAL_PIECES = ("申し訳", "抱歉", "对不起", "對不起", "无法", "不能", "無法", "죄송", "عذر")
_ERROR_WORDS = frozenset(
    "error errors exception traceback gateway unavailable requests rate quota timed timeout time-out out connection "
    "denied unauthorized api memory http status translation translate translating doctype html fatal failed failure "
    "warning overloaded capacity later fehler erreur errore erro błąd ошибка خطأ".split()
)
_ERROR_PIECES = ("エラー", "错误", "錯誤", "오류")
_UNSPACED = frozenset({"Jpan", "Hans", "Hant", "Kore", "Thai"})


def _hinted(subject: Subject, words: frozenset[str], pieces: tuple[str, ...]) -> bool:
    if not words.isdisjoint(subject.seen.words):
        return True
    # In spaced scripts a piece of an unspaced one is a strange letter.
    if subject.language.script in _UNSPACED or subject.traits & traits.STRANGE:
        return any(map(subject.translation.__contains__, pieces))
    return False


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
    if len(target) <= 15 and subject.facts.word_list:
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
    text = subject.translation
    if "Error" not in text and "Exception" not in text and not _hinted(subject, _ERROR_WORDS, _ERROR_PIECES):
        return ()
    found = pat.late(_ERROR_TEXT).search(subject.translation)
    if found is None or pat.late(_ERROR_TEXT).search(subject.source):
        return ()
    return (f"This is an error text, not a translation: “{_shorten(subject.translation)}”.",)


@check("refusal", Severity.ERROR)
def refusal(subject: Subject) -> Iterable[str]:
    """The model refused.

    “I'm sorry, but I cannot…” in English or in the target's own words, absent from the source.
    False alarms: a source that itself says sorry or cannot is left alone.
    """
    if not _hinted(subject, _REFUSAL_WORDS, _REFUSAL_PIECES):
        return ()
    found = pat.late(_REFUSAL).search(subject.translation)
    if (
        found is None
        or pat.late(_REFUSAL).search(subject.source)
        or subject.facts.words & {"sorry", "cannot", "can't", "can’t", "apologies"}
    ):
        return ()
    return (f"The model refused instead of translating: “{_shorten(subject.translation)}”.",)


@check("chatter", Severity.ERROR)
def chatter(subject: Subject) -> Iterable[str]:
    """Talk around the translation.

    “Here is the translation:”, notes, code fences, thinking, or quotes around the whole text that the
    source does not have.
    False alarms: a source that really begins so is left alone.
    """
    target = subject.translation.strip()
    if (
        target[:1] in ("{", "[")
        or "```" in target
        or "<|" in target
        or _hinted(subject, _CHATTER_WORDS, _CHATTER_PIECES)
    ):
        found = pat.late(_CHATTER).search(target)
        if found is not None and pat.late(_CHATTER).search(subject.source) is None:
            return (f"The model added words of its own: “{_shorten(found[0].strip())}”.",)
        found = pat.late(_REMARK).search(target) if _brackets(target) > _brackets(subject.source) else None
        if found is not None and pat.late(_REMARK).search(subject.source) is None:
            return (f"The model added a remark of its own: “{_shorten(found[0].strip())}”.",)
    if is_quoted(target, subject.source):
        return ("The whole translation stands in quotation marks that the English text does not have.",)
    return ()


def _brackets(text: str) -> int:
    return sum(map(text.count, "(（[【"))


def _shorten(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[:most].rstrip()}…"
