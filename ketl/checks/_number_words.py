"""Small numbers in words: the beginnings of the words for 1 to 12 in each language, as data.

A merchandiser's “2 pockets” may rightly become “zwei Taschen”. The entries are word beginnings, because
numerals inflect and compound (“zweilagig”, “четырёхсторонний”); each language is one line of twelve groups.
"""

# ruff: noqa: E501 (one language a line reads better than wrapped)
from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

_LINES: Mapping[str, str] = {
    "es": "un uno una primer|dos ambos ambas par doble segund|tres triple tercer|cuatro cuádruple|cinco|seis|siete|ocho|nueve|diez|once|doce docena",
    "fr": "un une premi|deux paire double second|trois triple|quatre quadrupl|cinq|six|sept|huit|neuf|dix|onze|douze douzaine",
    "de": "ein eins erst|zwei beid paar doppel zwo|drei dritt|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf dutzend",
    "it": "un uno una prim|due entramb paio doppi coppia second|tre tripl terz|quattro quadr|cinque|sei|sette|otto|nove|dieci|undici|dodici dozzina",
    "pt": "um uma primeir|dois duas ambos ambas par dupl segund|três tripl terceir|quatro quádr|cinco|seis|sete|oito|nove|dez|onze|doze dúzia",
    "ca": "un una|dos dues ambd parell doble|tres|quatre|cinc|sis|set|vuit|nou|deu|onze|dotze",
    "nl": "een één eerst|twee beide paar dubbel|drie derde|vier|vijf|zes|zeven|acht|negen|tien|elf|twaalf dozijn",
    "sv": "en ett|två båda par dubb tvåv|tre|fyr|fem|sex|sju|åtta|nio|tio|elva|tolv",
    "da": "en et|to begge par dobb|tre|fire|fem|seks|syv|otte|ni|ti|elleve|tolv",
    "nb": "en ei ett|to begge par dobb|tre|fire|fem|seks|sju syv|åtte|ni|ti|elleve|tolv",
    "fi": "yksi yhden yht yhd|kaksi kahde kaht kaks pari|kolm|neljä neljän nelisuun nelit|viisi viide viit|kuusi kuude kuut"
    "|seitsem|kahdeksan|yhdeksän|kymmen|yksitoista|kaksitoista",
    "is": "ein|tvei tvö tvæ bæði par tvíh|þrí þrj|fjóri fjögur fjór|fimm|sex|sjö|átta|níu|tíu|ellefu|tólf",
    "pl": "jed pierwsz|dwa dwie dwó dwu oba obie par podwójn drug|trzy trze|czter|pięć pięc|sześć sześc|siedem|osiem|dziewięć|dziesięć|jedena|dwana tuzin",
    "cs": "jed|dva dvě dvou oba obě pár dvoj|tři tří troj|čtyř|pět pěti|šest|sedm|osm|devět|deset|jedenáct|dvanáct",
    "sk": "jed|dva dve dvoj oba obe pár|tri troj|štyri štvor|päť|šesť|sedem|osem|deväť|desať|jedenásť|dvanásť",
    "sl": "en ena eno|dva dve dvo oba obe par|tri trij|štiri|pet|šest|sedem|osem|devet|deset|enajst|dvanajst",
    "hr": "jed|dva dvije dvo oba obje par|tri tro|četiri četver|pet|šest|sedam|osam|devet|deset|jedanaest|dvanaest",
    "hu": "egy|két kettő mindkét pár dupla|három|négy|öt|hat|hét|nyolc|kilenc|tíz|tizenegy|tizenkét tizenkettő",
    "ro": "un una o|doi două ambe pereche dubl|trei|patru|cinci|șase|șapte|opt|nouă|zece|unsprezece|doisprezece duzin",
    "lt": "vien|du dvi dviej abu abi por|tri trij trys|keturi keturių|penk|šeš|septyn|aštuon|devyn|dešimt|vienuolik|dvylik",
    "lv": "vien|div abi abas pār|trīs trij|četr|piec|seš|septiņ|astoņ|deviņ|desmit|vienpadsmit|divpadsmit",
    "et": "üks ühe üht|kaks kahe kaht mõlema paar|kolm|neli nelja|viis viie|kuus kuue|seitse|kaheksa|üheksa|kümme|üksteist|kaksteist",
    "tr": "bir tek|iki çift her|üç|dört|beş|altı|yedi|sekiz|dokuz|on|onbir|oniki düzine",
    "vi": "một|hai đôi cặp cả|ba|bốn|năm|sáu|bảy|tám|chín|mười|mười|mười tá",
    "id": "satu se|dua kedua sepasang ganda|tiga|empat|lima|enam|tujuh|delapan|sembilan|sepuluh|sebelas|dua selusin",
    "ms": "satu se|dua kedua sepasang|tiga|empat|lima|enam|tujuh|lapan|sembilan|sepuluh|sebelas|dua sedozen",
    "fil": "isa|dalawa pares kapwa|tatlo|apat|lima|anim|pito|walo|siyam|sampu|labing|labin",
    "ru": "один одн перв|два две двум двух дву оба обе пар втор|три трет трёх трех тремя тро|четыре четырёх четырех|пять пяти|шест|семь семи"
    "|восем восьм|девят|десят|одиннадцат|двенадцат дюжин",
    "uk": "один одн|два дві дво оба обидв пар|три трьо|чотири чотирьо|п'ять пять пʼят|шіст шест|сім сем|вісім восьм|дев дев'ят|десят"
    "|одинадцят|дванадцят",
    "bg": "един една едно|два две двой двата двете чифт|три|четири|пет|шест|седем|осем|девет|десет|единадесет|дванадесет",
    "sr": "један једн|два две дво оба обе пар|три|четири|пет|шест|седам|осам|девет|десет|једанаест|дванаест",
    "el": "ένα μία μια ένας|δύο δυο ζευγ διπλ|τρεις τρία τριών|τέσσερ|πέντε|έξι|επτά εφτά|οκτώ οχτώ|εννέα εννιά|δέκα|έντεκα|δώδεκα",
    "ja": "一 ひと|二 両 ふたつ 双 ダブル ツーウェイ|三 みっ スリーウェイ|四 よっ フォーウェイ|五 ファイブ|六|七|八|九|十|十一|十二 ダース",
    "zh-Hans": "一 单|二 两 双|三|四|五|六|七|八|九|十|十一|十二",
    "zh-Hant": "一 單|二 兩 雙|三|四|五|六|七|八|九|十|十一|十二",
    "ko": "한 하나 일|두 둘 양쪽 이중 투웨이|세 셋 삼|네 넷 사방 포웨이|다섯 오|여섯 육|일곱 칠|여덟 팔|아홉 구|열 십|열한|열두",
    "th": "หนึ่ง|สอง คู่|สาม|สี่|ห้า|หก|เจ็ด|แปด|เก้า|สิบ|สิบเอ็ด|สิบสอง",
    "hi": "एक|दो दोनों जोड़|तीन|चार|पांच पाँच|छह छः|सात|आठ|नौ|दस|ग्यारह|बारह",
    "bn": "এক|দুই দুটি দু জোড়|তিন|চার|পাঁচ|ছয়|সাত|আট|নয়|দশ|এগারো|বারো",
    "ta": "ஒரு ஒன்று|இரண்டு இரு ஜோடி|மூன்று|நான்கு|ஐந்து|ஆறு|ஏழு|எட்டு|ஒன்பது|பத்து|பதினொன்று|பன்னிரண்டு",
    "ar": "واحد|اثن إثن كلا كلتا زوج|ثلاث|أربع اربع رباعي|خمس|ست|سبع|ثمان|تسع|عشر|أحد|اثن إثن",
    "he": "אחד אחת|שני שתי שתיים שניים זוג|שלוש|ארבע|חמש חמישה|שש|שבע|שמונה|תשע|עשר|אחד אחת|שנים שתים",
    "fa": "یک|دو جفت|سه|چهار|پنج|شش|هفت|هشت|نه|ده|یازده|دوازده",
    "ur": "ایک|دو دونوں جوڑ|تین|چار|پانچ|چھ|سات|آٹھ|نو|دس|گیارہ|بارہ",
}
_UNSPACED = frozenset({"ja", "zh-Hans", "zh-Hant", "ko", "th"})

# Words of the English source that stand for a number; an article lets a “1” appear in the translation.
ENGLISH_NUMBER_WORDS: Mapping[str, tuple[str, ...]] = {
    "a": ("1",), "an": ("1",), "one": ("1",), "once": ("1",), "single": ("1",), "first": ("1",), "each": ("1",),
    "per": ("1",), "every": ("1",), "another": ("1",), "same": ("1",), "alone": ("1",), "no-one": ("1",),
    "two": ("2",), "twice": ("2",), "both": ("2",), "pair": ("2", "1"), "pairs": ("2", "1"), "double": ("2",),
    "second": ("2",), "couple": ("2",), "dual": ("2",), "twin": ("2",),
    "three": ("3",), "third": ("3",), "triple": ("3",), "four": ("4",), "fourth": ("4",), "quarter": ("4", "1", "0.25"),
    "five": ("5",), "fifth": ("5",), "six": ("6",), "sixth": ("6",), "seven": ("7",), "seventh": ("7",),
    "week": ("7", "1"), "eight": ("8",), "eighth": ("8",), "nine": ("9",), "ninth": ("9",), "ten": ("10",), "tenth": ("10",),
    "eleven": ("11",), "twelve": ("12",), "dozen": ("12",), "noon": ("12",), "midnight": ("12", "0", "24"),
    "twenty": ("20",), "thirty": ("30",), "forty": ("40",), "fifty": ("50",), "hundred": ("100",), "thousand": ("1000",),
    "half": ("0.5", "50", "1", "2"), "zero": ("0",),
}  # fmt: skip


CARDINALS: Mapping[str, str] = {
    "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10",
    "eleven": "11", "twelve": "12", "both": "2", "pair": "2", "pairs": "2", "double": "2", "second": "2", "third": "3",
}  # fmt: skip


@lru_cache(maxsize=1024)
def _pattern(tag: str, value: str) -> re.Pattern[str] | None:
    line = _LINES.get(tag) or _LINES.get(tag.partition("-")[0])
    if line is None or not value.isdecimal() or not 1 <= int(value) <= 12:
        return None
    group = line.split("|")[int(value) - 1].split()
    if tag in _UNSPACED:
        start = "(?<![가-힣])" if tag == "ko" else ""
        return re.compile(f"{start}(?:{'|'.join(map(re.escape, group))})")
    # A beginning of one or two letters is a whole word: “un” must not be found in “unten”.
    parts = [re.escape(g) + (r"\b" if len(g) <= 3 else "") for g in group]
    # Arabic and Hebrew glue “and”, “with”, “the” before a word.
    glue = r"(?:[وبلفك]?(?:ال)?)" if tag in ("ar", "fa", "ur") else r"(?:[ובלהכמש]{0,2})" if tag == "he" else ""
    return re.compile(rf"\b{glue}(?:{'|'.join(parts)})")


# The Arabic dual says “two” by an ending alone: جيبان, إصبعين.
_ARABIC_DUAL = re.compile(r"[\u0621-\u064a]{2,}(?:ان|ين)\b")


def count_in_words(text: str, tag: str, value: str) -> int:
    """Return how often the casefolded `text` says `value` (1 to 12) in a word of the language `tag`."""
    pattern = _pattern(tag, value)
    if pattern is None:
        return 0
    found = len(pattern.findall(text))
    if not found and tag == "ar" and value == "2":
        return len(_ARABIC_DUAL.findall(text))
    return found
