Deno.serve(
  { port: Number(Deno.env.get("PORT")) },
  () => new Response("worker " + Deno.env.get("NODE_APP_INSTANCE")),
);
