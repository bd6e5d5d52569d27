// An origin that answers websockets: first with the headers it was asked with, then with whatever it is sent.
// It runs in workerd, whose types the compiler does not have here.
// @ts-nocheck

export default {
  fetch(request) {
    if (request.headers.get("upgrade") !== "websocket")
      return new Response("not a websocket", { status: 426 });
    const { 0: webSocket, 1: server } = new WebSocketPair();
    server.accept();
    server.send(JSON.stringify(Object.fromEntries(request.headers)));
    server.addEventListener("message", ({ data }) => server.send(data));
    server.addEventListener("close", ({ code, reason }) => server.close(code, reason));
    const protocol = request.headers.get("sec-websocket-protocol")?.split(",")[0];
    const headers = protocol === undefined ? {} : { "sec-websocket-protocol": protocol };
    return new Response(null, { status: 101, webSocket, headers });
  },
};
