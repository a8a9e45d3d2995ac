# The model, and a process that serves it. For CUDA nothing else is needed: PyTorch's wheel brings
# its libraries, the host's driver comes with the NVIDIA container runtime.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE constraints.txt ./
COPY interject/__init__.py interject/py.typed interject/
COPY agent agent
COPY cli cli
COPY config config
COPY integrations integrations
COPY model_runtime model_runtime
COPY training training
RUN python -m venv /opt/interject \
    && /opt/interject/bin/pip install --no-cache-dir --constraint constraints.txt \
        '.[runtime,redis,telemetry,otel]'

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin interject
COPY --from=build /opt/interject /opt/interject
ENV PATH=/opt/interject/bin:$PATH PYTHONUNBUFFERED=1
USER 10001
WORKDIR /tmp
EXPOSE 9464
STOPSIGNAL SIGTERM
ENTRYPOINT ["interject", "worker"]
