# The install steps are the Makefile's own, so the image holds what the tests ran on.
FROM python:3.11-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends make gcc g++ && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY Makefile pyproject.toml requirements.lock README.md LICENSE ./
COPY rag rag
COPY ingest ingest
COPY api api
COPY evals evals
# UV_TORCH_BACKEND=cpu keeps the CUDA build of torch out of the image; build with --build-arg for another.
ARG UV_TORCH_BACKEND=cpu
ENV UV_TORCH_BACKEND=$UV_TORCH_BACKEND
RUN make install PYTHON=python3 EXTRAS=cpu DEV=

FROM python:3.11-slim-bookworm
RUN useradd --create-home attest && mkdir /data && chown attest /data
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH ATTEST_HOME=/data PYTHONUNBUFFERED=1
USER attest
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/ready')"]
# Beyond loopback the server starts only with ATTEST_API_KEY set.
CMD ["attest", "serve", "--host", "0.0.0.0", "--port", "8000"]
