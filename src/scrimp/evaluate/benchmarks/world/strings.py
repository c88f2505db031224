"""Text: counting, turning round, simple ciphers."""

from __future__ import annotations

import random

from scrimp.evaluate.benchmarks.world.entry import Family, Kind, choice, whole, words

FAMILY = Family("strings", price="0.00001", latency=0.02)
add = FAMILY.add

WORDS = words(
    """
    amber anchor basin beacon cinder copper delta dynamo ember engine falcon fathom garnet goblet harbor hollow
    indigo island jasper jungle kernel kettle lantern ledger marble meadow nectar nickel orchid oyster pebble pigeon
    quartz quiver raven ribbon saddle silver tangent timber umber urchin velvet violet walnut willow yonder zephyr
    """
)


def _phrase(rng: random.Random) -> str:
    return " ".join(rng.sample(WORDS, rng.randint(4, 7)))


TEXT = Kind(_phrase, takes="text", quoted=True)
WORD = Kind(lambda rng: "".join(rng.sample(WORDS, 2)), takes="text", quoted=True)


@add(
    "text letters",
    en=("the text {text} written backwards letter by letter",),
    zh=("把文本{text}逐字母倒写的结果",),
    text=WORD,
)
def reverse_letters(text: str) -> str:
    """Write a text backwards, letter by letter.

    Args:
        text: The text.
    """
    return text[::-1]


@add(
    "text words",
    en=("the text {text} with its words in reverse order",),
    zh=("把文本{text}的单词顺序颠倒的结果",),
    text=TEXT,
)
def reverse_word_order(text: str) -> str:
    """Put the words of a text in reverse order; the words themselves stay as they are.

    Args:
        text: The text.
    """
    return " ".join(reversed(text.split()))


@add(
    "number int positive",
    en=(
        "the number of times the letter {letter} occurs in the text {text}",
        "how often the letter {letter} occurs in the text {text}",
    ),
    zh=("字母{letter}在文本{text}中出现的次数",),
    text=TEXT,
    letter=choice("aeiorn", quoted=True),
)
def count_letter(text: str, letter: str) -> int:
    """Count how often one letter occurs, capital or small.

    Args:
        text: The text.
        letter: A single letter.
    """
    if len(letter) != 1:
        raise ValueError("letter must be a single letter")
    return text.lower().count(letter.lower())


@add(
    "number int positive",
    en=("the number of vowels (a, e, i, o, u) in the text {text}",),
    zh=("文本{text}中元音字母（a、e、i、o、u）的个数",),
    text=TEXT,
)
def count_vowels(text: str) -> int:
    """Count the vowels a, e, i, o, u.

    Args:
        text: The text.
    """
    return sum(letter in "aeiou" for letter in text.lower())


@add(
    "number int positive",
    en=("the number of characters in the text {text}, spaces included",),
    zh=("文本{text}的字符数（含空格）",),
    text=TEXT,
)
def count_characters(text: str) -> int:
    """Count all characters, spaces included.

    Args:
        text: The text.
    """
    return len(text)


@add(
    "number int positive",
    en=("the number of characters in the text {text}, spaces not counted",),
    zh=("文本{text}的字符数（不含空格）",),
    text=TEXT,
)
def count_characters_without_spaces(text: str) -> int:
    """Count the characters that are not spaces.

    Args:
        text: The text.
    """
    return len(text) - text.count(" ")


@add(
    "text letters",
    en=("the text {text} with every letter moved {shift} places forward in the alphabet",),
    zh=("把文本{text}的每个字母在字母表中后移{shift}位的结果",),
    text=WORD,
    shift=whole(3, 23),
)
def shift_letters_forward(text: str, shift: int) -> str:
    """Caesar cipher forward: a moved by 1 is b, z moved by 1 is a.

    Args:
        text: The text; what is not a Latin letter stays.
        shift: Places to move.
    """
    return "".join(_moved(letter, shift) for letter in text)


@add(
    "text letters",
    en=("the text {text} with every letter moved {shift} places back in the alphabet",),
    zh=("把文本{text}的每个字母在字母表中前移{shift}位的结果",),
    text=WORD,
    shift=whole(3, 23),
)
def shift_letters_back(text: str, shift: int) -> str:
    """Caesar cipher backward: b moved by 1 is a, a moved by 1 is z.

    Args:
        text: The text; what is not a Latin letter stays.
        shift: Places to move.
    """
    return "".join(_moved(letter, -shift) for letter in text)


def _moved(letter: str, places: int) -> str:
    if "a" <= letter <= "z" or "A" <= letter <= "Z":
        first = ord("a") if letter.islower() else ord("A")
        return chr(first + (ord(letter) - first + places) % 26)
    return letter


@add(
    "text letters",
    en=("the text {text} in the mirror alphabet (a becomes z, b becomes y)",),
    zh=("把文本{text}按镜像字母表（a变z、b变y）替换的结果",),
    text=WORD,
)
def mirror_alphabet(text: str) -> str:
    """Replace every letter by the one as far from the other end of the alphabet (Atbash).

    Args:
        text: The text; what is not a Latin letter stays.
    """
    return "".join(chr(219 - ord(letter)) if "a" <= letter <= "z" else letter for letter in text.lower())


@add(
    "text letters",
    en=("the initials of the text {text}, as one string",),
    zh=("文本{text}各单词首字母连成的字符串",),
    text=Kind(_phrase, takes="words", quoted=True),
)
def initials(text: str) -> str:
    """The first letters of all words, put together.

    Args:
        text: The text.
    """
    return "".join(word[0] for word in text.split())


@add(
    "text letters",
    en=("the longest word of the text {text} (the first one if several are as long)",),
    zh=("文本{text}中最长的单词（等长取第一个）",),
    text=Kind(_phrase, takes="words", quoted=True),
)
def longest_word(text: str) -> str:
    """The longest word of a text; the first of several as long.

    Args:
        text: The text, not empty.
    """
    return max(text.split(), key=len)


@add(
    "text letters",
    en=("the letters of the text {text} in alphabetical order",),
    zh=("把文本{text}的字母按字母表顺序排列的结果",),
    text=WORD,
)
def sort_letters(text: str) -> str:
    """Put the letters of a text in alphabetical order, without spaces.

    Args:
        text: The text.
    """
    return "".join(sorted(text.replace(" ", "").lower()))


@add(
    "number int positive",
    en=("the letter value of the text {text} (a is 1, z is 26, all added up)",),
    zh=("文本{text}的字母值之和（a为1，z为26）",),
    text=WORD,
)
def letter_value(text: str) -> int:
    """Add up the places of all letters in the alphabet: a is 1, z is 26.

    Args:
        text: The text; what is not a Latin letter counts nothing.
    """
    return sum(ord(letter) - 96 for letter in text.lower() if "a" <= letter <= "z")
