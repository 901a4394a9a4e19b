"""The legacy answer: a keyword list from before there was a model.

Decides a fixed, schema-valid answer for any question, with no model, no index and nothing to load.
It is the code default of the flag, the landing place of a kill, and what customers get when a
release fails.
"""

from __future__ import annotations

from examples.demo.language import Language, detect_language
from examples.demo.schema import Answer

_KEYWORDS: dict[Language, tuple[tuple[str, str], ...]] = {
    "en": (
        ("refund", "Refunds arrive within five working days. See the page Refunds."),
        ("return", "Unused items can be returned within 30 days. See the page Returns."),
        ("deliver", "Delivery takes two to four working days. See the page Delivery."),
        ("parcel", "You find the tracking number under My orders."),
        ("pay", "See the page Payment for all ways to pay."),
        ("password", "Choose Forgot password on the sign-in page."),
        ("warranty", "See the page Warranty for terms."),
    ),
    "de": (
        ("erstatt", "Erstattungen dauern bis zu fünf Werktage. Siehe Seite Erstattung."),
        ("rückgabe", "Ungetragene Artikel nehmen wir 30 Tage zurück. Siehe Seite Rückgabe."),
        ("liefer", "Die Lieferung dauert zwei bis vier Werktage. Siehe Seite Lieferung."),
        ("paket", "Die Sendungsnummer finden Sie unter Meine Bestellungen."),
        ("zahl", "Alle Zahlungsarten stehen auf der Seite Zahlung."),
        ("passwort", "Wählen Sie auf der Anmeldeseite Passwort vergessen."),
        ("garantie", "Die Bedingungen stehen auf der Seite Garantie."),
    ),
}
_OTHERWISE: dict[Language, str] = {
    "en": "Please write to our support team, we answer within one day.",
    "de": "Bitte schreiben Sie unserem Kundendienst, wir antworten innerhalb eines Tages.",
}


def legacy_answer(question: str) -> Answer:
    """The first keyword found decides; without one, customers are sent to the support team."""
    language = detect_language(question)
    lowered = question.lower()
    found = (text for keyword, text in _KEYWORDS[language] if keyword in lowered)
    text = next(found, _OTHERWISE[language])
    return Answer(answer=text, sources=[], confidence=0.0, language=language)
