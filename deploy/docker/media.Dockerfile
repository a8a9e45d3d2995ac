# Rooms, calls and files: everything but the model. No PyTorch.
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
        '.[redis,telemetry,otel,livekit,serve,twilio,webrtc]'

FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libespeak-ng1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin interject
COPY --from=build /opt/interject /opt/interject
COPY examples/kitchen.wav /examples/kitchen.wav
ENV PATH=/opt/interject/bin:$PATH PYTHONUNBUFFERED=1
USER 10001
WORKDIR /tmp
ENTRYPOINT ["interject"]
CMD ["--help"]
