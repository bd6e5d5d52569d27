/** The static page behind the login, as an assets binding gives it. */
const PAGE = `<!doctype html><title>Members</title><h1>Members</h1><p>${"Swimming, every day. ".repeat(40)}</p>`;

export default {
  fetch(): Response {
    return new Response(PAGE, {
      headers: {
        "content-type": "text/html; charset=utf-8",
        etag: '"9f2c1b7a"',
        "cache-control": "public, max-age=0, must-revalidate",
      },
    });
  },
} satisfies ExportedHandler;
