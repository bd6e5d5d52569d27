/** The least a Worker can do: what every other figure contains. */
export default {
  fetch(): Response {
    return Response.json({ authenticated: false });
  },
} satisfies ExportedHandler;
