# kdumpd as a service: the data (database, images, captures) lies in the volume /var/lib/kdumpd. It listens on 0.0.0.0, for
# which it needs a key (docs/access.md); the second line makes one and prints it once.
#   docker build -t kdumpd .
#   docker run --rm -v kdumpd:/var/lib/kdumpd kdumpd key create ops --scopes admin --data /var/lib/kdumpd
#   docker run -p 127.0.0.1:8470:8470 -v kdumpd:/var/lib/kdumpd kdumpd

# The version in scripts/lib/runtime.json.
ARG NODE_IMAGE=node:26.12.1-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
# Dependencies first: their layer stays while only sources change.
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
# What only building needed is dropped again.
RUN npm run build && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM ${NODE_IMAGE}
# The daemon starts emulators; as process 1 it would also have to reap them and answer every signal by itself.
RUN apt-get update \
  && apt-get install -y --no-install-recommends tini \
  && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json /app/LICENSE ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/docs ./docs
COPY --from=build /app/guest ./guest
COPY --from=build /app/migrations ./migrations
RUN install -d -o node -g node /var/lib/kdumpd
USER node
VOLUME /var/lib/kdumpd
EXPOSE 8470
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8470/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["/usr/bin/tini", "--", "node", "dist/cli/main.js"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8470", "--data", "/var/lib/kdumpd"]
