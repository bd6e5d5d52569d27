// workerd writes and reads base64 itself, Node does not: both ways are tried.
import "../node/base64url.test.ts";
