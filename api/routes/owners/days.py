"""The query of a route that sums up days."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from api.views.polling import Query
from shared.request_errors import InvalidParameter
from shared.store.owners.accounts import today
from shared.wire.operations.account_records import ACCOUNT_DAYS

USUAL_DAYS = 30


class DaysQuery(Query):
    first: date | None = Field(
        None, alias="from", description=f"First day, by UTC; absent: {USUAL_DAYS} days up to the last."
    )
    last: date | None = Field(None, alias="to", description="Last day; absent: today.")

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
