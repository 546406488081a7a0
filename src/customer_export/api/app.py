"""The application: routes, errors as answers, and the services for as long as it runs."""

import asyncio
import gc
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import structlog
from fastapi import FastAPI
from starlette.exceptions import HTTPException

from customer_export import __version__
from customer_export.api.answers import answer_foreseen, answer_http, answer_unforeseen
from customer_export.api.audit import router as audit_router
from customer_export.api.client_address import read_trusted_proxies
from customer_export.api.delivery import ExportRunner
from customer_export.api.direct import ExportApi
from customer_export.api.downloads import router as downloads_router
from customer_export.api.exchange import Exchange
from customer_export.api.jobs import router as jobs_router
from customer_export.api.purges import router as purges_router
from customer_export.api.routes import router
from customer_export.api.schedules import router as schedules_router
from customer_export.api.stopping import Stopping
from customer_export.api.templates import router as templates_router
from customer_export.api.verification import router as verify_router
from customer_export.api.verify_page import router as verify_page_router
from customer_export.api.warming import router as warming_router
from customer_export.api.webhooks import router as webhooks_router
from customer_export.cache.interface import Reach
from customer_export.compose import open_jobs, open_services
from customer_export.errors import ExportError
from customer_export.export.abandoned import end_abandoned
from customer_export.jobs.erasure.followed import FollowedPurges
from customer_export.jobs.warming.warmer import Warmer
from customer_export.settings import Settings

SWITCH_SECONDS = 0.001  # Python's own 5 ms are how long a request would wait for each turn (docs/formats/pdf.md)
COLLECT_AFTER = 20_000  # objects: an export makes some thousand and hardly a cycle; Python's own 700 cost it a tenth
FOLLOW_SECONDS = 1.0  # a look by an index that hardly ever finds anything
SWEEP_SECONDS = 60.0  # a look at one small table; who audits does not ask more often

log = structlog.get_logger()


def create_app(settings: Settings) -> FastAPI:
    """Make the application. Its services are opened when it starts; what they raise ends the start."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        stopping = app.state.stopping = Stopping()
        with (
            stopping.hearing_signals(),
            open_services(settings, serving=True) as services,
            open_jobs(settings, services) as jobs,
        ):
            app.state.jobs = jobs
            _tune_interpreter()
            app.state.runner = ExportRunner(
                services,
                slots=settings.export_source_connections,
                queue=settings.export_queue_max,
                patience_seconds=settings.export_queue_timeout_ms / 1000,
            )
            app.state.followed_purges = FollowedPurges(jobs)
            tasks = [asyncio.create_task(_end_abandoned_now_and_then(app.state.runner))]
            if services.cache.reach is Reach.PROCESS:
                tasks.append(asyncio.create_task(_follow_purges(app.state.runner, app.state.followed_purges)))
            warmer = None if jobs.warming is None else Warmer(jobs, jobs.warming, monotonic=time.monotonic)
            app.state.warmer = warmer
            if warmer is not None:
                warmer.start()
                tasks.append(asyncio.create_task(_stop_when_told(warmer, stopping)))
            yield
            if warmer is not None:
                await asyncio.to_thread(warmer.stop)
            for task in tasks:
                task.cancel()
            app.state.runner.close()

    app = ExportApi(
        title="customer-export",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.trusted_proxies = read_trusted_proxies(settings.export_trusted_proxies)
    app.state.metrics_shown = settings.export_metrics
    routers = (
        router,
        audit_router,
        verify_router,
        verify_page_router,
        jobs_router,
        downloads_router,
        schedules_router,
        templates_router,
        webhooks_router,
        purges_router,
        warming_router,
    )
    for one in routers:
        app.include_router(one)
    app.state.routes = [route for one in routers for route in one.routes]
    app.add_middleware(Exchange)
    app.add_exception_handler(ExportError, answer_foreseen)
    app.add_exception_handler(HTTPException, answer_http)
    app.add_exception_handler(Exception, answer_unforeseen)
    app.setup_direct()
    return app


def _tune_interpreter() -> None:
    """Let a small request in while a large file is drawn, and the collector pass by what stays for good."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)


async def _end_abandoned_now_and_then(runner: ExportRunner) -> None:
    """Look for exports whose process died, at start and from then on, as long as the application runs."""
    interval_seconds = min(SWEEP_SECONDS, runner.services.limits.time.total_seconds())
    while True:
        try:
            await runner.run(partial(end_abandoned, runner.services))
            await runner.run(runner.services.signer.refresh)
        except ExportError as failure:
            log.warning("abandoned_not_recorded", code=failure.code)
        await asyncio.sleep(interval_seconds)


async def _stop_when_told(warmer: Warmer, stopping: Stopping) -> None:
    """Make nothing more for the cache while downloads come to their end."""
    await stopping.wait()
    await asyncio.to_thread(warmer.stop)


async def _follow_purges(runner: ExportRunner, followed: FollowedPurges) -> None:
    """Drop from this process's memory whom others purge, as long as the application runs."""
    failing = False
    while True:
        try:
            await runner.run(followed.look)
            failing = False
        except ExportError as failure:
            if not failing:
                log.warning("purges_not_followed", code=failure.code)
            failing = True
        await asyncio.sleep(FOLLOW_SECONDS)
