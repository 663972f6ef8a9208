"""Metrics for Prometheus and traces for OTLP: names, counts and durations, never a payload."""

from collections.abc import Callable, Iterator
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector

from services.chassis.settings import TelemetrySettings

_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
_PROPAGATOR = TraceContextTextMapPropagator()


class _Series:
    """Counts and durations of one (method, status)."""

    __slots__ = ("buckets", "count", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.buckets = [0] * (len(_BOUNDS) + 1)


class Metrics:
    """Counters that cost well under a microsecond a call, read by Prometheus when it scrapes."""

    def __init__(self) -> None:
        """Start at zero."""
        self.registry = CollectorRegistry()
        self._calls: dict[tuple[str, str], _Series] = {}
        self._counters: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
        self._gauges: dict[str, tuple[str, Callable[[], float]]] = {}
        self.registry.register(self)
        ProcessCollector(registry=self.registry)

    def observe_call(self, method: str, status: str, seconds: float) -> None:
        """Count one finished call."""
        series = self._calls.get((method, status))
        if series is None:
            series = self._calls[(method, status)] = _Series()
        series.count += 1
        series.total += seconds
        for index, bound in enumerate(_BOUNDS):
            if seconds <= bound:
                series.buckets[index] += 1
                return
        series.buckets[-1] += 1

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Add to the counter `name`; labels come from a small fixed set, never from a client."""
        key = (name, tuple(sorted(labels.items())))
        self._counters[key] = self._counters.get(key, 0.0) + amount

    def gauge(self, name: str, help_text: str, read: Callable[[], float]) -> None:
        """Publish a value that is read when Prometheus scrapes."""
        self._gauges[name] = (help_text, read)

    def collect(self) -> Iterator[Metric]:
        """Yield every family, for prometheus_client's registry."""
        calls = HistogramMetricFamily(
            "craton_call_seconds", "Duration of calls by method and status.", labels=["method", "status"]
        )
        for (method, status), series in list(self._calls.items()):
            running, buckets = 0, []
            for bound, value in zip((*map(str, _BOUNDS), "+Inf"), series.buckets, strict=True):
                running += value
                buckets.append((bound, running))
            calls.add_metric([method, status], buckets, series.total)
        yield calls
        families: dict[str, CounterMetricFamily] = {}
        for (name, labels), number in list(self._counters.items()):
            keys = [key for key, _ in labels]
            family = families.setdefault(name, CounterMetricFamily(name, name, labels=keys))
            family.add_metric([value for _, value in labels], number)
        yield from families.values()
        for name, (help_text, read) in self._gauges.items():
            yield GaugeMetricFamily(name, help_text, value=read())

    def serve(self, listen: str) -> Callable[[], None]:
        """Serve /metrics on host:port; returns a function that stops it."""
        host, port = listen.rsplit(":", 1)
        server, thread = start_http_server(int(port), host, registry=self.registry)

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join(timeout=5)

        return stop


class Tracing:
    """Sampled traces. Costs nothing when no collector is configured."""

    def __init__(self, service: str, settings: TelemetrySettings) -> None:
        """Export to `settings.otlp_endpoint`; record nothing when it is empty."""
        self._provider: TracerProvider | None = None
        self._tracer: trace.Tracer | None = None
        if not settings.otlp_endpoint:
            return
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(settings.sample_ratio)),
            resource=Resource.create({"service.name": f"craton-{service}"}),
        )
        exporter = OTLPSpanExporter(endpoint=settings.otlp_endpoint, insecure=True)
        # A full queue drops spans: telemetry that is down must not slow or fail a call.
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("craton")

    def start(self, name: str, traceparent: str) -> "Span | None":
        """Start a span below the caller's, or None when nothing is recorded."""
        if self._tracer is None:
            return None
        parent = _PROPAGATOR.extract({"traceparent": traceparent}) if traceparent else None
        return Span(self._tracer.start_span(name, context=parent, kind=trace.SpanKind.SERVER))

    def close(self) -> None:
        """Flush what is queued."""
        if self._provider is not None:
            self._provider.shutdown()


class Span:
    """One recorded call."""

    def __init__(self, span: Any) -> None:
        """Wrap an OpenTelemetry span."""
        self._span = span

    @property
    def traceparent(self) -> str:
        """The W3C header that upstream calls carry."""
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier, context=trace.set_span_in_context(self._span))
        return carrier.get("traceparent", "")

    def end(self, status: str, request_id: str) -> None:
        """Finish with the call's status."""
        self._span.set_attribute("rpc.grpc.status", status)
        self._span.set_attribute("craton.request_id", request_id)
        self._span.end()
