# One static binary in an otherwise empty image, run by an unprivileged user.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags='-s -w' -o /out/agora ./cmd/agora \
 && mkdir /out/agora-data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /usr/share/zoneinfo /usr/share/zoneinfo
COPY --from=build /out/agora /usr/local/bin/agora
COPY --from=build --chown=65532:65532 /out/agora-data /var/lib/agora/agora-data
USER 65532:65532
# The default database, sqlite://agora-data/agora.db, lies relative to this.
WORKDIR /var/lib/agora
VOLUME /var/lib/agora/agora-data
ENV AGORA_LISTEN=0.0.0.0:8420
EXPOSE 8420
ENTRYPOINT ["/usr/local/bin/agora"]
CMD ["serve"]
