# A static binary on an empty image. Build: docker build -t labhook .
# Run: docker run -p 8080:8080 -v labhook-data:/data labhook
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=0.1.0
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/labhook . \
 && mkdir -m 700 /out/data /out/tmp

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/labhook /labhook
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build --chown=65532:65532 /out/tmp /tmp
USER 65532:65532
VOLUME /data
EXPOSE 8080
ENV LABHOOK_DATA=/data LABHOOK_LISTEN=:8080
ENTRYPOINT ["/labhook"]
