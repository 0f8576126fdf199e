# The service listens on every address of its container. It starts only with keys (OFFLOAD_API_KEYS, or a file with
# OFFLOAD_API_KEYS_FILE), or with OFFLOAD_INSECURE=1, which lets everyone use it who can reach the port. Jobs, results and
# uploads are in /data. The files to digest are in /files, usually mounted read-only.

# What the image is made of has stated versions. To raise them, change the value, build, and run `make chaos` or your tests:
# - Python and Debian: the tag of https://hub.docker.com/_/python. It gets security fixes under the same name. A release that
#   must be reproducible adds the tag's digest, which `docker buildx imagetools inspect python:TAG` prints:
#   docker build --build-arg PYTHON_DIGEST=@sha256:… .
# - tini, the init: the upstream version that Debian has, which `apt-cache policy tini` prints.
# - Python packages: requirements.lock and requirements-build.lock, with hashes.
ARG PYTHON=3.13-slim-trixie
ARG PYTHON_DIGEST=
ARG TINI=0.19.0

# ---- build: all hashes are checked; only /opt/offload and the init go into the image ----------------------------------
FROM python:${PYTHON}${PYTHON_DIGEST} AS build

ARG TINI
RUN apt-get update \
 && apt-get install --yes --no-install-recommends "tini=${TINI}-*" \
 && rm -rf /var/lib/apt/lists/*

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_ONLY_BINARY=:all:
WORKDIR /src

# The dependencies come before the code, so that they are installed again only when a lock changes.
COPY requirements.lock requirements-build.lock ./
RUN python -m venv --without-pip /opt/offload \
 && python -m pip --python /opt/offload/bin/python install --no-compile --require-hashes -r requirements.lock \
 && python -m venv /opt/build \
 && /opt/build/bin/python -m pip install --require-hashes -r requirements-build.lock

COPY pyproject.toml README.md LICENSE ./
COPY app app
RUN /opt/build/bin/python -m pip wheel --no-index --no-deps --no-build-isolation --wheel-dir /opt/wheels . \
 && python -m pip --python /opt/offload/bin/python install --no-compile --no-index --no-deps /opt/wheels/*.whl

# Compiled here, since the service's user can't write there. Not by pip: its bytecode depends on file times, which a copy
# between stages rounds, so that every start would compile a hundred modules.
RUN /opt/offload/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/offload/lib

# ---- the service ----------------------------------------------------------------------------------------------------
FROM python:${PYTHON}${PYTHON_DIGEST}

LABEL org.opencontainers.image.title="Offload" \
      org.opencontainers.image.description="CPU-bound Python work behind an HTTP API" \
      org.opencontainers.image.licenses="MIT"

# The official image comes without the standard library's bytecode.
RUN python -m compileall -q --invalidation-mode unchecked-hash -x '/(site-packages|dist-packages|test|idlelib|lib2to3)/' \
      "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"

# Fixed ids, so that volumes keep their owner from image to image.
RUN groupadd --gid 10001 offload \
 && useradd --uid 10001 --gid offload --no-create-home --home-dir /data --shell /usr/sbin/nologin offload \
 && install --directory --mode 0700 --owner offload --group offload /data \
 && install --directory --mode 0755 --owner offload --group offload /files

# Not tini-static: from Debian 14 on, that is another package. This one needs only libc, which both stages have.
COPY --from=build /usr/bin/tini /usr/local/bin/tini
COPY --from=build /opt/offload /opt/offload

ENV PATH=/opt/offload/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    OFFLOAD_HOST=0.0.0.0 \
    OFFLOAD_PORT=8000 \
    OFFLOAD_DATA_DIR=/data \
    OFFLOAD_FILES_DIR=/files \
    OFFLOAD_LOG_FORMAT=json

USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM

# There is no curl in a slim image. A probe costs about 50 ms of one core.
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-P", "-m", "offload.server.probe"]

# Process 1 has to reap orphans. The service itself can't be process 1: the kernel would not end it by a signal that it does
# not handle, as when it hangs at its end.
ENTRYPOINT ["tini", "--", "offload"]
CMD ["serve"]
