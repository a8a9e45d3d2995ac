"""What people say alone, between silences, and ask nothing with: most of all that a room hears.

A table of words more than code.
"""

# ruff: noqa: RUF001 (words of other alphabets)

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.training.nano.language import spoken_prompts

if TYPE_CHECKING:
    import random

ANSWERS = (
    "yes", "no", "okay", "okay, fine", "sure", "right", "all right", "maybe", "of course", "fine",
    "not now", "not really", "yes, please", "no, no", "no way", "i see", "i know", "i guess so",
    "exactly", "never", "never mind", "later", "why not", "good", "great", "perfect", "really",
    "really?", "me too", "you too", "got it", "that is right", "yeah", "yep", "nope", "mm hm",
    "uh huh", "hmm", "well", "so", "and", "but", "because", "anyway", "absolutely", "correct",
    "wrong", "true", "one moment", "just a second", "wait", "wait a minute", "hold on", "go on",
    "next", "again", "once more", "enough", "that is all", "done", "ready", "not yet", "almost",
    "here", "there", "over here", "this one", "that one", "nothing", "everything", "nobody",
    "today", "tomorrow", "tonight", "soon", "please", "sorry", "excuse me", "pardon", "i am sorry",
    "what", "what?", "who", "who?", "where", "when", "why", "how", "which one", "how many",
)  # fmt: skip
GREETINGS = (
    "hello", "hello?", "hello there", "hi", "hi there", "hey", "hey you", "good evening",
    "good afternoon", "good night", "welcome", "welcome back", "nice to meet you", "cheers",
    "congratulations", "happy birthday", "good luck", "see you", "come in", "sit down", "come here",
    "ladies and gentlemen", "dear friends",
)  # fmt: skip
SHOUTS = (
    "watch out", "look out", "careful", "be careful", "hurry up", "come on", "let us go", "go",
    "go go go", "run", "stop", "stop it", "hey", "oh", "oh no", "oh my god", "ah", "ouch", "wow",
    "whoa", "yay", "hooray", "yippee", "bravo", "boo", "aha", "oops", "damn", "no", "yes",
    "attack", "hit", "missed", "got you", "over there", "behind you", "take this", "take that",
    "get back", "get down", "stay back", "leave me alone", "i will get you", "coward", "traitor",
    "victory", "revenge", "not me", "my turn", "your turn", "game over", "you win", "you lose",
    "well done", "first blood", "so long", "here i come", "ha ha", "jump", "nice shot",
    "uh oh", "incoming", "hey hey", "hurrah", "excellent", "amazing", "drop it", "faster", "higher",
    "what the hell", "this one is mine", "i am ready", "laugh at this", "boring", "kill it",
    "hands up", "halt", "silence", "quiet", "shut up", "go away", "get out", "catch", "shoot",
)  # fmt: skip
NAMES = (
    "maria", "peter", "anna", "thomas", "susan", "robert", "emma", "david", "laura", "james",
    "olga", "ahmed", "yuki", "carlos", "sophie", "george", "helen", "victor", "nina", "doctor",
    "mother", "father", "grandma", "mister brown", "miss taylor", "captain", "john", "daddy",
    "london", "berlin", "new york", "tokyo", "paris", "madrid", "africa", "america", "germany",
)  # fmt: skip
NOUNS = (
    "apple", "banana", "bread", "butter", "cheese", "egg", "fish", "milk", "orange", "potato",
    "tomato", "water", "coffee", "salt", "ant", "bear", "bee", "bird", "butterfly", "cat", "cow",
    "crab", "dinosaur", "dog", "dolphin", "duck", "eagle", "elephant", "frog", "giraffe", "goat",
    "horse", "kangaroo", "lion", "monkey", "mouse", "owl", "penguin", "pig", "rabbit", "shark",
    "sheep", "snake", "spider", "tiger", "turtle", "whale", "wolf", "zebra", "ball", "bell", "boat",
    "book", "bus", "car", "chair", "clock", "computer", "cup", "door", "drum", "fork", "guitar",
    "hammer", "hat", "house", "kite", "knife", "ladder", "lamp", "moon", "nose", "pencil", "piano",
    "plane", "radio", "rocket", "scissors", "ship", "shoe", "spoon", "star", "sun", "table",
    "telephone", "train", "tree", "truck", "umbrella", "violin", "window", "flower", "rose",
    "sunflower", "mushroom", "mountain", "rain", "snow", "snowman", "cloud", "fire engine",
    "police car", "ambulance", "robot", "king", "queen", "dragon", "fairy", "knight", "nurse",
    "teacher", "doctor", "policeman", "hand", "head", "eye", "ear", "mouth", "foot", "heart",
    "red", "green", "blue", "yellow", "black", "white", "purple", "brown", "monday", "tuesday",
    "wednesday", "thursday", "friday", "saturday", "sunday", "january", "march", "july", "august",
    "october", "december", "money", "dollars", "euros", "percent", "minutes", "hours", "music",
    "password", "order", "meeting", "summary", "refund", "manager", "notes", "guest", "joke",
    "beep", "bark", "knock", "north", "south", "dash", "dot", "slash", "star", "pound", "silence",
)  # fmt: skip
_NUMBERS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fifteen", "nineteen", "twenty", "thirty", "forty", "fifty",
    "sixty", "eighty", "ninety", "one hundred", "five hundred", "one thousand", "million",
)  # fmt: skip
_LETTERS = tuple("abcdefghijklmnopqrstuvwxyz")
PROMPTS = (
    "please hold the line", "press one for sales", "press two for support", "please press star",
    "to repeat this message, press {number}", "please enter your number", "invalid extension",
    "please enter your pin, followed by the pound key", "you have {number} new messages",
    "your call is important to us", "the number you have dialled is not in service",
    "all our agents are busy", "please leave a message after the tone", "thank you for calling",
    "message {number}", "you are caller number {number}", "is not available", "transfer",
    "please try again", "please wait", "the person at extension", "has been disconnected",
    "conference is locked", "you have been kicked from this conference", "activated",
    "this call may be recorded", "for english, press {number}", "no new messages", "deleted",
    "that is not a valid number", "your account balance is", "login incorrect", "the time is",
    "an error has occurred", "please say your name after the tone", "will be right with you",
    "there are {number} people in this conference", "press {number} to save the message",
    "the office is closed today", "mind the gap", "next stop", "doors are closing", "on hold",
    "do not disturb is on", "call forwarding is off", "the following is the", "at the tone",
)  # fmt: skip
FOREIGN_WORDS = {
    "de": (
        "ja", "nein", "hallo", "bitte", "danke", "gut", "genau", "achtung", "apfel", "hund",
        "katze", "haus", "auto", "baum", "blume", "stuhl", "fenster", "vogel", "gitarre", "eins",
        "drei", "sieben", "zwanzig", "rot", "schmetterling", "moment mal", "los jetzt",
        "bitte warten sie", "was ist das", "komm her", "mein gott",
    ),
    "fr-fr": (
        "oui", "non", "bonjour", "merci", "d'accord", "attention", "pomme", "chien", "chat",
        "maison", "voiture", "arbre", "fleur", "chaise", "oiseau", "guitare", "un", "trois", "sept",
        "vingt", "rouge", "papillon", "un instant", "allez", "veuillez patienter", "mon dieu",
        "qu'est-ce que c'est", "viens ici", "salut", "bien sûr", "tapez un", "à demain",
    ),
    "es": (
        "sí", "no", "hola", "gracias", "vale", "cuidado", "manzana", "perro", "gato", "casa",
        "coche", "árbol", "flor", "silla", "pájaro", "guitarra", "uno", "tres", "siete", "veinte",
        "rojo", "mariposa", "un momento", "vamos", "espere por favor", "dios mío", "qué es esto",
        "ven aquí", "claro", "marque el dos", "hasta luego",
    ),
    "it": (
        "sì", "no", "ciao", "grazie", "va bene", "attenzione", "mela", "cane", "gatto", "casa",
        "macchina", "albero", "fiore", "sedia", "uccello", "chitarra", "uno", "tre", "sette",
        "venti", "rosso", "farfalla", "un momento", "andiamo", "attendere prego", "mamma mia",
        "che cosa è", "vieni qui", "certo", "premere due", "a domani",
    ),
    "pt-br": (
        "sim", "não", "olá", "obrigado", "tudo bem", "cuidado", "maçã", "cachorro", "gato", "casa",
        "carro", "árvore", "flor", "cadeira", "pássaro", "violão", "um", "três", "sete", "vinte",
        "vermelho", "borboleta", "um momento", "vamos", "aguarde por favor", "meu deus", "o que é",
        "vem cá", "claro", "disque dois", "até logo",
    ),
    "nl": (
        "ja", "nee", "hallo", "dank je", "goed", "pas op", "appel", "hond", "kat", "huis", "fiets",
        "boom", "bloem", "stoel", "vogel", "een", "drie", "zeven", "rood", "vlinder", "kom hier",
    ),
    "sv": (
        "ja", "nej", "hej", "tack", "bra", "akta dig", "äpple", "hund", "katt", "hus", "bil",
        "träd", "blomma", "stol", "fågel", "ett", "tre", "sju", "röd", "fjäril", "kom hit",
    ),
    "pl": (
        "tak", "nie", "cześć", "dziękuję", "dobrze", "uwaga", "jabłko", "pies", "kot", "dom",
        "drzewo", "kwiat", "krzesło", "ptak", "jeden", "trzy", "siedem", "czerwony", "motyl",
    ),
    "cs": (
        "ano", "ne", "ahoj", "děkuji", "dobře", "pozor", "jablko", "pes", "kočka", "dům", "strom",
        "květina", "židle", "pták", "jedna", "tři", "sedm", "červená", "motýl", "pojď sem",
    ),
    "ru": (
        "да", "нет", "привет", "спасибо", "хорошо", "осторожно", "яблоко", "собака", "кошка", "дом",
        "дерево", "цветок", "стул", "птица", "один", "три", "семь", "красный", "подождите",
    ),
    "tr": (
        "evet", "hayır", "merhaba", "tamam", "dikkat", "elma", "köpek", "kedi", "ev", "ağaç",
        "çiçek", "sandalye", "kuş", "bir", "üç", "yedi", "kırmızı", "kelebek", "bekleyin",
    ),
    "fi": (
        "kyllä", "ei", "hei", "kiitos", "hyvä", "varo", "omena", "koira", "kissa", "talo", "puu",
        "kukka", "tuoli", "lintu", "yksi", "kolme", "seitsemän", "punainen", "perhonen",
    ),
    "hu": (
        "igen", "nem", "szia", "köszönöm", "jó", "vigyázz", "alma", "kutya", "macska", "ház", "fa",
        "virág", "szék", "madár", "egy", "három", "hét", "piros", "pillangó",
    ),
    "el": (
        "ναι", "όχι", "γεια", "ευχαριστώ", "καλά", "προσοχή", "μήλο", "σκύλος", "γάτα", "σπίτι",
        "δέντρο", "λουλούδι", "καρέκλα", "πουλί", "ένα", "τρία", "επτά", "κόκκινο",
    ),
}  # fmt: skip
"""By espeak-ng's name of the language."""


def isolated(rng: random.Random) -> str:
    """A word or a few, in English, that want no reply."""
    text = _any_kind(rng)
    return isolated(rng) if text.rstrip("?!.") in spoken_prompts() else text


def isolated_anywhere(
    rng: random.Random, foreign_share: float, languages: tuple[str, ...] = tuple(FOREIGN_WORDS)
) -> tuple[str, str]:
    """(language, text). The language is empty for English."""
    if rng.random() >= foreign_share:
        return "", isolated(rng)
    language = rng.choice(languages)
    return language, rng.choice(FOREIGN_WORDS[language])


def _any_kind(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.24:
        return rng.choice(ANSWERS)
    if kind < 0.32:
        return rng.choice(GREETINGS)
    if kind < 0.48:
        return rng.choice(SHOUTS) + rng.choice(("!", ""))
    if kind < 0.56:
        return _called(rng)
    if kind < 0.76:
        return rng.choice(("", "", "a ", "the ", "my ")) + rng.choice(NOUNS)
    if kind < 0.88:
        return _counted(rng)
    return rng.choice(PROMPTS).format(number=rng.choice(_NUMBERS))


def _called(rng: random.Random) -> str:
    return rng.choice(("{}", "{}?", "{}!", "hey {}", "yes, {}", "{}, come on")).format(
        rng.choice(NAMES)
    )


def _counted(rng: random.Random) -> str:
    """Numbers and letters, one or a few of them, as people read them out."""
    if rng.random() < 0.35:
        return " ".join(rng.choice(_LETTERS) for _ in range(rng.choice((1, 1, 1, 2, 3))))
    number = rng.choice(_NUMBERS)
    return rng.choice(("{}", "{}", "{}!", "number {}", "{} {}", "{} of them", "page {}")).format(
        number, rng.choice(_NUMBERS)
    )
