# gorun alone, for `COPY --from` in the Dockerfile of a service:
#
#   COPY --from=gorun /gorun /usr/local/bin/gorun
#   CMD ["gorun", "ecosystem.yaml"]
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=devel
RUN .ci/build /gorun "$VERSION"

FROM scratch
COPY --from=build /gorun /gorun
USER 65532:65532
ENTRYPOINT ["/gorun"]
