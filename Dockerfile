# syntax=docker/dockerfile:1
# The hub in one image. What runs is chosen by the command: `emall run` (everything, with the
# embedded PostgreSQL), or `emall serve SERVICE` as docker-compose.yml does.
# `docs/operations.md` shows how to pin it by digest.
ARG PYTHON_IMAGE=python:3.11-slim

FROM ${PYTHON_IMAGE} AS build
WORKDIR /app
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv --without-pip /venv
COPY requirements.lock ./
RUN pip --python /venv/bin/python install --require-hashes --only-binary :all: -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY services services
COPY setup.py MANIFEST.in ./
COPY migrations migrations
COPY methods methods
COPY packs packs
COPY docs/runbook.md docs/runbook.md
ARG COMMIT=unknown
RUN EMALL_BUILD_COMMIT=${COMMIT} pip --python /venv/bin/python install --no-deps . \
    # Not the checkout's, which `python -m` would find in this folder.
    && cd / && /venv/bin/python -m services.gateway.portal.templating

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="emall" \
      org.opencontainers.image.description="The hub of a regency's e-Mall Pelayanan Publik" \
      org.opencontainers.image.licenses="EUPL-1.2"
# The embedded PostgreSQL requires a named user. The folders belong to that user, so that
# a new volume mounted on one of them does too.
RUN pip uninstall --yes --quiet --root-user-action ignore pip setuptools wheel \
    && useradd --uid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin emall \
    && install -d -o 10001 -g 10001 -m 0700 /data /keys/signing /keys/publishing /keys/comments \
    && install -d -o 10001 -g 10001 -m 0755 /keys/verifying
WORKDIR /app
COPY --from=build /venv /venv
COPY packs packs
COPY LICENSE ./
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    EMALL_HOST=0.0.0.0 \
    EMALL_PORT=8000 \
    EMALL_DATA_DIR=/data
USER 10001:10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health/ready', timeout=4)"]
CMD ["emall", "run"]
