/** The static page behind the login, as an assets binding gives it. */
const PAGE = `<!doctype html><title>Members</title><h1>Members</h1><p>${"Swimming, every day. ".repeat(40)}</p>`;

export default {
  fetch(): Response {
    return new Response(PAGE, {
      headers: {
        "content-type": "text/html; charset=utf-8",
        etag: '"9f2c1b7a"',
        // As docs/site.md has it for what is behind a login.
        "cache-control": "private, no-store",
        vary: "Cookie",
      },
    });
  },
} satisfies ExportedHandler;
