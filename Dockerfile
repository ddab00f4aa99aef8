# One file, three images: `api` holds no TensorFlow, `worker` no Flask, `worker-gpu` brings CUDA.
#
#   docker build --target api --tag stylequeue-api .
#
# Layers that seldom change come first: a change of code is a small new layer above the dependencies. pip
# installs only files with the digests in deploy/requirements (`make requirements`), and builds none from source.

FROM python:3.11.14-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_REQUIRE_HASHES=1 PIP_ONLY_BINARY=:all:
WORKDIR /src
RUN python -m venv /venv

FROM build AS api-dependencies
COPY deploy/requirements/api.txt ./
RUN /venv/bin/pip install -r api.txt

FROM build AS worker-dependencies
COPY deploy/requirements/worker.txt ./
RUN /venv/bin/pip install -r worker.txt

FROM build AS worker-gpu-dependencies
COPY deploy/requirements/worker-gpu.txt ./
RUN /venv/bin/pip install -r worker-gpu.txt

FROM build AS wheel
COPY deploy/requirements/build.txt ./
RUN /venv/bin/pip install -r build.txt
COPY pyproject.toml README.md LICENSE ./
COPY shared shared
COPY api api
COPY worker worker
COPY client client
COPY simulation simulation
COPY local local
COPY samples samples
# The build has no git, so `make images` passes the version on.
ARG VERSION
ENV SETUPTOOLS_SCM_PRETEND_VERSION=$VERSION
RUN /venv/bin/python -m hatchling build --target wheel --directory /wheels

FROM python:3.11.14-slim-bookworm AS runtime
RUN useradd --uid 10001 --create-home stylequeue \
 && install -d -o stylequeue -g stylequeue /cache /var/spool/stylequeue
# The API and workers write batches to disk here, because /tmp is memory in most places.
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PIP_DISABLE_PIP_VERSION_CHECK=1 TMPDIR=/var/spool/stylequeue
WORKDIR /home/stylequeue

# The API needs a key in Redis before it starts: stylequeue keys create OWNER --admin
FROM runtime AS api
COPY --from=api-dependencies /venv /venv
RUN --mount=type=bind,from=wheel,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-index --no-deps /wheels/*.whl && pip check
ENV WEB_CONCURRENCY=2
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=6 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
CMD ["gunicorn", "--config=python:api.gunicorn_conf", "--bind=0.0.0.0:8080", "--worker-tmp-dir=/dev/shm", "api.wsgi:app"]
ARG VERSION REVISION
LABEL org.opencontainers.image.title="stylequeue-api" org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" org.opencontainers.image.revision="$REVISION"

FROM runtime AS worker-runtime
ENV STYLEQUEUE_CACHE_DIR=/cache TFHUB_CACHE_DIR=/cache/hub

FROM worker-runtime AS worker
COPY --from=worker-dependencies /venv /venv
RUN --mount=type=bind,from=wheel,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-index --no-deps /wheels/*.whl && pip check
USER 10001:10001
HEALTHCHECK --interval=30s --timeout=10s --start-period=180s --retries=3 CMD ["python", "-m", "worker.telemetry.health"]
CMD ["stylequeue", "worker", "--processes", "auto"]
ARG VERSION REVISION
LABEL org.opencontainers.image.title="stylequeue-worker" org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" org.opencontainers.image.revision="$REVISION"

FROM worker-runtime AS worker-gpu
COPY --from=worker-gpu-dependencies /venv /venv
RUN --mount=type=bind,from=wheel,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-index --no-deps /wheels/*.whl && pip check
# The parts of the driver that NVIDIA's container runtime mounts.
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 10001:10001
HEALTHCHECK --interval=30s --timeout=10s --start-period=300s --retries=3 CMD ["python", "-m", "worker.telemetry.health"]
CMD ["stylequeue", "worker", "--processes", "auto"]
ARG VERSION REVISION
LABEL org.opencontainers.image.title="stylequeue-worker-gpu" org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" org.opencontainers.image.revision="$REVISION"
