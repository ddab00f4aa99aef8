"""The warning that Celery gives at each loss of the broker."""

from __future__ import annotations

import warnings

from celery.exceptions import CPendingDeprecationWarning
from celery.worker.consumer.consumer import CANCEL_TASKS_BY_DEFAULT

from worker.consumer import hide_cancel_warning


def test_only_the_warning_about_a_setting_that_we_set_is_hidden() -> None:
    with warnings.catch_warnings(record=True) as shown:
        warnings.filterwarnings("always", category=CPendingDeprecationWarning)  # as Celery does at its start
        hide_cancel_warning()
        warnings.warn(CANCEL_TASKS_BY_DEFAULT, CPendingDeprecationWarning, stacklevel=1)
        warnings.warn("another one", CPendingDeprecationWarning, stacklevel=1)
    assert [str(warning.message) for warning in shown] == ["another one"]
