# syntax=docker/dockerfile:1

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
# Without the schema tools, which only developers need. Dependencies and their objects stay in the builder's cache between builds; the binary is copied out of it.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --release --locked --package larder --no-default-features && \
    cp target/release/larder /usr/local/bin/larder

FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/larder --create-home --shell /usr/sbin/nologin larder
COPY --from=build /usr/local/bin/larder /usr/local/bin/larder
COPY LICENSE-MIT LICENSE-APACHE /usr/share/doc/larder/
# Production mode: a forgotten URL or secret key stops the start instead of beginning an empty system.
ENV LARDER_MODE=production \
    LARDER_SERVER_HOST=0.0.0.0 \
    LARDER_SERVER_PORT=8080 \
    LARDER_DATA_DIR=/var/lib/larder
USER larder
WORKDIR /var/lib/larder
VOLUME /var/lib/larder
EXPOSE 8080
# Bash speaks HTTP here, so that the image needs no curl.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=6 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/${LARDER_SERVER_PORT} && printf 'GET /health/ready HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["larder"]
CMD ["serve"]
