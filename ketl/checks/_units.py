"""Units of measure: their symbols everywhere and their words by language, as data, and how to read them."""

# ruff: noqa: E501 (one language a line reads better than wrapped)
from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from ketl.checks import _patterns as pat

# Symbols that mean the same in every language. Single letters are matched as written.
_SYMBOLS: Mapping[str, str] = {
    "mm": "mm мм ㎜", "cm": "cm см ㎝", "m": "m м", "km": "km км ㎞", "in": '" ″ ” “ \'\' ’’ ״ in. in inch inches',
    "ft": "ft", "yd": "yd yard yards", "g": "g gr г гр", "kg": "kg кг kgs ㎏", "mg": "mg мг",
    "lb": "lb lbs", "oz": "oz", "fl oz": "fl.oz floz", "ml": "ml mL мл ㎖", "l": "l L л ℓ",
    "g/m²": "gsm g/m² g/m2 g/㎡ g/qm g/mq gr/m² gr/m2 г/м² г/м2 г/кв.м g/m^2 γρ/μ²", "°C": "°C °С ℃ ºC", "°F": "°F ℉ ºF",
    "°": "° º", "%": "% ％ ٪ ﹪", "h": "h hr hrs ч ч.", "W": "W Вт", "V": "V", "mAh": "mAh", "psi": "psi", "bar": "bar",
    "km/h": "km/h км/ч kph", "mph": "mph",
}  # fmt: skip

# Words by language; four letters and more are beginnings, so that inflected forms are read too.
_WORDS: Mapping[str, str] = {
    "en": "in:in.|mm:millimeter millimetre|cm:centimeter centimetre|m:meter metre|km:kilometer kilometre|g:gram|kg:kilogram kilo|"
    "lb:pound|oz:ounce|l:liter litre|h:hour|%:percent|mi:mile|min:minute|g/m²:grams per square",
    "es": "in:pulgada pulg|mm:milímetro|cm:centímetro|m:metro|km:kilómetro|g:gramo|kg:kilogramo kilo|lb:libra|oz:onza|l:litro|h:hora|"
    "ft:pies pie|%:por ciento|°:grado|mi:milla|min:minuto",
    "fr": "in:pouce po|mm:millimètre|cm:centimètre|m:mètre|km:kilomètre|g:gramme|kg:kilogramme kilo|lb:livre|oz:once|l:litre|h:heure|"
    "ft:pieds pied|%:pour cent|°:degré|min:minute",
    "de": "in:zoll|mm:millimeter|cm:zentimeter|m:meter|km:kilometer|g:gramm|kg:kilogramm kilo|lb:pfund|oz:unze|l:liter|h:stunde std|"
    "ft:fuß|%:prozent|°:grad|min:minute",
    "it": "in:pollic|mm:millimetr|cm:centimetr|m:metri metro|km:chilometr|g:gramm|kg:chilo|lb:libbr|oz:once oncia|l:litr|h:ore ora|"
    "ft:piedi|%:per cento percento|°:gradi|min:minut",
    "pt": "in:polegada pol|mm:milímetro|cm:centímetro|m:metro|km:quilômetro quilómetro|g:grama|kg:quilo|lb:libra|oz:onça|l:litro|"
    "h:hora|ft:pés|%:por cento|°:grau|min:minuto",
    "ca": "in:polzad|mm:mil·límetre|cm:centímetre|m:metre|km:quilòmetre|g:grams gram|kg:quilo|lb:lliur|oz:unça unces|l:litre|h:hora hores",
    "nl": "in:inch|mm:millimeter|cm:centimeter|m:meter|km:kilometer|g:gram|kg:kilo|lb:pond|oz:ounce ons|l:liter|h:uur uren|%:procent|°:graden",
    "sv": "in:tum|cm:centimeter|m:meter|km:kilometer|g:gram|kg:kilo|lb:pund|oz:uns|l:liter|h:timm tim|%:procent|°:grader",
    "da": "in:tomme|cm:centimeter|m:meter|km:kilometer|g:gram|kg:kilo|lb:pund|oz:ounce unse|l:liter|h:time timer|%:procent|°:grader",
    "nb": "in:tomme|cm:centimeter|m:meter|km:kilometer|g:gram|kg:kilo|lb:pund|oz:unse|l:liter|h:time timer|%:prosent|°:grader",
    "fi": "in:tuuma|cm:sentti|m:metri|km:kilometri|g:gramma|kg:kilo|lb:pauna naula|oz:unssi|l:litra|h:tunti tunnin|%:prosentti|°:astet",
    "is": "in:tomm|g:grömm|oz:únsu únsa|l:lítr|h:klst klukkust|%:prósent",
    "pl": "in:cal cali cale calow|cm:centymetr|m:metr|km:kilometr|g:gram|kg:kilo|lb:funt|oz:uncj|l:litr|h:godz|%:procent|°:stopni",
    "cs": "in:palec palc palců|cm:centimetr|m:metr|km:kilometr|g:gram|kg:kilo|lb:libr liber|oz:unci unce uncí|l:litr|h:hodin hod|%:procent",
    "sk": "in:palec palc palcov|cm:centimetr|m:metr|km:kilometr|g:gram|kg:kilo|lb:libr libier|oz:unca uncí unce|l:litr liter|h:hodin hod|%:percent",
    "sl": "in:palec palc palč|g:gram|oz:unč unci|l:litr liter|h:ure uri ura ur|%:odstot",
    "hr": "in:inča inč palac|g:gram|oz:unci unca unce|l:litr litara|h:sati sata sat|%:posto",
    "hu": "in:hüvelyk coll|cm:centi|m:méter|km:kilométer|g:gramm|kg:kiló|lb:font|oz:uncia|l:liter|h:óra órás órán|%:százalék|°:fok",
    "ro": "in:inch inci țoli|g:gram|oz:uncii uncie|l:litri litru|h:ore oră|%:la sută",
    "lt": "in:coli|g:gram|oz:uncij|l:litr|h:val valand",
    "lv": "in:coll|g:gram|oz:unce|l:litr|h:stund",
    "et": "in:toll|g:gramm|oz:unts|l:liitr|h:tund tunni",
    "tr": "in:inç|cm:santim|m:metre|km:kilometre|g:gram|kg:kilo|lb:libre|oz:ons|l:litre|h:saat|%:yüzde|°:derece",
    "ru": "in:дюйм|mm:миллиметр|cm:сантиметр|m:метр|km:километр|g:грамм|kg:килограмм|lb:фунт|oz:унци унц|l:литр|h:час|%:процент|°:градус",
    "uk": "in:дюйм|mm:міліметр|cm:сантиметр|m:метр|km:кілометр|g:грам|kg:кілограм|lb:фунт|oz:унці унц|l:літр|h:год|%:відсот|°:градус",
    "bg": "in:инч|cm:сантиметр|m:метр|km:километр|g:грам|kg:килограм|lb:паунд фунт|oz:унци|l:литр|h:час|°:градус",
    "sr": "in:инч|cm:центиметар|m:метар|g:грам|oz:унци|l:литар литр|h:сат",
    "el": "in:ίντσ|cm:εκ εκατοστ|mm:χιλιοστ|m:μέτρ|km:χλμ χιλιόμετρ|g:γρ γραμμάρι|kg:κιλά κιλό|lb:λίβρ|oz:ουγκι ουγγι|l:λίτρ|h:ώρες ωρών ώρα|°:βαθμ",
    "ja": "in:インチ|mm:ミリ|cm:センチ|m:メートル|km:キロメートル|g:グラム|kg:キログラム|lb:ポンド|oz:オンス|l:リットル|h:時間|%:パーセント|°:度|"
    "g/m²:g/平方メートル|ft:フィート",
    "zh": "in:英寸 英吋 吋 寸|mm:毫米|cm:厘米 公分|m:米|km:公里 千米|g:克|kg:公斤 千克|lb:磅|oz:盎司|l:升 公升|h:小时 小時|°:度|g/m²:克/平方米 克每平方米|"
    "ft:英尺|ml:毫升|°C:摄氏度|mg:毫克",
    "ko": "in:인치|mm:밀리미터|cm:센티|m:미터|km:킬로미터|g:그램|kg:킬로그램|lb:파운드|oz:온스|l:리터|h:시간|%:퍼센트|°:도|ft:피트",
    "th": "in:นิ้ว|mm:มม มิลลิเมตร|cm:ซม เซนติเมตร|m:เมตร|km:กม กิโลเมตร|g:กรัม|kg:กก กิโลกรัม|lb:ปอนด์|oz:ออนซ์|l:ลิตร|h:ชั่วโมง ชม|°:องศา",
    "vi": "cm:xentimét|m:mét|g:gam|l:lít|h:giờ tiếng|°:độ",
    "id": "in:inci|cm:sentimeter|g:gram|oz:ons|l:liter|h:jam|%:persen",
    "ms": "in:inci|g:gram|oz:auns|l:liter|h:jam|%:peratus",
    "fil": "in:pulgada|g:gramo|oz:onsa|l:litro|h:oras",
    "hi": "in:इंच|cm:सेमी सेंटीमीटर|mm:मिमी|m:मीटर|km:किमी किलोमीटर|g:ग्राम|kg:किग्रा किलो|lb:पाउंड|oz:औंस|l:लीटर|h:घंटे घंटा|%:प्रतिशत",
    "bn": "in:ইঞ্চি|cm:সেমি|g:গ্রাম|kg:কেজি|oz:আউন্স|l:লিটার|h:ঘণ্টা",
    "ta": "in:அங்குல இன்ச்|cm:செமீ|g:கிராம்|kg:கிலோ|oz:அவுன்ஸ்|l:லிட்டர்|h:மணி",
    "ar": "in:بوصة بوصات إنش|mm:مم ملم مليمتر|cm:سم سنتيمتر|m:متر|km:كم كيلومتر|g:غ جم غم غرام جرام|kg:كجم كغ كيلوغرام كيلوجرام|lb:رطل أرطال باوند|"
    "oz:أونصة أونصات أوقية أونصه|l:لتر لترات ل|h:ساعة ساعات|%:بالمئة بالمائة|°:درجة|g/m²:غ/م² جم/م² غ/م2 جم/م2 غم/م² غم/م2 غرام/م² غرام/م2 جرام/م² جرام/م2",
    "he": "in:אינץ|mm:מ\"מ מ״מ|cm:ס\"מ ס״מ|m:מטר|km:ק\"מ ק״מ|g:גרם ג׳|kg:ק\"ג ק״ג|oz:אונקיות אונקיה|l:ליטר|h:שעות שעה|g/m²:גרם/מ\"ר גרם/מ״ר",
    "fa": "in:اینچ|cm:سانتی|m:متر|g:گرم|kg:کیلوگرم|oz:اونس|l:لیتر|h:ساعت|%:درصد",
    "ur": "in:انچ|cm:سینٹی|g:گرام|kg:کلو|oz:اونس|l:لیٹر|h:گھنٹ|%:فیصد",
}  # fmt: skip

# A unit that stands for several: a bare degree sign, a curly quote for an inch.
_COMPATIBLE = frozenset({frozenset({"°", "°C"}), frozenset({"°", "°F"}), frozenset({"oz", "fl oz"})})
_PER_AREA = (
    r"\s*(?:/|por|per|par|pro|na|på|le|لكل|في|ל|на|за|každ\w+|每)\s*(?:un |el |le |il |o |den |het )?"
    r"(?:m²|m2|mq|qm|м²|м2|㎡|m\b|metr|mètre|metar|quadrat|кв|метр|متر|مربع|平|제곱|ตาราง|négyzet|kvadrat|carr)"
)
# Where “in” is also a preposition it is an inch only before a mark or the end.
_IN_IS_A_WORD = frozenset({
    "en", "de", "it", "nl", "is", "ro", "la", "sl",
})  # fmt: skip
_CJK = "[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f㎜㎝㎞㎏㎖ℓ℃℉]$"


# Languages whose unit words were read against the shipped translations.
_COMPLETE = frozenset({
    "es", "fr", "de", "it", "pt", "nl", "pl", "ja", "zh", "ko", "ar", "ru",
})  # fmt: skip


def has_all_units(tag: str) -> bool:
    """Tell whether the tables know the usual unit words of a language, so that an unknown word is no unit."""
    return tag.partition("-")[0] in _COMPLETE


def same_unit(one: str, other: str) -> bool:
    """Tell whether two unit names mean the same, as far as can be told."""
    return one == other or frozenset((one, other)) in _COMPATIBLE


@lru_cache(maxsize=128)
def _reader(tag: str) -> tuple[Mapping[str, re.Pattern[str]], Mapping[str, str]]:
    """Return the patterns that read a unit, by the first letter of the unit, and what each spelling means."""
    meaning: dict[str, str] = {}
    for unit, line in _SYMBOLS.items():
        for spelling in line.split():
            meaning.setdefault(spelling, unit)
    language = tag.partition("-")[0]
    stems: dict[str, str] = {}
    for entry in filter(None, _WORDS.get(language, "").split("|")):
        unit, _, line = entry.partition(":")
        words = [line] if unit in ("%", "g/m²") and " " in line and language not in ("ar", "he", "zh") else line.split()
        for spelling in words:
            stems[spelling.casefold()] = unit
    if language != "en":
        stems.setdefault("pound", "lb")
        stems.setdefault("ounce", "oz")
    exact: dict[str, list[str]] = {}
    loose: dict[str, list[str]] = {}
    for spelling in sorted({*meaning, *stems}, key=lambda s: (-len(s), s)):
        body = re.escape(spelling)
        if language == "ko" and len(spelling) == 1 and spelling > "\uabff":
            end = r"(?![가-힣])"
        elif pat.late(_CJK, 0).search(spelling) or not spelling[-1].isalpha():
            end = ""
        elif spelling == "in" and language in _IN_IS_A_WORD:
            end = r"(?=[,;)\]]|\s*$)"
        elif spelling in stems and len(spelling) >= (4 if spelling.isascii() else 3):
            end = r"\w*"
        else:
            # In scripts without spaces the next word follows at once.
            end = r"(?![A-Za-z])" if language in ("ja", "zh", "ko", "th") else r"(?![^\W\d_])"
        if len(spelling) == 1:
            exact.setdefault(spelling, []).append(body + end)
        else:
            loose.setdefault(spelling[0].casefold(), []).append(body + end)
    meaning.update(stems)
    lowered = {k.casefold(): v for k, v in meaning.items() if len(k) > 1} | {
        k: v for k, v in meaning.items() if len(k) == 1
    }
    patterns: dict[str, re.Pattern[str]] = {}
    for first in {*exact, *loose}:
        parts = [f"(?i:{'|'.join(loose[first.casefold()])})"] if first.casefold() in loose else []
        patterns[first] = re.compile("|".join([*parts, *exact.get(first, ())]))
    return patterns, lowered


_GAP = re.compile(r"[\s\u00a0\u202f]?[-\u2011]?[\s\u00a0\u202f]?")
_BEFORE = re.compile(r"(?:([%٪％]|yüzde)\s?|(?<![^\W\d_])(mm|cm|km|kg|oz|lb)[\s\u00a0]|(?<![^\W\d_])(g)\s)$")
_ENDS_BEFORE = frozenset("%٪％e \u00a0\u202f")


def unit_after(text: str, end: int, tag: str) -> str | None:
    """Return the unit written right after position `end` of `text`, None when there is none that is known."""
    gap = _GAP.match(text, end)
    start = gap.end() if gap else end
    first = text[start : start + 1]
    patterns, meaning = _reader(tag)
    pattern = patterns.get(first) or patterns.get(first.casefold())
    found = pattern.match(text, start) if pattern else None
    if found is None:
        return None
    spelling = found[0]
    unit = meaning.get(spelling) or meaning.get(spelling.casefold())
    if unit is None:
        folded = spelling.casefold()
        # An inflected word: its beginning is in the table, the longest one counts.
        unit = next((meaning[folded[:n]] for n in range(len(folded), 2, -1) if folded[:n] in meaning), None)
    if unit == "g" and pat.late(_PER_AREA).match(text, found.end()):
        return "g/m²"
    return unit


def unit_before(text: str, start: int, tag: str) -> str | None:
    """Return the unit written right before position `start` (“%100”, “cm 30”), None when there is none."""
    if text[start - 1 : start] not in _ENDS_BEFORE:
        return None
    found = _BEFORE.search(text, max(0, start - 8), start)
    if found is None:
        return None
    spelling = found[1] or found[2] or found[3]
    return _reader(tag)[1].get(spelling.casefold(), "%")
