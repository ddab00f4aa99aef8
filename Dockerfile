# One file, two images: `api` holds no TensorFlow and `worker` no Flask.

FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md ./
COPY shared shared
COPY api api
COPY worker worker
COPY client client
COPY local local
COPY samples samples
RUN python -m venv /venv

FROM build AS build-api
RUN /venv/bin/pip install --no-cache-dir -c constraints.txt '.[api]'

FROM build AS build-worker
RUN /venv/bin/pip install --no-cache-dir -c constraints.txt '.[worker]'

FROM python:3.11-slim-bookworm AS runtime
RUN useradd --create-home --uid 10001 stylequeue && install -d -o stylequeue /cache /var/spool/stylequeue
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1
USER stylequeue
WORKDIR /home/stylequeue

FROM runtime AS api
COPY --from=build-api /venv /venv
EXPOSE 8080
# Needs an API key in Redis: python -m api.keys_command create OWNER
CMD ["gunicorn", "--config=python:api.gunicorn_conf", "api.wsgi:app", "--bind=0.0.0.0:8080", "--workers=2"]

FROM runtime AS worker
COPY --from=build-worker /venv /venv
CMD ["python", "-m", "worker.command", "--processes", "auto"]
