# syntax=docker/dockerfile:1
#
# docker build -t docent .
# docker run -p 8000:8000 -v docent:/data -v /path/to/documents:/documents:ro \
#     -e DOCENT_API_KEY=... -e DOCENT_PASSWORD=... docent
#
# Inside the container Docent listens on 0.0.0.0, where it refuses to start without a key and a password.

FROM node:22-bookworm-slim AS scripts
WORKDIR /srv/docent
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM python:3.11-slim-bookworm AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /srv/docent
# What set-up reads, before the sources: a change of the sources compiles nothing anew.
COPY pyproject.toml requirements.lock README.md LICENSE package.json package-lock.json ./
COPY make make
COPY indexer/__init__.py indexer/__init__.py
COPY server/__init__.py server/__init__.py
COPY --from=scripts /srv/docent/node_modules node_modules
# The image runs on other machines than the one it is built on: AVX2 on x86-64, no instruction sets beyond. llama.cpp's
# CPU variants that are chosen at run time (GGML_BACKEND_DL) are not installed by llama-cpp-python 0.3.36.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN PIP_NO_CACHE_DIR=1 CMAKE_ARGS="-DGGML_NATIVE=OFF" TORCH_INDEX="$TORCH_INDEX" make/setup.sh image \
    && rm -rf node_modules .make

FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data docent \
    && install -d -o docent /data /documents
WORKDIR /srv/docent
COPY --from=build /srv/docent /srv/docent
COPY indexer indexer
COPY server server
COPY templates templates
COPY static static
COPY docs docs
COPY --from=build /srv/docent/static/vendor static/vendor
ENV PATH=/srv/docent/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DOCENT_DATA=/data \
    DOCENT_HOST=0.0.0.0
USER docent
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["docent", "serve", "--ingest", "/documents"]
