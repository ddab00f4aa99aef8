"""The query of a route that sums up days."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from api.views.polling import Query
from shared.request_errors import InvalidParameter
from shared.store.owners.accounts import today
from shared.wire.operations.account_records import ACCOUNT_DAYS

USUAL_DAYS = 30
DAY = re.compile(r"\d{4}-\d\d-\d\d")


def _not_a_number(value: Any) -> Any:
    """Refuse seconds since 1970, which pydantic takes for a day too."""
    if isinstance(value, str) and not DAY.fullmatch(value):
        raise PydanticCustomError("day", "It must be a day such as 2026-03-31")
    return value


Day = Annotated[date, BeforeValidator(_not_a_number)]


class DaysQuery(Query):
    first: Day | None = Field(
        None, alias="from", description=f"First day, by UTC; absent: {USUAL_DAYS} days up to the last."
    )
    last: Day | None = Field(None, alias="to", description="Last day; absent: today.")

    def span(self) -> tuple[date, date]:
        """Return the first and the last day.

        Raises:
            InvalidParameter: the days are in the wrong order, or too many.
        """
        last = self.last or today()
        first = self.first or date.fromordinal(max(1, last.toordinal() - USUAL_DAYS + 1))
        if first > last:
            raise InvalidParameter(f"'from' ({first}) is after 'to' ({last})", "/from")
        if (last - first).days >= ACCOUNT_DAYS:
            days = (last - first).days + 1
            raise InvalidParameter(f"'from' to 'to' are {days:,} days; the most are {ACCOUNT_DAYS}", "/from")
        return first, last
