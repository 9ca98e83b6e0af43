# SPDX-License-Identifier: Apache-2.0
#
# Bakes the models of a manifest into an image.
#
#   docker build -t demo .                                              the demo, without any hub
#   docker build --build-arg MANIFEST=qwen-image-edit -t edit .         manifests/qwen-image-edit.json
#   docker build --target serve -t demo-serve .                         the models with bake-serve, and no system
#   docker build --target tools -t modelbake .                          only the tools
#
# Needs BuildKit (DOCKER_BUILDKIT=1 before Docker 23) and nothing of it that Docker 20.10 has not.
# A token for gated repositories: --secret id=hf_token,src=FILE. It is in no layer.
#
# What changes least comes first, and every model stage sees its own pins only, so a changed pin
# rebuilds one layer. --no-cache also empties the cache mounts: then everything is fetched again.

ARG BUILD_IMAGE=debian:bookworm-slim
ARG BASE_IMAGE=debian:bookworm-slim
# Where the tools come from: the stage below, or an image made of it earlier.
ARG TOOLS_IMAGE=tools

# The tools, static, from source. The same source gives the same bytes.
FROM ${BUILD_IMAGE} AS build
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    ca-certificates cmake dpkg-dev gcc libc6-dev libncurses-dev libssl-dev make \
    ninja-build zlib1g-dev
COPY docker/static-deps /src/docker/static-deps
RUN /src/docker/static-deps /deps
COPY CMakeLists.txt /src/
COPY cmake /src/cmake
COPY include /src/include
COPY src /src/src
COPY tools /src/tools
COPY page /src/page
RUN cmake -S /src -B /build -G Ninja -DCMAKE_BUILD_TYPE=Release -DBAKE_STATIC=ON -DBAKE_TESTS=OFF \
      -DBAKE_DEPS_PREFIX=/deps -DCMAKE_INSTALL_PREFIX=/usr/local \
 && DESTDIR=/out ninja -C /build install \
 && find /out -exec touch -h -d @0 {} +

# An image to bake with: the tools, certificates, a shell.
FROM ${BUILD_IMAGE} AS tools
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/ /

FROM ${TOOLS_IMAGE} AS bake

# The plan: one directory per layer with its slice of the lock and the local files it names.
FROM bake AS plan
ARG MANIFEST=demo
ARG HF_ENDPOINT=
ARG BAKE_LOCK_ARGS=
COPY manifests /plan/manifests
RUN --mount=type=secret,id=hf_token set -eu; cd /plan/manifests; \
    if [ -f "$MANIFEST.lock.json" ]; then \
      bake-lock --check "$MANIFEST.json"; \
    else \
      bake-lock $BAKE_LOCK_ARGS "$MANIFEST.json"; \
      echo "warning: manifests/$MANIFEST.json has no lock: this build pinned what it found today." >&2; \
      echo "warning: run 'bake-lock manifests/$MANIFEST.json' and commit manifests/$MANIFEST.lock.json." >&2; \
    fi; \
    for n in 1 2 3 4; do \
      mkdir -p "/plan/$n"; \
      bake-lock --slice "$n" --copy-files "/plan/$n" -o "/plan/$n/lock.json" "$MANIFEST.lock.json"; \
    done; \
    mkdir /plan/index; \
    install -m 644 "$MANIFEST.json" /plan/index/models.json; \
    install -m 644 "$MANIFEST.lock.json" /plan/index/models.lock.json

# The model layers. BuildKit runs these stages at the same time; they share one cache.
FROM bake AS layer1
ARG HF_ENDPOINT=
ARG SOURCE_DATE_EPOCH=0
ARG BAKE_FETCH_ARGS=
RUN --mount=type=bind,from=plan,source=/plan/1,target=/plan \
    --mount=type=cache,id=modelbake,target=/cache,sharing=shared --mount=type=secret,id=hf_token \
    bake-fetch -l /plan/lock.json -d /out/app/models --cache /cache $BAKE_FETCH_ARGS

FROM bake AS layer2
ARG HF_ENDPOINT=
ARG SOURCE_DATE_EPOCH=0
ARG BAKE_FETCH_ARGS=
RUN --mount=type=bind,from=plan,source=/plan/2,target=/plan \
    --mount=type=cache,id=modelbake,target=/cache,sharing=shared --mount=type=secret,id=hf_token \
    bake-fetch -l /plan/lock.json -d /out/app/models --cache /cache $BAKE_FETCH_ARGS

FROM bake AS layer3
ARG HF_ENDPOINT=
ARG SOURCE_DATE_EPOCH=0
ARG BAKE_FETCH_ARGS=
RUN --mount=type=bind,from=plan,source=/plan/3,target=/plan \
    --mount=type=cache,id=modelbake,target=/cache,sharing=shared --mount=type=secret,id=hf_token \
    bake-fetch -l /plan/lock.json -d /out/app/models --cache /cache $BAKE_FETCH_ARGS

FROM bake AS layer4
ARG HF_ENDPOINT=
ARG SOURCE_DATE_EPOCH=0
ARG BAKE_FETCH_ARGS=
RUN --mount=type=bind,from=plan,source=/plan/4,target=/plan \
    --mount=type=cache,id=modelbake,target=/cache,sharing=shared --mount=type=secret,id=hf_token \
    bake-fetch -l /plan/lock.json -d /out/app/models --cache /cache $BAKE_FETCH_ARGS

# The index, from the layers as they are: no bytes are copied. The lock, where libbake and bake-serve
# find what they may fetch when something is missing. And the tools the image keeps.
FROM bake AS index
ARG SOURCE_DATE_EPOCH=0
RUN --mount=type=bind,from=plan,source=/plan/index,target=/plan \
    --mount=type=bind,from=layer1,source=/out/app/models,target=/in/1 \
    --mount=type=bind,from=layer2,source=/out/app/models,target=/in/2 \
    --mount=type=bind,from=layer3,source=/out/app/models,target=/in/3 \
    --mount=type=bind,from=layer4,source=/out/app/models,target=/in/4 \
    mkdir -p /out/app/models /out/usr/local/bin \
 && bake-index build -l /plan/models.lock.json -d /in/1 -d /in/2 -d /in/3 -d /in/4 \
      -o /out/app/models/model-info.json \
 && cp /plan/models.lock.json /out/app/ \
 && cp -P /usr/local/bin/bake-verify /usr/local/bin/verify_models /usr/local/bin/bake-index \
      /out/usr/local/bin/ \
 && find /out -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

# What a server needs besides: itself, bake-fetch for what is missing, certificates to fetch with, and
# a directory to fetch to, which is the server's own. Everything else is root's and is only read.
FROM bake AS server
ARG SOURCE_DATE_EPOCH=0
RUN mkdir -p /out/usr/local/bin /out/etc/ssl/certs /out/var/lib/bake \
 && cp /usr/local/bin/bake-serve /usr/local/bin/bake-fetch /out/usr/local/bin/ \
 && cp /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ \
 && chown 65532:65532 /out/var/lib/bake \
 && find /out -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

# The models with bake-serve: no shell, no libraries, nothing but what is served. Listening on every
# address is for the container; who is answered is said by the Host of a request, so clients that do
# not call it localhost need --allow-host NAME. docker/compose.yaml runs it.
FROM scratch AS serve
COPY --from=layer1 /out/ /
COPY --from=layer2 /out/ /
COPY --from=layer3 /out/ /
COPY --from=layer4 /out/ /
COPY --from=index /out/ /
COPY --from=server /out/ /
ARG MANIFEST=demo
ARG LOCK_SHA256=
ARG REVISION=
ARG SOURCE=
LABEL org.opencontainers.image.title="modelbake ${MANIFEST}, served" \
      org.opencontainers.image.description="Model files baked and verified by modelbake, with bake-serve" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.revision="${REVISION}" \
      io.modelbake.manifest="${MANIFEST}" \
      io.modelbake.lock.sha256="${LOCK_SHA256}" \
      io.modelbake.index="/app/models/model-info.json"
ENV PATH=/usr/local/bin MODEL_CACHE_DIR=/app/models BAKE_FALLBACK_DIR=/var/lib/bake
USER 65532:65532
EXPOSE 8000
HEALTHCHECK --start-period=10s --interval=10s --timeout=5s --retries=3 \
    CMD ["/usr/local/bin/bake-serve", "--probe", "http://127.0.0.1:8000"]
ENTRYPOINT ["/usr/local/bin/bake-serve", "--listen", "0.0.0.0:8000"]

# The image. Trees are copied onto the root: every directory in them carries a fixed time, mode and
# owner, so that a layer is the same bytes whenever and on whatever base it is built.
FROM ${BASE_IMAGE} AS runtime
COPY --from=layer1 /out/ /
COPY --from=layer2 /out/ /
COPY --from=layer3 /out/ /
COPY --from=layer4 /out/ /
COPY --from=index /out/ /
ARG MANIFEST=demo
ARG BASE_IMAGE
ARG LOCK_SHA256=
ARG REVISION=
ARG SOURCE=
LABEL org.opencontainers.image.title="modelbake ${MANIFEST}" \
      org.opencontainers.image.description="Model files baked and verified by modelbake" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE_IMAGE}" \
      io.modelbake.manifest="${MANIFEST}" \
      io.modelbake.lock.sha256="${LOCK_SHA256}" \
      io.modelbake.index="/app/models/model-info.json"
ENV MODEL_CACHE_DIR=/app/models
USER 65532:65532
HEALTHCHECK --start-period=10s --interval=60s --timeout=30s --retries=3 \
    CMD ["/usr/local/bin/bake-verify", "--quick", "--quiet"]
CMD ["/usr/local/bin/verify_models", "--list"]
