"""Error sentences for texts that must match a pattern, because few clients read regular expressions."""

from __future__ import annotations

from pydantic import ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticCustomError

PATTERN = "string_pattern_mismatch"
MISMATCHES = (PATTERN, "string_too_short")  # a short text does not match either


def in_words(sentence: str) -> WrapValidator:
    """Annotate a text that has a pattern: if it does not match, the error is this sentence."""

    def validate(text: object, check: ValidatorFunctionWrapHandler) -> object:
        try:
            return check(text)
        except ValidationError as error:
            if error.errors(include_url=False, include_input=False)[0]["type"] not in MISMATCHES:
                raise
            raise PydanticCustomError(PATTERN, sentence) from None

    return WrapValidator(validate)
