import { connect } from "node:net";

/**
 * Sends a request byte by byte as written: no client between that would tidy up its path or its headers.
 * @param target the request target, of Latin-1 characters or UTF-8 ones, which are sent as they are.
 * @returns the status and everything the server sent.
 */
export function rawRequest(
  server: URL,
  target: string,
  headers: readonly string[] = [],
): Promise<{ readonly status: number; readonly text: string }> {
  const lines = [`GET ${target} HTTP/1.1`, `Host: ${server.host}`, "Connection: close", ...headers, "", ""];
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(Number(server.port), server.hostname, () => socket.write(lines.join("\r\n")));
    socket.setEncoding("utf8").on("data", (chunk) => {
      text += chunk;
    });
    socket.on("error", reject);
    socket.on("end", () => {
      socket.destroy();
      resolve({ status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1]), text });
    });
  });
}
