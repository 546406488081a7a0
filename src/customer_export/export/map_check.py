"""Hold the map against its database: what it covers, what has drifted, what does not fit, what has no index."""

from customer_export.errors import MapMismatchError
from customer_export.mapping.coverage.drift import drift_of, recorded_schema
from customer_export.mapping.coverage.kinds import kinds_of
from customer_export.mapping.coverage.report import coverage_of
from customer_export.model.coverage import Coverage, Standing
from customer_export.model.customer_map import RecordedSchema, TableName
from customer_export.model.dsar import missing_for_offered
from customer_export.model.map_check import MapCheck
from customer_export.source.interface import Source, Survey


def check_map(source: Source, survey: Survey) -> tuple[MapCheck, RecordedSchema]:
    """Check a source's map, and give what there is to record of the database as it is now.

    Raises MapMismatchError if there is not even a customer table, SourceUnavailableError and SourceFailedError.
    """
    customer_map = source.map
    catalogue = survey.catalogue()
    coverage = coverage_of(customer_map, catalogue)
    mismatches = _mismatches(source)
    before, now = customer_map.recorded, recorded_schema(coverage, catalogue, kinds_of(customer_map, catalogue, survey))
    check = MapCheck(
        map_name=customer_map.name,
        map_version=customer_map.version,
        server=catalogue.server,
        coverage=coverage,
        drift=None if before is None else drift_of(before, now, coverage, catalogue),
        mismatches=mismatches,
        scans=() if mismatches else tuple(survey.full_scans(customer_map)),
        unanalysed=() if mismatches else tuple(survey.without_statistics(_read_by(coverage))),
        sees_all=survey.sees_all(),
        dsar=missing_for_offered(customer_map),
    )
    return check, now


def _read_by(coverage: Coverage) -> list[TableName]:
    """Name the tables that exports read."""
    mapped = [one.table for one in coverage.tables if one.standing is Standing.MAPPED]
    return [*mapped, *coverage.beside]


def _mismatches(source: Source) -> tuple[str, ...]:
    try:
        source.check()
    except MapMismatchError as failure:
        return tuple(failure.problems)
    return ()
