# kdumpd as a service: the data (database, images, captures) lies in the volume /var/lib/kdumpd.
#   docker build -t kdumpd .
#   docker run -p 127.0.0.1:8470:8470 -v kdumpd:/var/lib/kdumpd kdumpd

# The full image has what compiles the native modules; Node's headers lie beside it in /usr/local/include/node.
FROM node:22-bookworm AS build
WORKDIR /app
ENV npm_config_nodedir=/usr/local
COPY . .
# prepare builds dist/; what only building needed is dropped again.
RUN npm ci --no-audit --no-fund && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:22-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json /app/LICENSE ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/guest ./guest
COPY --from=build /app/migrations ./migrations
RUN install -d -o node -g node /var/lib/kdumpd
USER node
VOLUME /var/lib/kdumpd
EXPOSE 8470
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8470/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/cli/main.js"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8470", "--data", "/var/lib/kdumpd"]
