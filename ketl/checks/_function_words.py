"""Function words by language: the small words that tell a language, as data.

Lists of 15 to 40 very frequent words that shop texts use. They are an explainable stand-in for a language
detector: fast, silent on names, codes and pseudo-translations, which hold none of them.
"""

# ruff: noqa: E501 (one language a line reads better than wrapped)
from __future__ import annotations

import re
from collections.abc import Mapping

_LINES: Mapping[str, str] = {
    "en": "the and of to a in is it you that for on are with as at be this have from or by not but what all were we when "
    "your can there an each which their will if than so these its our into they how while enough most every same",
    "es": "el la los las un una de del y en que con por para es no se su tus tu te lo como más pero sin al cuando muy "
    "son está sobre hasta desde nos porque donde también cada",
    "fr": "le la les un une des de du et en que qui avec pour est pas se sur vous votre vos dans au aux ne plus mais sans "
    "ce cette par ou même tout comme il elle nous sont quand bien deux leur",
    "de": "der die das und in den dem ein eine einen ist nicht mit für auf von zu im sich dein deine deinen du wir auch aus "
    "an am als wenn aber bei nach oder so wie es er nur noch unter über was man dass zum zur",
    "it": "il lo la gli le un una di del della dei e in che con per è non si tuo tua tuoi su nel nella al alla più ma senza "
    "come anche da dal sono quando noi ti ci dopo ogni",
    "pt": "o os as um uma de do da dos das e em que com para é não se seu sua na no ao mais mas sem como você por nos nas "
    "também até quando cada são pelo pela",
    "ca": "el els les un una de del dels i en que amb per és no es al més però sense com teu teva quan també fins són seva",
    "nl": "de het een en van in op met voor is niet je jouw te dat die aan er ook om als maar of zijn naar bij nog wel uit "
    "zonder we over onder tot want wie",
    "sv": "och att det en ett som på är av för med den till inte du din om men så de kan från vid eller när även utan",
    "da": "og at det en et som på er af for med den til ikke du din om men så de kan fra ved eller når også uden",
    "nb": "og at det en et som på er av for med den til ikke du din om men så de kan fra ved eller når også uten",
    "fi": "ja on ei että se joka kun myös mutta tai niin sen jos kuin vain sinun voit ovat sekä ilman hyvin",
    "is": "og að er ekki sem það með fyrir til á í þú um en við af eða þegar líka frá",
    "pl": "i w na z do się nie jest że to jak od za po o dla ale przez co tak pod nad twój twoje czy oraz gdy bez który która "
    "które są więc ani też już tylko ze we",
    "cs": "a v na s do se ne je že to jak od za po o pro ale přes co tak pod nad tvůj nebo když bez který která které jsou i ze k",
    "sk": "a v na s do sa nie je že to ako od za po o pre ale cez čo tak pod nad tvoj alebo keď bez ktorý ktorá ktoré sú aj zo k",
    "sl": "in v na s z do se ne je da to kot od za po o pa ali ko brez ki so tudi iz tvoj več pri",
    "hr": "i u na s do se ne je da to kao od za po o ili kad bez koji koja koje su iz tvoj više pri ali jer još",
    "hu": "a az és nem is hogy egy van meg de vagy mint ha csak még már ez nélkül amikor akkor minden alatt",
    "ro": "și în de la cu pe care nu este un o pentru din mai ce sau să se dar fără sunt până când te tău ta prin",
    "lt": "ir kad su į iš ne yra tai ar bet kaip per be nuo po prie tavo jei dar labai kai už",
    "lv": "un ka ar uz no ne ir tas vai bet kā pie bez pēc par tavs ja vēl ļoti kad lai",
    "et": "ja et ei on see ka mis kui või aga nii sinu siis veel ilma all üle oma kas need",
    "tr": "ve bir bu için ile da de çok daha olan gibi en ne ama değil kadar her senin veya sonra olarak",
    "vi": "và của là có không cho với một các được trong bạn những này để khi từ như cũng nhưng",
    "id": "dan yang di untuk dengan ini tidak dari anda pada itu ke atau juga lebih saat agar tanpa bisa karena",
    "ms": "dan yang di untuk dengan ini tidak dari anda pada itu ke atau juga lebih ketika tanpa boleh kerana",
    "fil": "ang ng sa mga at na ay para hindi ito mo ka kung pero may kapag o lang din",
    "ru": "и в на не с что по из за от для это как но а к до у или вы ваш ваши вас под без они она он так же когда если чтобы "
    "даже только при над есть мы нас",
    "uk": "і в на не з що по із за від для це як але а до у або ви ваш вас під без вони вона він так коли якщо щоб навіть та "
    "тільки при над є ми нас й",
    "bg": "и в на не с че по от за до се да това как но а към или вие си под без те тя той така когато ако също като във със е са ще",
    "sr": "и у на не с са да по из за од се то је како али а ка или ти под без они она он кад ако као су ће који",
    "el": "και το η ο να τα του της με για από δεν σε που είναι στο στη στην τη την των ένα μια σου αλλά χωρίς όταν",
    "ar": "في من على إلى أن لا ما هذا هذه مع عن أو التي الذي كل بعد قبل حتى إذا ثم لكن بين تحت كما دون عند لم لن",
    "he": "של את על לא עם זה גם או כי אם הוא היא אבל כל אתה שלך בלי כמו עד יותר מה",
    "fa": "و در به از که این را با است برای تا هم یا شما آن بر هر نیست بدون",
    "ur": "اور کے میں کی ہے کا سے کو پر یہ نہیں آپ ہیں بھی تک یا لیے جو",
    "hi": "और के में की है का से को पर यह नहीं आप हैं भी तक या लिए जो",
    "bn": "এবং ও না এই থেকে জন্য আপনার যা করে সঙ্গে হয় এর কিন্তু",
    "ta": "மற்றும் இந்த ஒரு உங்கள் என்று இல்லை அது ஆனால் கூட",
}
FUNCTION_WORDS: Mapping[str, frozenset[str]] = {tag: frozenset(line.split()) for tag, line in _LINES.items()}

# Where words are not parted by spaces, or particles are glued on, pieces of two or more characters tell.
_PIECES: Mapping[str, re.Pattern[str]] = {
    "ja": re.compile("です|ます|ません|ました|して|した|ない|から|ため|よう|という|まで|ので|けど"),
    "zh-Hans": re.compile("你的|我们|这|可以|但|不会|就|让|还|没有|因为|时|都"),
    "zh-Hant": re.compile("你的|我們|這|可以|但|不會|就|讓|還|沒有|因為|時|都"),
    "ko": re.compile(
        r"(?:은|는|을|를|에서|으로|에는|까지|하고|지만|니다|어요|아요|세요|예요|해요|거든요)(?=[\s.,!?]|$)"
    ),
    "th": re.compile("ที่|และ|ของ|ไม่|ให้|ได้|เป็น|ใน|กับ|คุณ"),
}

# What is also an English word proves nothing in a text that may still be English; nor do the letters that a
# transliteration of “a”, “on”, “to”, “do” gives.
_ALSO_ENGLISH = FUNCTION_WORDS["en"] | {
    "no", "do", "me", "men", "die", "den", "come", "as", "am", "man", "hat", "so", "was", "us", "ten", "per",
    "over", "under", "van", "bit",
}  # fmt: skip
_TRANSLITERATED = frozenset({
    "а", "и", "в", "с", "у", "к", "о", "й", "з", "он", "то", "до", "со", "за",
})  # fmt: skip
_TELLING: Mapping[str, frozenset[str]] = {
    tag: words - _ALSO_ENGLISH - _TRANSLITERATED for tag, words in FUNCTION_WORDS.items()
}

# Pairs whose small words overlap so much that a vote between them proves nothing.
CLOSE_PAIRS = frozenset(
    frozenset(pair.split())
    for pair in (
        "da nb",
        "da sv",
        "nb sv",
        "id ms",
        "cs sk",
        "hr sl",
        "es ca",
        "es pt",
        "hi ur",
        "ru bg",
        "ru uk",
        "bg sr",
        "fa ur",
    )
)

_BY_WORD: dict[str, tuple[str, ...]] = {}
for _tag, _words in FUNCTION_WORDS.items():
    for _word in _words:
        _BY_WORD[_word] = (*_BY_WORD.get(_word, ()), _tag)


def base_tag(tag: str) -> str:
    """Return the key of the word lists for a language tag: its region does not matter, a Chinese script does."""
    return tag if tag.startswith("zh") else tag.partition("-")[0]


def count_function_words(text: str, words: frozenset[str], tag: str) -> int:
    """Return how many different telling function words of the language `tag` the text holds."""
    pieces = _PIECES.get(tag)
    if pieces is not None:
        return len(set(pieces.findall(text)))
    known = _TELLING.get(base_tag(tag))
    return len(words & known) if known else 0


def vote(words: frozenset[str], tag: str) -> tuple[str, int]:
    """Return the language, other than `tag`, with most function words that `tag` lacks, and how many."""
    own = FUNCTION_WORDS.get(base_tag(tag), frozenset())
    counts: dict[str, int] = {}
    for word in words:
        languages = _BY_WORD.get(word)
        if languages is not None and word not in own:
            for language in languages:
                counts[language] = counts.get(language, 0) + 1
    if not counts:
        return "", 0
    best = max(counts, key=lambda language: counts[language])
    return best, counts[best]
