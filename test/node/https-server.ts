import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import { createServer, type Server } from "node:https";
import { join } from "node:path";

/**
 * A server with a certificate of its own for localhost, which nobody but the test trusts.
 * @param folder for certificate (`certificate.pem`) and key
 */
export async function startHttpsServer(folder: string, answer: RequestListener): Promise<Server> {
  const [keyFile, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
  execFileSync(
    "openssl",
    [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"],
      ...["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
      ...["-keyout", keyFile, "-out", certificate],
    ],
    { stdio: "ignore" },
  );
  const server = createServer({ key: readFileSync(keyFile), cert: readFileSync(certificate) }, answer);
  await once(server.listen(0, "127.0.0.1"), "listening");
  return server;
}
