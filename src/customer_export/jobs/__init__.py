"""Use cases in the background: functions that know no engine."""
