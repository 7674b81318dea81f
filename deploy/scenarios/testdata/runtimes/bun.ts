Bun.serve({
  port: Number(process.env.PORT),
  fetch: () => new Response("worker " + process.env.NODE_APP_INSTANCE),
});
